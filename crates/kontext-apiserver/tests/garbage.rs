//! The optional garbage collector: dependents go with their owners, as the delete asked.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::time::Duration;

use common::*;
use kontext_apiserver::{ApiServer, GarbageCollector};
use serde_json::{Value, json};

const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";

fn owned(mut object: Value, kind: &str, owner: &Value) -> Value {
    let (group, name) = (&owner["apiVersion"], &owner["metadata"]["name"]);
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": group, "kind": kind, "name": name, "uid": owner["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }]);
    object
}

/// A Deployment with a ReplicaSet with two Pods.
async fn family(client: &Client) -> Value {
    let deployment = client.post(DEPLOYMENTS, &common::deployment("web")).await.ok();
    let set = owned(common::deployment("web-1"), "Deployment", &deployment);
    let set = client.post(REPLICA_SETS, &set).await.ok();
    for name in ["web-1-a", "web-1-b"] {
        client.post(PODS, &owned(pod(name), "ReplicaSet", &set)).await.ok();
    }
    deployment
}

/// Waits until the object of a path is there no more.
async fn gone(client: &Client, collection: &str, name: &str) {
    let mut watch = client.watch(&format!("{collection}?watch=1&fieldSelector=metadata.name%3D{name}")).await;
    let deleted = async {
        if client.get(&format!("{collection}/{name}")).await.status == 404 {
            return;
        }
        while watch.next().await.unwrap().unwrap()["type"] != "DELETED" {}
    };
    tokio::time::timeout(Duration::from_secs(20), deleted)
        .await
        .unwrap_or_else(|_| panic!("{name} is still there"));
}

async fn collecting() -> (ApiServer, Client) {
    let server = ApiServer::builder().seed(1).collect_garbage(true).start().await;
    let client = Client::new(&server, "alice");
    (server, client)
}

#[tokio::test]
async fn a_background_delete_takes_the_whole_family() {
    let (_server, client) = collecting().await;
    family(&client).await;
    client.delete(&format!("{DEPLOYMENTS}/web"), &json!({"propagationPolicy": "Background"})).await.ok();
    gone(&client, REPLICA_SETS, "web-1").await;
    gone(&client, PODS, "web-1-a").await;
    gone(&client, PODS, "web-1-b").await;
}

#[tokio::test]
async fn a_foreground_delete_ends_with_the_owner() {
    let (server, client) = collecting().await;
    family(&client).await;
    client.delete(&format!("{DEPLOYMENTS}/web"), &json!({"propagationPolicy": "Foreground"})).await.ok();
    gone(&client, DEPLOYMENTS, "web").await;
    for (collection, name) in [(REPLICA_SETS, "web-1"), (PODS, "web-1-a"), (PODS, "web-1-b")] {
        assert_eq!(client.get(&format!("{collection}/{name}")).await.status, 404, "{name}");
    }
    assert!(
        server.requests().iter().any(|r| r.user.ends_with("generic-garbage-collector") && r.verb == "delete")
    );
}

#[tokio::test]
async fn an_orphaning_delete_leaves_the_dependents_without_their_owner() {
    let (_server, client) = collecting().await;
    family(&client).await;
    client.delete(&format!("{DEPLOYMENTS}/web"), &json!({"propagationPolicy": "Orphan"})).await.ok();
    gone(&client, DEPLOYMENTS, "web").await;
    let set = client.get(&format!("{REPLICA_SETS}/web-1")).await.ok();
    assert!(set["metadata"].get("ownerReferences").is_none());
    let pod = client.get(&format!("{PODS}/web-1-a")).await.ok();
    assert_eq!(pod["metadata"]["ownerReferences"][0]["controller"], true);
}

#[tokio::test]
async fn what_was_orphaned_before_the_collector_came_goes_and_owned_objects_stay() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let kept = family(&client).await;
    let mut lost = kept.clone();
    lost["metadata"]["uid"] = json!("11111111-2222-3333-4444-555555555555");
    client.post(CONFIG_MAPS, &owned(config_map("lost"), "Deployment", &lost)).await.ok();
    client.post(CONFIG_MAPS, &owned(config_map("kept"), "Deployment", &kept)).await.ok();
    let collector = GarbageCollector::start(&server);
    gone(&client, CONFIG_MAPS, "lost").await;
    collector.stop().await;
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/kept")).await.status, 200);
    assert_eq!(client.get(&format!("{PODS}/web-1-a")).await.status, 200);
}

#[tokio::test]
async fn a_namespace_ends_with_what_is_in_it() {
    let (_server, client) = collecting().await;
    client.post("/api/v1/namespaces", &json!({"metadata": {"name": "team"}})).await.ok();
    client.post("/api/v1/namespaces/team/configmaps", &config_map("m")).await.ok();
    client.post("/apis/apps/v1/namespaces/team/deployments", &common::deployment("web")).await.ok();
    client.delete("/api/v1/namespaces/team", &json!({})).await.ok();
    gone(&client, "/api/v1/namespaces", "team").await;
    assert!(
        client.get("/api/v1/namespaces/team/configmaps").await.ok()["items"].as_array().unwrap().is_empty()
    );
}

#[tokio::test]
async fn without_the_collector_dependents_stay() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    family(&client).await;
    client.delete(&format!("{DEPLOYMENTS}/web"), &json!({})).await.ok();
    tokio::task::yield_now().await;
    assert_eq!(client.get(&format!("{REPLICA_SETS}/web-1")).await.status, 200);
}
