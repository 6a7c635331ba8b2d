//! What `kontext controller-manager` leaves behind: spans at an OTLP endpoint, annotations on objects, log lines with
//! the same ids; and nothing of it with `--context=off`.

mod common;

use std::{fmt::Debug, time::Duration};

use axum::{Router, body::Bytes, routing::post};
use common::{Running, Server, server};
use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kube::api::{ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What the stamp's trace id is written under.
const TRACEPARENT: &str = "tracing.k8s.io/traceparent";

/// An endpoint that keeps what is posted to `/v1/traces`.
async fn collector() -> (String, mpsc::UnboundedReceiver<Bytes>) {
    let (tell, bodies) = mpsc::unbounded_channel();
    let keep = move |body: Bytes| {
        let tell = tell.clone();
        async move { drop(tell.send(body)) }
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(axum::serve(listener, Router::new().route("/v1/traces", post(keep))).into_future());
    (url, bodies)
}

/// A Deployment or a ReplicaSet of one pod.
fn of_one<K: DeserializeOwned>(name: &str) -> K {
    let labels = json!({"app": name});
    let template = json!({
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
    });
    let spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": template});
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).expect("of the kind")
}

async fn create<K>(client: &Client, object: &K)
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: DeserializeOwned + Serialize + Clone + Debug,
{
    Api::default_namespaced(client.clone()).create(&PostParams::default(), object).await.expect("created");
}

/// The first pod there is.
async fn first_pod(client: &Client) -> Pod {
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let first = async {
        let watch = pods.watch(&WatchParams::default(), "0").await.expect("watched");
        let mut watch = std::pin::pin!(watch);
        while let Some(event) = watch.next().await {
            if let WatchEvent::Added(pod) = event.expect("an event") {
                return pod;
            }
        }
        panic!("the watch ended");
    };
    tokio::time::timeout(Duration::from_secs(60), first).await.expect("a pod comes")
}

async fn ready(server: &Server, manager: &mut Running) -> Client {
    manager.logs("caches are filled").await;
    server.client().await
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn spans_and_annotations_agree_about_the_trace() {
    let server = server().await;
    let (url, mut bodies) = collector().await;
    let mut command = server.manager_command(&["--http-port=0"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &url).env("OTEL_SERVICE_NAME", "under-test");
    let mut manager = Running::start(command);
    let client = ready(&server, &mut manager).await;
    create::<Deployment>(&client, &of_one("web")).await;
    let pod = first_pod(&client).await;
    let traceparent = pod.annotations().get(TRACEPARENT).expect("a stamp").clone();

    // The last spans are sent before it ends.
    manager.signal("TERM").await;
    assert_eq!(manager.end().await, Some(0));
    let mut sent = Vec::new();
    while let Ok(body) = bodies.try_recv() {
        sent.extend_from_slice(&body);
    }
    let ids: Vec<&str> = traceparent.split('-').collect();
    for part in [
        &b"under-test"[..],
        b"replicaset.CreatePod",
        b"deployment.CreateReplicaSet",
        &hex(ids[1]),
        &hex(ids[2]),
    ] {
        assert!(
            contains(&sent, part),
            "{:?} is missing in {} bytes",
            String::from_utf8_lossy(part),
            sent.len()
        );
    }
}

#[tokio::test]
async fn with_context_off_the_loops_work_and_leave_nothing() {
    let server = server().await;
    let mut manager = server.manager(&["--http-port=0", "--context=off"]);
    let client = ready(&server, &mut manager).await;
    create::<Deployment>(&client, &of_one("web")).await;
    let pod = first_pod(&client).await;
    let ours = |key: &String| key.contains("kontext.dev") || key.contains("tracing.k8s.io");
    assert!(!pod.annotations().keys().any(ours), "{:?}", pod.annotations());
    manager.signal("TERM").await;
    assert_eq!(manager.end().await, Some(0));
}

#[tokio::test]
async fn only_the_loops_that_were_chosen_act() {
    let server = server().await;
    let mut manager = server.manager(&["--http-port=0", "--controllers=*,-deployment-controller"]);
    let client = ready(&server, &mut manager).await;
    create::<Deployment>(&client, &of_one("left-alone")).await;
    create::<ReplicaSet>(&client, &of_one("cared-for")).await;
    let pod = first_pod(&client).await;
    assert_eq!(pod.owner_references()[0].name, "cared-for");
    let sets =
        Api::<ReplicaSet>::default_namespaced(client).list(&ListParams::default()).await.expect("listed");
    assert_eq!(sets.items.len(), 1);
    manager.signal("TERM").await;
    assert_eq!(manager.end().await, Some(0));
}
