//! With a seed and a clock of its own, the same requests give the same bytes.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use common::*;
use kontext_apiserver::{ApiServer, TokioClock};
use serde_json::json;

async fn story() -> Vec<String> {
    let clock = TokioClock::starting_at("2024-05-06T07:08:09Z".parse().unwrap());
    let server = ApiServer::builder().clock(clock).seed(42).start().await;
    let client = Client::new(&server, "alice");
    let mut said = Vec::new();
    said.push(client.post(CONFIG_MAPS, &json!({"metadata": {"generateName": "m-"}})).await.text);
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    said.push(client.post(DEPLOYMENTS, &deployment("web")).await.text);
    said.push(client.get("/api/v1/namespaces").await.text);
    said
}

#[tokio::test(start_paused = true)]
async fn two_runs_with_one_seed_are_the_same_to_the_byte() {
    let first = story().await;
    assert_eq!(first, story().await);
    assert!(first[1].contains("2024-05-06T07:09:09Z"), "{}", first[1]);
}

/// Pods that come, run and go under a kubelet with jitter, with their owner collected.
async fn busy_story() -> String {
    let server = ApiServer::builder().repeatable(7).collect_garbage(true).start().await;
    let second = std::time::Duration::from_secs(1);
    let kubelet =
        server.simulated_kubelet().nodes(3).startup_latency(3 * second).jitter(1.0).start().await.unwrap();
    let client = Client::new(&server, "alice");
    let owner = client.post(CONFIG_MAPS, &config_map("owner")).await.ok();
    for number in 0..10 {
        let mut pod = pod(&format!("p{number}"));
        pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
            "uid": owner["metadata"]["uid"]}]);
        client.post(PODS, &pod).await.ok();
    }
    server.settled(60 * second, 600 * second).await.unwrap();
    client.delete(&format!("{CONFIG_MAPS}/owner"), &json!({})).await.ok();
    server.settled(60 * second, 600 * second).await.unwrap();
    kubelet.stop().await;
    assert_eq!(client.get(PODS).await.ok()["items"], json!([]));
    server
        .requests()
        .iter()
        .map(|request| format!("{} {} {request}\n", request.time, request.audit_id))
        .collect()
}

#[test]
fn a_busy_server_with_kubelet_and_garbage_collector_does_the_same_twice() {
    let run = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(busy_story())
    };
    assert_eq!(run(), run());
}
