//! Lists: chunks of one state, versions, selectors, forms.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use common::*;
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|i| i["metadata"]["name"].as_str().unwrap()).collect()
}

async fn five(client: &Client) {
    for name in ["a", "b", "c", "d", "e"] {
        client.post(CONFIG_MAPS, &config_map(name)).await.ok();
    }
}

#[tokio::test]
async fn chunks_show_the_state_at_the_first_one() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    five(&client).await;
    let first = client.get(&format!("{CONFIG_MAPS}?limit=2")).await.ok();
    assert_eq!((names(&first), first["metadata"]["remainingItemCount"].as_u64()), (vec!["a", "b"], Some(3)));
    client.delete(&format!("{CONFIG_MAPS}/d"), &json!({})).await.ok();
    client.post(CONFIG_MAPS, &config_map("cc")).await.ok();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = client.get(&format!("{CONFIG_MAPS}?limit=9&continue={token}")).await.ok();
    assert_eq!(names(&rest), ["c", "d", "e"]);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert!(rest["metadata"].get("continue").is_none());
    assert_eq!(names(&client.get(CONFIG_MAPS).await.ok()), ["a", "b", "c", "cc", "e"]);
}

#[tokio::test]
async fn a_chunk_of_a_forgotten_state_comes_with_a_token_to_go_on() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    five(&client).await;
    let first = client.get(&format!("{CONFIG_MAPS}?limit=2")).await.ok();
    client.post(CONFIG_MAPS, &config_map("bb")).await.ok();
    server.compact();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let expired = client.get(&format!("{CONFIG_MAPS}?limit=2&continue={token}")).await;
    assert!(expired.failure().starts_with("410 Expired: The provided continue parameter is too old"));
    let token = expired.body["metadata"]["continue"].as_str().unwrap();
    let rest = client.get(&format!("{CONFIG_MAPS}?limit=9&continue={token}")).await.ok();
    assert_eq!(names(&rest), ["bb", "c", "d", "e"]);
}

#[tokio::test]
async fn an_exact_version_is_served_from_the_history() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let first = client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    client.delete(&format!("{CONFIG_MAPS}/a"), &json!({})).await.ok();
    let exact = format!("{CONFIG_MAPS}?resourceVersionMatch=Exact&resourceVersion={}", version(&first));
    assert_eq!(names(&client.get(&exact).await.ok()), ["a"]);
    server.compact();
    assert_eq!(
        client.get(&exact).await.failure(),
        "410 Expired: The resourceVersion for the provided list is too old."
    );
    let future = client.get(&format!("{CONFIG_MAPS}?resourceVersion=999999")).await;
    assert!(future.failure().starts_with("504 Timeout: Timeout: Too large resource version"));
}

#[tokio::test]
async fn selectors_choose_by_label_and_field() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    for (name, node) in [("a", "n1"), ("b", "n2")] {
        let mut object = pod(name);
        object["metadata"]["labels"] = json!({"app": name});
        object["spec"]["nodeName"] = json!(node);
        client.post(PODS, &object).await.ok();
    }
    for (query, expected) in [
        ("labelSelector=app%3Da", vec!["a"]),
        ("labelSelector=app%20in%20(a%2Cb)", vec!["a", "b"]),
        ("fieldSelector=spec.nodeName%3Dn2", vec!["b"]),
        ("fieldSelector=metadata.name%3Da&labelSelector=app%3Db", vec![]),
    ] {
        assert_eq!(names(&client.get(&format!("{PODS}?{query}")).await.ok()), expected, "{query}");
    }
}

#[tokio::test]
async fn items_carry_no_type_and_the_list_does() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    let list = client.get(CONFIG_MAPS).await.ok();
    assert_eq!((list["kind"].as_str(), list["apiVersion"].as_str()), (Some("ConfigMapList"), Some("v1")));
    assert!(list["items"][0].get("kind").is_none());
}

#[tokio::test]
async fn one_event_is_served_by_both_of_its_apis() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let new = "/apis/events.k8s.io/v1/namespaces/default/events";
    let event = json!({
        "metadata": {"name": "e"}, "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}, "note": "hello",
        "reason": "R", "type": "Normal", "action": "A", "eventTime": "2024-01-01T00:00:00.000000Z",
        "reportingController": "example.com/c", "reportingInstance": "i",
    });
    client.post(new, &event).await.ok();
    let core = client.get("/api/v1/namespaces/default/events/e").await.ok();
    assert_eq!(
        (core["message"].as_str(), core["involvedObject"]["name"].as_str()),
        (Some("hello"), Some("p"))
    );
    let found = client.get("/api/v1/events?fieldSelector=involvedObject.name%3Dp").await.ok();
    assert_eq!(names(&found), ["e"]);
    assert_eq!(client.get(&format!("{new}/e")).await.ok()["note"], "hello");
}
