//! `metadata.generation` (DESIGN.md F2): what moves it differs per kind.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use common::*;
use serde_json::{Value, json};

/// Generation after creation, an annotation, a label, a spec change, an annotation through `/status`.
async fn generations(collection: &str, object: &Value, spec_change: &Value) -> Vec<i64> {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let path = format!("{collection}/x");
    let mut seen = vec![generation(&client.post(collection, object).await.ok())];
    for change in [
        json!({"metadata": {"annotations": {"a": "1"}}}),
        json!({"metadata": {"labels": {"l": "1"}}}),
        spec_change.clone(),
    ] {
        seen.push(generation(&client.patch(&path, MERGE_PATCH, &change).await.ok()));
    }
    let status = client
        .patch(&format!("{path}/status"), MERGE_PATCH, &json!({"metadata": {"annotations": {"a": "2"}}}))
        .await;
    if status.status == 200 {
        seen.push(generation(&status.body));
    }
    seen
}

fn workload(extra: &Value) -> Value {
    let mut object = deployment("x");
    object["spec"].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    object
}

#[tokio::test]
async fn a_deployment_counts_annotations_except_those_sent_through_status() {
    let seen = generations(DEPLOYMENTS, &deployment("x"), &json!({"spec": {"replicas": 5}})).await;
    assert_eq!(seen, [1, 2, 2, 3, 3]);
}

#[tokio::test]
async fn a_replica_set_a_stateful_set_and_a_daemon_set_count_the_spec_only() {
    let apps = |plural: &str| format!("/apis/apps/v1/namespaces/default/{plural}");
    let change = json!({"spec": {"minReadySeconds": 5}});
    for (plural, object) in [
        ("replicasets", workload(&json!({}))),
        ("statefulsets", workload(&json!({"serviceName": "s"}))),
        ("daemonsets", workload(&json!({}))),
    ] {
        assert_eq!(generations(&apps(plural), &object, &change).await, [1, 1, 1, 2, 2], "{plural}");
    }
}

#[tokio::test]
async fn an_endpoint_slice_counts_labels_too() {
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let slice = json!({"metadata": {"name": "x"}, "addressType": "IPv4", "endpoints": []});
    let seen = generations(slices, &slice, &json!({"endpoints": [{"addresses": ["10.0.0.1"]}]})).await;
    assert_eq!(seen, [1, 1, 2, 3]);
}

#[tokio::test]
async fn a_config_map_has_no_generation() {
    let seen = generations(CONFIG_MAPS, &config_map("x"), &json!({"data": {"a": "b"}})).await;
    assert_eq!(seen, [0, 0, 0, 0]);
}

#[tokio::test]
async fn a_deletion_moves_the_generation_and_a_second_one_does_not() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut object = deployment("x");
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    client.post(DEPLOYMENTS, &object).await.ok();
    let path = format!("{DEPLOYMENTS}/x");
    let deleted = client.delete(&path, &json!({})).await.ok();
    assert_eq!(generation(&deleted), 2);
    let again = client.delete(&path, &json!({})).await.ok();
    assert_eq!((generation(&again), version(&again)), (2, version(&deleted)));
}

#[tokio::test]
async fn binding_a_pod_does_not_move_its_generation() {
    let server = server().await;
    let client = Client::new(&server, "scheduler");
    client.post(PODS, &pod("p")).await.ok();
    let binding = json!({"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}});
    assert_eq!(client.post(&format!("{PODS}/p/binding"), &binding).await.status, 201);
    let bound = client.get(&format!("{PODS}/p")).await.ok();
    assert_eq!((generation(&bound), bound["spec"]["nodeName"].as_str()), (1, Some("n")));
    assert_eq!(bound["status"]["conditions"][0]["type"], "PodScheduled");
}
