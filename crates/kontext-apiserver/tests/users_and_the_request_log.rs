//! Who asked for what: authentication, the request log, audit ids, field managers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use bytes::Bytes;
use common::*;
use http::Request;
use http_body_util::{BodyExt, Full};
use kontext_apiserver::ApiServer;
use serde_json::{Value, json};
use tower::ServiceExt;

async fn bare(server: &ApiServer, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = server.service().oneshot(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_token_says_who_asks() {
    let server = server().await;
    let token = server.token("bob");
    assert_eq!(bare(&server, PODS, Some(&token)).await.0, 200);
    assert_eq!(server.requests()[0].user, "bob");
    let (status, answer) = bare(&server, PODS, Some("wrong")).await;
    assert_eq!((status, answer["reason"].as_str()), (401, Some("Unauthorized")));
    let (status, answer) = bare(&server, PODS, None).await;
    assert_eq!(status, 403);
    assert_eq!(
        answer["message"],
        "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
    );
    assert_eq!(bare(&server, "/healthz", None).await.0, 200);
}

#[tokio::test]
async fn the_log_says_what_each_request_did() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    client.get(&format!("{DEPLOYMENTS}/web/scale")).await.ok();
    client
        .patch(&format!("{DEPLOYMENTS}/web?fieldManager=me&dryRun=All"), MERGE_PATCH, &json!({}))
        .await
        .ok();
    client.delete(&format!("{DEPLOYMENTS}/none"), &json!({})).await;
    let lines: Vec<String> = server
        .requests()
        .iter()
        .map(|r| {
            format!(
                "{} {} {}.{}/{} {}/{} by {:?} -> {} changed={} dry={}",
                r.user,
                r.verb,
                r.resource,
                r.group,
                r.subresource,
                r.namespace,
                r.name,
                r.field_manager,
                r.status,
                r.changed,
                r.dry_run
            )
        })
        .collect();
    expect_test::expect![[r#"
        alice create deployments.apps/ default/web by "tester" -> 201 changed=true dry=false
        alice get deployments.apps/scale default/web by "" -> 200 changed=false dry=false
        alice patch deployments.apps/ default/web by "me" -> 200 changed=false dry=true
        alice delete deployments.apps/ default/none by "tester" -> 404 changed=false dry=false"#]]
    .assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn trace_headers_and_audit_ids_are_kept() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut request = client.request("GET", PODS, "", b"");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.headers_mut().insert("traceparent", trace.parse().unwrap());
    request.headers_mut().insert("audit-id", "mine".parse().unwrap());
    assert_eq!(client.send(request).await.headers["audit-id"], "mine");
    let given = client.get(PODS).await.headers["audit-id"].to_str().unwrap().to_owned();
    let records = server.requests();
    assert_eq!((records[0].traceparent.as_deref(), records[0].audit_id.as_str()), (Some(trace), "mine"));
    assert_eq!((given.len(), records[1].audit_id.as_str()), (36, given.as_str()));
}

#[tokio::test]
async fn the_log_is_bounded_and_its_count_is_not() {
    let server = ApiServer::builder().request_log(3).start().await;
    let client = Client::new(&server, "alice");
    for _ in 0..5 {
        client.get(PODS).await;
    }
    assert_eq!((server.requests().len(), server.request_count()), (3, 5));
}

#[tokio::test]
async fn a_writer_is_tracked_under_its_field_manager() {
    let server = server().await;
    let mut client = Client::new(&server, "alice");
    "kubectl/v1.36.0 (linux/amd64)".clone_into(&mut client.user_agent);
    let created =
        client.post(CONFIG_MAPS, &json!({"metadata": {"name": "m"}, "data": {"a": "b"}})).await.ok();
    assert_eq!(created["metadata"]["managedFields"][0]["manager"], "kubectl");
    let change = json!({"data": {"c": "d"}});
    let patched = client.patch(&format!("{CONFIG_MAPS}/m?fieldManager=me"), MERGE_PATCH, &change).await.ok();
    assert_eq!(patched["metadata"]["managedFields"][1]["manager"], "me");
    assert_eq!(patched["metadata"]["managedFields"][1]["fieldsV1"], json!({"f:data": {"f:c": {}}}));
}
