//! The context layer over a scripted inner service: which headers and bodies it sends.

mod scripted;

use std::sync::Arc;

use expect_test::expect;
use http::{Method, Request};
use kontext::{
    Context, Controller, Counted, Fingerprint, ObjectRef, Policy, Stamp, Unstamped,
    client::{ContextLayer, KnownObjects, ObjectQuery, Unbound},
};
use kube::client::Body;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};

use scripted::{Counts, Script, Seen};

const PODS: &str = "/api/v1/namespaces/shop/pods";
const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const MERGE: &str = "application/merge-patch+json";

fn object() -> ObjectRef {
    ObjectRef::new("ReplicaSet", Some("shop"), "web").with_uid("rs-uid")
}

fn context(counts: &Arc<Counts>) -> Context {
    Context::builder(Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet")), object())
        .telemetry(counts.clone())
        .build()
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "d-uid", "resourceVersion": "7", "generation": 3,
            "labels": {"app": "web"}, "annotations": {
                "tracing.k8s.io/traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
                "tracing.k8s.io/tracestate": "a=b", "kontext.dev/cause": "{\"old\":1}", "note": "x"}},
        "spec": {"replicas": 3, "strategy": {"type": "Recreate"}},
    })
}

fn request(method: Method, uri: &str, content_type: &str, body: &Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", content_type)
        .header("user-agent", "test/1")
        .body(Body::from(body.to_string().into_bytes()))
        .expect("a request")
}

struct Sent {
    seen: Vec<Seen>,
    counted: Vec<Counted>,
    context: Context,
}

impl Sent {
    /// The request itself, after any GET of the layer.
    fn last(&self) -> &Seen {
        self.seen.last().expect("something was sent")
    }

    fn annotations(&self) -> Value {
        self.last().json()["metadata"]["annotations"].clone()
    }

    fn stamp(&self) -> Stamp {
        let annotations = self.annotations();
        Stamp::decode(annotations["kontext.dev/cause"].as_str().expect("a stamp")).expect("of the form")
    }
}

/// Sends one request within an action and tells what came out.
async fn send_with(policy: Policy, script: Script, request: Request<Body>) -> Sent {
    let counts = Arc::new(Counts::default());
    let service = ContextLayer::new(Arc::new(policy)).layer(script.service());
    let context = context(&counts);
    let action = context.start(&object(), "replicaset.CreatePod").because("1 of 3 replicas missing");
    action.call(service.oneshot(request)).await.expect("the script answers");
    let context = action.context().clone();
    Sent { seen: script.seen(), counted: counts.all(), context }
}

async fn send(request: Request<Body>) -> Sent {
    send_with(Policy::new(), Script::with_object(deployment()), request).await
}

#[tokio::test]
async fn every_request_of_an_action_carries_its_headers() {
    for (method, uri) in [(Method::GET, WEB), (Method::DELETE, WEB), (Method::GET, "/healthz")] {
        let sent = send(request(method, uri, "application/json", &json!({}))).await;
        let headers = &sent.last().headers;
        let span = sent.context.traceparent();
        let expected = String::from_utf8(span.to_header().to_vec()).expect("ASCII");
        assert_eq!(headers["traceparent"], expected);
        assert_eq!(headers["audit-id"], format!("{}-{}-0", span.trace_id, span.span_id));
        assert!(!headers.contains_key("tracestate") && !headers.contains_key("baggage"));
        assert_eq!(sent.counted, []);
    }
}

#[tokio::test]
async fn headers_that_the_caller_set_stay() {
    let mut own = request(Method::GET, WEB, "application/json", &json!({}));
    own.headers_mut().insert("audit-id", "mine".parse().expect("ASCII"));
    own.headers_mut().insert("traceparent", "theirs".parse().expect("ASCII"));
    let sent = send(own).await;
    assert_eq!(
        (&sent.last().headers["audit-id"], &sent.last().headers["traceparent"]),
        (&"mine".parse().expect("ASCII"), &"theirs".parse().expect("ASCII"))
    );
}

#[tokio::test]
async fn a_created_object_bears_a_stamp_for_its_first_generation() {
    let pod = json!({"kind": "Pod", "metadata": {"generateName": "web-"}, "spec": {"containers": []}});
    let sent = send(request(Method::POST, PODS, "application/json", &pod)).await;
    let stamp = sent.stamp();
    assert_eq!(
        (stamp.generation, &*stamp.action, &*stamp.reason, stamp.manager.as_deref()),
        (Some(1), "replicaset.CreatePod", "1 of 3 replicas missing", Some("test"))
    );
    assert_eq!(sent.annotations()["tracing.k8s.io/traceparent"], sent.context.traceparent().to_annotation());
    assert_eq!(sent.counted, [Counted::Injected]);
    let mut without = sent.last().json();
    without["metadata"].as_object_mut().expect("an object").remove("annotations");
    assert_eq!(without, pod);
}

#[tokio::test]
async fn a_created_object_without_generation_is_known_by_its_content() {
    let map = json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}});
    let sent =
        send(request(Method::POST, "/api/v1/namespaces/shop/configmaps", "application/json", &map)).await;
    assert_eq!((sent.stamp().generation, sent.stamp().content), (None, Some(kontext::content_hash(&map))));
}

#[tokio::test]
async fn an_unchanged_put_keeps_the_live_stamp() {
    let body = deployment();
    let sent = send(request(Method::PUT, WEB, "application/json", &body)).await;
    assert_eq!(sent.last().body, body.to_string());
    assert_eq!(sent.counted, [Counted::LookedUp, Counted::Unstamped(Unstamped::Unchanged)]);
    // A writer that drops our annotations changes nothing but them: they are put back.
    let mut dropped = deployment();
    dropped["metadata"]["annotations"] = json!({"note": "x"});
    dropped["status"] = json!({"replicas": 1});
    let sent = send(request(Method::PUT, WEB, "application/json", &dropped)).await;
    assert_eq!(sent.annotations(), deployment()["metadata"]["annotations"]);
}

#[tokio::test]
async fn a_put_of_new_content_gets_a_new_stamp_and_loses_the_old_one() {
    let mut scaled = deployment();
    scaled["spec"]["replicas"] = json!(4);
    let sent = send(request(Method::PUT, WEB, "application/json", &scaled)).await;
    assert_eq!((sent.stamp().generation, sent.stamp().on.uid.as_deref()), (Some(4), Some("d-uid")));
    assert_eq!(sent.annotations()["tracing.k8s.io/tracestate"], Value::Null);
    assert_eq!(sent.annotations()["note"], "x");
    // The layer asked once, with headers of its own.
    let [get, put] = &sent.seen[..] else { panic!("{:?}", sent.seen) };
    assert_eq!((get.method.as_str(), get.path.as_str()), ("GET", WEB));
    assert_eq!(get.headers["traceparent"], put.headers["traceparent"]);
    assert_ne!(get.headers["audit-id"], put.headers["audit-id"]);
    assert_eq!(sent.counted, [Counted::LookedUp, Counted::Injected]);
}

#[tokio::test]
async fn a_put_of_an_outdated_version_goes_as_it_came() {
    let mut outdated = deployment();
    outdated["metadata"]["resourceVersion"] = json!("5");
    outdated["spec"]["replicas"] = json!(4);
    let sent = send(request(Method::PUT, WEB, "application/json", &outdated)).await;
    assert_eq!(sent.last().body, outdated.to_string());
    assert_eq!(sent.counted, [Counted::LookedUp, Counted::Unstamped(Unstamped::Unknown)]);
}

#[tokio::test]
async fn a_put_made_from_scratch_again_and_again_stays_a_no_op() {
    let scratch = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web",
        "resourceVersion": "7", "labels": {"app": "web"}, "annotations": {"note": "x"}}, "spec": {"replicas": 3}});
    let sent = send(request(Method::PUT, WEB, "application/json", &scratch)).await;
    assert_eq!(sent.annotations(), deployment()["metadata"]["annotations"]);
    assert_eq!(sent.counted, [Counted::LookedUp, Counted::Unstamped(Unstamped::Unchanged)]);
    let mut scaled = scratch;
    scaled["spec"]["replicas"] = json!(4);
    let sent = send(request(Method::PUT, WEB, "application/json", &scaled)).await;
    assert_eq!(sent.stamp().generation, Some(4));
}

/// Reads a Deployment through the layer and writes it back changed, and tells what that took.
async fn read_and_write_back(layer: ContextLayer) -> (Vec<Counted>, usize) {
    let counts = Arc::new(Counts::default());
    let script = Script::with_object(deployment());
    let service = layer.layer(script.service());
    let context = context(&counts);
    let got =
        context.call(service.clone().oneshot(request(Method::GET, WEB, "application/json", &json!({}))));
    let body = got.await.expect("an answer").into_body();
    let got = http_body_util::BodyExt::collect(body).await.expect("a body").to_bytes();
    let mut scaled: Value = serde_json::from_slice(&got).expect("JSON");
    scaled["spec"]["replicas"] = json!(4);
    let action = context.start(&object(), "deployment.Scale");
    action
        .call(service.oneshot(request(Method::PUT, WEB, "application/json", &scaled)))
        .await
        .expect("an answer");
    (counts.all(), script.seen().len())
}

#[tokio::test]
async fn what_an_answer_told_is_not_asked_again() {
    let layer = ContextLayer::new(Arc::default());
    assert_eq!(read_and_write_back(layer.clone()).await, (vec![Counted::Injected], 2));
    let layer = layer.answers_of(&["replicasets", "deployments"]);
    assert_eq!(read_and_write_back(layer).await, (vec![Counted::Injected], 2));
}

#[tokio::test]
async fn what_an_answer_told_of_another_resource_is_asked_again() {
    let layer = ContextLayer::new(Arc::default()).answers_of(&["replicasets"]);
    assert_eq!(read_and_write_back(layer).await, (vec![Counted::LookedUp, Counted::Injected], 3));
}

#[tokio::test]
async fn a_merge_patch_is_stamped_where_it_changes_something() {
    let sent = send(request(Method::PATCH, WEB, MERGE, &json!({"spec": {"replicas": 4}}))).await;
    assert_eq!(sent.stamp().generation, Some(4));
    // The stale tracestate goes.
    assert!(sent.last().body.contains(r#""tracing.k8s.io/tracestate":null"#));
    assert!(!sent.last().body.contains("baggage"));
    for same in [
        json!({"spec": {"replicas": 3}}),
        json!({"spec": {"strategy": {"type": "Recreate"}, "paused": null}}),
        json!({"metadata": {"labels": {"app": "web"}}}),
    ] {
        let sent = send(request(Method::PATCH, WEB, MERGE, &same)).await;
        assert_eq!(sent.last().body, same.to_string());
        assert_eq!(sent.counted, [Counted::LookedUp, Counted::Unstamped(Unstamped::Unchanged)]);
    }
}

#[tokio::test]
async fn a_strategic_patch_of_owners_is_stamped() {
    let adopt = json!({"metadata": {"uid": "d-uid", "ownerReferences": [{"uid": "o", "name": "owner"}]}});
    let sent = send(request(Method::PATCH, WEB, "application/strategic-merge-patch+json", &adopt)).await;
    assert_eq!(sent.stamp().generation, Some(4), "a Deployment counts the stamp itself");
    let containers = json!({"spec": {"template": {"spec": {"containers": [{"name": "app"}]}}}});
    let sent = send(request(Method::PATCH, WEB, "application/strategic-merge-patch+json", &containers)).await;
    assert_eq!(sent.last().body, containers.to_string());
    assert_eq!(sent.counted, [Counted::LookedUp, Counted::Unstamped(Unstamped::Body)]);
}

#[tokio::test]
async fn a_json_patch_is_stamped_where_it_pins_the_version() {
    let json_patch = "application/json-patch+json";
    let scale = json!({"op": "replace", "path": "/spec/replicas", "value": 4});
    let pinned = json!([{"op": "test", "path": "/metadata/resourceVersion", "value": "7"}, scale]);
    let sent = send(request(Method::PATCH, WEB, json_patch, &pinned)).await;
    let mut patched = deployment();
    let operations: json_patch::Patch = serde_json::from_str(&sent.last().body).expect("a patch");
    json_patch::patch(&mut patched, &operations).expect("applies");
    let stamp = patched["metadata"]["annotations"]["kontext.dev/cause"].as_str().expect("a stamp");
    assert_eq!(Stamp::decode(stamp).expect("of the form").generation, Some(4));
    assert_eq!(patched["metadata"]["annotations"]["tracing.k8s.io/tracestate"], Value::Null);
    assert_eq!(
        (&patched["metadata"]["annotations"]["note"], &patched["spec"]["replicas"]),
        (&json!("x"), &json!(4))
    );

    let loose = json!([scale]);
    let sent = send(request(Method::PATCH, WEB, json_patch, &loose)).await;
    assert_eq!(sent.last().body, loose.to_string());
    assert_eq!(sent.counted, [Counted::LookedUp, Counted::Unstamped(Unstamped::Unknown)]);
}

#[tokio::test]
async fn what_bears_no_stamp_goes_as_it_came_and_with_headers() {
    let body = json!({"kind": "Deployment", "metadata": {"name": "web"}});
    let status = format!("{WEB}/status");
    let dry = format!("{WEB}?dryRun=All");
    for (method, uri, content_type, reason) in [
        (Method::PUT, status.as_str(), "application/json", Unstamped::Subresource),
        (Method::PUT, dry.as_str(), "application/json", Unstamped::DryRun),
        (
            Method::PUT,
            "/apis/coordination.k8s.io/v1/namespaces/shop/leases/l",
            "application/json",
            Unstamped::Excluded,
        ),
        (Method::PATCH, WEB, "application/apply-patch+yaml", Unstamped::Body),
        (Method::POST, PODS, "application/vnd.kubernetes.protobuf", Unstamped::Body),
    ] {
        let sent = send(request(method, uri, content_type, &body)).await;
        assert_eq!(sent.last().body, body.to_string(), "{uri}");
        assert!(sent.last().headers.contains_key("traceparent"));
        assert_eq!((sent.seen.len(), &sent.counted[..]), (1, &[Counted::Unstamped(reason)][..]), "{uri}");
    }
}

#[tokio::test]
async fn broken_bodies_go_as_they_came() {
    for body in ["", "{", "[]", "{\"metadata\":7}", "\u{fffd}"] {
        for method in [Method::POST, Method::PUT, Method::PATCH] {
            let uri = if method == Method::POST { PODS } else { WEB };
            let mut broken = request(method, uri, "application/json", &json!({}));
            *broken.body_mut() = Body::from(body.as_bytes().to_vec());
            let sent = send(broken).await;
            assert_eq!(sent.last().body, body);
            assert!(!sent.counted.contains(&Counted::Injected));
        }
    }
}

#[tokio::test]
async fn annotations_that_would_be_too_long_go_without_a_stamp() {
    let pod = |bytes: usize| {
        let annotations = json!({"a": "x".repeat(bytes - 1)});
        json!({"kind": "Pod", "metadata": {"name": "a", "annotations": annotations}})
    };
    let sent = send(request(Method::POST, PODS, "application/json", &pod(262_144))).await;
    assert_eq!(sent.counted, [Counted::Unstamped(Unstamped::TooLarge)]);
    let sent = send(request(Method::POST, PODS, "application/json", &pod(262_144 - 700))).await;
    let annotations = sent.annotations();
    let bytes: usize = annotations
        .as_object()
        .expect("a map")
        .iter()
        .map(|(k, v)| k.len() + v.as_str().map_or(0, str::len))
        .sum();
    assert!(bytes <= 262_144);
    assert_eq!(sent.counted, [Counted::Injected]);
}

#[tokio::test]
async fn without_an_action_a_write_has_headers_and_no_stamp() {
    let counts = Arc::new(Counts::default());
    let script = Script::with_object(deployment());
    let service = ContextLayer::new(Arc::default()).layer(script.service());
    let call = service.oneshot(request(Method::PUT, WEB, "application/json", &deployment()));
    context(&counts).call(call).await.expect("an answer");
    assert_eq!(counts.all(), [Counted::Unstamped(Unstamped::NoAction)]);
    assert!(script.seen()[0].headers.contains_key("traceparent"));
}

#[tokio::test]
async fn with_propagation_off_nothing_is_added_or_counted() {
    let pod = json!({"kind": "Pod", "metadata": {"name": "a"}});
    let sent = send_with(
        Policy::off(),
        Script::with_object(deployment()),
        request(Method::POST, PODS, "application/json", &pod),
    )
    .await;
    let names: Vec<&str> = sent.last().headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(
        (names, &sent.last().body, &sent.counted[..]),
        (vec!["content-type", "user-agent"], &pod.to_string(), &[][..])
    );
}

#[tokio::test]
async fn a_refused_look_is_not_repeated_at_every_write() {
    let counts = Arc::new(Counts::default());
    let script = Script::forbidding_reads();
    let service = ContextLayer::new(Arc::default()).layer(script.service());
    let context = context(&counts);
    let action = context.start(&object(), "deployment.Scale");
    for _ in 0..3 {
        let put = request(Method::PUT, WEB, "application/json", &deployment());
        action.call(service.clone().oneshot(put)).await.expect("an answer");
    }
    let methods: Vec<String> = script.seen().iter().map(|seen| seen.method.to_string()).collect();
    assert_eq!(methods, ["GET", "PUT", "PUT", "PUT"]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_does_not_cost_the_write_its_deadline() {
    let put = request(Method::PUT, WEB, "application/json", &deployment());
    let start = tokio::time::Instant::now();
    let sent = send_with(Policy::new(), Script::hanging_reads(), put).await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!((sent.seen.len(), &sent.last().body), (2, &deployment().to_string()));
    assert_eq!(sent.counted, [Counted::LookedUp, Counted::Unstamped(Unstamped::Unknown)]);
}

#[tokio::test]
async fn requests_without_context_are_counted_or_refused() {
    let counts = Arc::new(Counts::default());
    let script = Script::with_object(deployment());
    let layer = ContextLayer::new(Arc::default()).telemetry(counts.clone());
    let get = |uri: &str| request(Method::GET, uri, "application/json", &json!({}));
    layer.layer(script.service()).oneshot(get(WEB)).await.expect("allowed");
    assert_eq!(counts.all(), [Counted::Unbound]);
    assert!(!script.seen()[0].headers.contains_key("traceparent"));

    let strict = layer.unbound(Unbound::Reject).layer(script.service());
    let refused = strict.clone().oneshot(get(WEB)).await.expect_err("no context");
    expect!["GET /apis/apps/v1/namespaces/shop/deployments/web has no context: make the call through Action::call or Context::call, and spawn with Context::spawn"].assert_eq(&refused.to_string());
    strict.oneshot(get("/api/v1/pods?watch=1")).await.expect("watches need none");
    assert_eq!(script.seen().len(), 2);
}

/// An informer that keeps items of lists, which have no kind.
struct Listed(Value);

impl KnownObjects for Listed {
    fn as_read(&self, query: &ObjectQuery<'_>) -> Option<Fingerprint> {
        let found = Fingerprint::of_value(&self.0).ok()?;
        query.fits(&found).then_some(found)
    }

    fn json(&self, query: &ObjectQuery<'_>) -> Option<bytes::Bytes> {
        self.as_read(query).map(|_| self.0.to_string().into())
    }
}

#[tokio::test]
async fn what_an_informer_knows_is_not_asked() {
    let mut item = deployment();
    item.as_object_mut().expect("an object").remove("kind");
    let mut scaled = deployment();
    scaled["spec"]["replicas"] = json!(4);
    let mut outdated = scaled.clone();
    outdated["metadata"]["resourceVersion"] = json!("8");
    for (method, content_type, body, requests) in [
        (Method::PUT, "application/json", scaled, 1),
        (Method::PATCH, MERGE, json!({"spec": {"replicas": 4}}), 1),
        (Method::PUT, "application/json", outdated, 2),
    ] {
        let counts = Arc::new(Counts::default());
        let script = Script::with_object(deployment());
        let layer = ContextLayer::new(Arc::default()).known_objects(Arc::new(Listed(item.clone())));
        let context = context(&counts);
        let action = context.start(&object(), "deployment.Scale");
        let call = layer.layer(script.service()).oneshot(request(method, WEB, content_type, &body));
        action.call(call).await.expect("an answer");
        assert_eq!(script.seen().len(), requests, "{body}");
        assert_eq!(counts.all().contains(&Counted::Injected), requests == 1, "{body}");
    }
}
