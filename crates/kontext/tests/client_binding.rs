//! Which context a request carries: the one bound where its answer is awaited, through a real `kube::Client`, whose
//! buffer calls the layer on a task of its own.

mod scripted;

use std::sync::Arc;

use futures::future::join;
use k8s_openapi::api::core::v1::Pod;
use kontext::{Action, Context, Controller, ObjectRef, Stamp, client::ContextLayer};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
    client::ClientBuilder,
};
use serde_json::json;

use scripted::{Counts, Script};

fn context() -> Context {
    let object = ObjectRef::new("ReplicaSet", Some("shop"), "web");
    Context::builder(Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet")), object).build()
}

fn pods(script: &Script) -> Api<Pod> {
    let layer = ContextLayer::new(Arc::default()).telemetry(Arc::new(Counts::default()));
    Api::namespaced(ClientBuilder::new(script.service(), "shop").with_layer(&layer).build(), "shop")
}

fn pod(name: &str) -> Pod {
    Pod { metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }, ..Pod::default() }
}

async fn create(action: &Action, pods: &Api<Pod>, name: &str) {
    for _ in 0..3 {
        let pod = pod(name);
        let (parameters, call) = (PostParams::default(), tokio::task::yield_now());
        let create = async {
            call.await;
            pods.create(&parameters, &pod).await
        };
        action.call(create).await.expect("created");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_actions_that_are_joined_do_not_swap_contexts() {
    for _ in 0..100 {
        let script = Script::with_object(json!({}));
        let pods = pods(&script);
        let context = context();
        let object = context.object().clone();
        let one = context.start(&object, "one").because("one");
        let two = context.start(&object, "two").because("two");
        join(create(&one, &pods, "one"), create(&two, &pods, "two")).await;
        let seen = script.seen();
        assert_eq!(seen.len(), 6);
        for request in seen {
            let body = request.json();
            let name = body["metadata"]["name"].as_str().expect("a name");
            let stamp = body["metadata"]["annotations"]["kontext.dev/cause"].as_str().expect("a stamp");
            assert_eq!(&*Stamp::decode(stamp).expect("of the form").action, name);
            let action = if name == "one" { &one } else { &two };
            let span = action.context().traceparent().span_id.to_string();
            assert!(request.headers["traceparent"].to_str().expect("ASCII").contains(&span));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_spawn_inherits_nothing_and_a_spawn_of_the_context_does() {
    for _ in 0..100 {
        let script = Script::with_object(json!({}));
        let pods = pods(&script);
        let context = context();
        let object = context.object().clone();
        let action = context.start(&object, "replicaset.CreatePod");
        let call =
            |pods: Api<Pod>, name| async move { pods.create(&PostParams::default(), &pod(name)).await };
        let (plain, bound) = action
            .context()
            .scope({
                let (pods, action) = (pods.clone(), action.context().clone());
                async move {
                    let plain = tokio::spawn(call(pods.clone(), "plain"));
                    let bound = action.spawn(call(pods, "bound"));
                    join(plain, bound).await
                }
            })
            .await;
        plain.expect("no panic").expect("created");
        bound.expect("no panic").expect("created");
        for request in script.seen() {
            let body = request.json();
            let is_bound = body["metadata"]["name"] == "bound";
            assert_eq!(request.headers.contains_key("traceparent"), is_bound);
            assert_eq!(body["metadata"]["annotations"]["kontext.dev/cause"].is_string(), is_bound);
        }
    }
}

#[tokio::test]
async fn a_status_write_through_kube_bears_headers_alone() {
    let script = Script::with_object(json!({}));
    let pods = pods(&script);
    let context = context();
    let object = context.object().clone();
    let action = context.start(&object, "pod.UpdateStatus");
    action.call(pods.replace_status("a", &PostParams::default(), &pod("a"))).await.expect("replaced");
    let seen = script.seen();
    assert_eq!((seen.len(), seen[0].path.as_str()), (1, "/api/v1/namespaces/shop/pods/a/status"));
    assert!(seen[0].headers.contains_key("traceparent") && !seen[0].body.contains("kontext.dev"));
}
