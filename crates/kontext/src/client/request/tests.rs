use expect_test::{Expect, expect};
use http::{HeaderValue, Request};

use super::*;

fn check(method: &str, uri: &str, content_type: Option<&'static str>, expected: Expect) {
    let mut request = Request::builder().method(method).uri(uri).body(()).expect("a request");
    let headers = request.headers_mut();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("kontext/0.1 (linux)"));
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let parsed = ResourceRequest::parse(request.method(), request.uri(), request.headers());
    expected.assert_eq(&parsed.map_or("no resource".into(), |r| {
        format!(
            "{:?} group={:?} {} {} namespace={:?} name={:?} sub={:?} dry={} manager={:?}",
            r.verb,
            r.group,
            r.version,
            r.resource,
            r.namespace.as_deref(),
            r.name.as_deref(),
            r.subresource,
            r.dry_run,
            r.manager.as_deref()
        )
    }));
}

#[test]
fn a_create_names_the_collection() {
    check(
        "POST",
        "/api/v1/namespaces/shop/pods?",
        None,
        expect![[
            r#"Create group="" v1 pods namespace=Some("shop") name=None sub=None dry=false manager=Some("kontext")"#
        ]],
    );
}

#[test]
fn a_whole_url_behind_a_proxy_prefix_is_understood() {
    check(
        "PUT",
        "https://rancher.example/k8s/clusters/c-1/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=ci%20job&dryRun=All",
        Some("application/json; charset=utf-8"),
        expect![[
            r#"Update group="apps" v1 deployments namespace=Some("shop") name=Some("web") sub=None dry=true manager=Some("ci job")"#
        ]],
    );
}

#[test]
fn the_content_type_tells_the_patches_apart() {
    for (content_type, patch) in [
        ("application/json-patch+json", Patch::Json),
        ("application/merge-patch+json", Patch::Merge),
        ("application/strategic-merge-patch+json", Patch::Strategic),
        ("application/apply-patch+yaml", Patch::Apply),
        ("application/apply-patch+cbor", Patch::Other),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let uri = Uri::from_static("/api/v1/namespaces/shop/pods/web");
        let parsed = ResourceRequest::parse(&Method::PATCH, &uri, &headers).expect("a resource");
        assert_eq!(parsed.verb, Verb::Patch(patch), "{content_type}");
    }
}

#[test]
fn subresources_are_known() {
    check(
        "PUT",
        "/apis/apps/v1/namespaces/shop/deployments/web/status",
        None,
        expect![[
            r#"Update group="apps" v1 deployments namespace=Some("shop") name=Some("web") sub=Some("status") dry=false manager=Some("kontext")"#
        ]],
    );
    check(
        "POST",
        "/api/v1/namespaces/shop/bindings",
        None,
        expect![[
            r#"Create group="" v1 bindings namespace=Some("shop") name=None sub=Some("binding") dry=false manager=Some("kontext")"#
        ]],
    );
}

#[test]
fn a_namespace_is_a_resource_of_its_own() {
    check(
        "PUT",
        "/api/v1/namespaces/shop",
        None,
        expect![[
            r#"Update group="" v1 namespaces namespace=None name=Some("shop") sub=None dry=false manager=Some("kontext")"#
        ]],
    );
    check(
        "PUT",
        "/api/v1/namespaces/shop/finalize",
        None,
        expect![[
            r#"Update group="" v1 namespaces namespace=None name=Some("shop") sub=Some("finalize") dry=false manager=Some("kontext")"#
        ]],
    );
}

#[test]
fn watches_lists_and_gets_differ() {
    check(
        "GET",
        "/api/v1/pods?watch=true",
        None,
        expect![[
            r#"Watch group="" v1 pods namespace=None name=None sub=None dry=false manager=Some("kontext")"#
        ]],
    );
    check(
        "GET",
        "/api/v1/watch/namespaces/shop/pods",
        None,
        expect![[
            r#"Watch group="" v1 pods namespace=Some("shop") name=None sub=None dry=false manager=Some("kontext")"#
        ]],
    );
    check(
        "GET",
        "/api/v1/nodes?limit=500&watch=0",
        None,
        expect![[
            r#"List group="" v1 nodes namespace=None name=None sub=None dry=false manager=Some("kontext")"#
        ]],
    );
    check(
        "GET",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
        None,
        expect![[
            r#"Get group="rbac.authorization.k8s.io" v1 clusterroles namespace=None name=Some("system:node") sub=None dry=false manager=Some("kontext")"#
        ]],
    );
}

#[test]
fn deletes_are_told_from_deletes_of_collections() {
    check(
        "DELETE",
        "/api/v1/namespaces/shop/pods/web",
        None,
        expect![[
            r#"Delete group="" v1 pods namespace=Some("shop") name=Some("web") sub=None dry=false manager=Some("kontext")"#
        ]],
    );
    check(
        "DELETE",
        "/api/v1/namespaces/shop/pods",
        None,
        expect![[
            r#"DeleteCollection group="" v1 pods namespace=Some("shop") name=None sub=None dry=false manager=Some("kontext")"#
        ]],
    );
}

#[test]
fn discovery_and_health_are_no_resources() {
    for uri in ["/", "/healthz", "/api", "/apis", "/apis/apps", "/api/v1", "/apis/apps/v1", "/openapi/v3"] {
        check("GET", uri, None, expect!["no resource"]);
    }
}

#[test]
fn a_long_user_agent_is_cut_as_the_server_cuts_it() {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_str(&"x".repeat(200)).expect("ASCII"));
    assert_eq!(from_user_agent(&headers).map(str::len), Some(128));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("/1.0"));
    assert_eq!(from_user_agent(&headers), None);
}

proptest::proptest! {
    #[test]
    fn no_path_or_query_panics(path in "(/[a-z%0-9]{0,6}){0,8}", query in "[a-zA-Z=&%+0-9]{0,30}") {
        let uri: Uri = format!("/{path}?{query}").parse().expect("a URI");
        let _ = ResourceRequest::parse(&Method::PUT, &uri, &HeaderMap::new());
    }
}
