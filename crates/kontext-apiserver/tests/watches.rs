//! What a watch sends, and how it ends.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::time::Duration;

use common::*;
use serde_json::{Value, json};

async fn label(client: &Client, name: &str, value: &str) {
    let change = json!({"metadata": {"labels": {"tier": value}}});
    client.patch(&format!("{CONFIG_MAPS}/{name}"), MERGE_PATCH, &change).await.ok();
}

fn labelled(name: &str, value: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"tier": value}}})
}

#[tokio::test]
async fn a_watch_from_a_version_sends_what_came_after_it_in_order() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let first = client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    client.post(CONFIG_MAPS, &config_map("b")).await.ok();
    client.delete(&format!("{CONFIG_MAPS}/a"), &json!({})).await.ok();
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={}", version(&first))).await;
    assert_eq!(watch.take(2).await, ["ADDED b", "DELETED a"]);
    client.post(CONFIG_MAPS, &config_map("c")).await.ok();
    assert_eq!(watch.take(1).await, ["ADDED c"]);
}

#[tokio::test]
async fn an_object_that_moves_in_or_out_of_the_selection_was_added_or_deleted() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1&labelSelector=tier%3Dfront")).await;
    client.post(CONFIG_MAPS, &labelled("a", "back")).await.ok();
    client.post(CONFIG_MAPS, &labelled("b", "front")).await.ok();
    label(&client, "a", "front").await;
    client.patch(&format!("{CONFIG_MAPS}/a"), MERGE_PATCH, &json!({"data": {"x": "y"}})).await.ok();
    label(&client, "b", "back").await;
    assert_eq!(watch.take(3).await, ["ADDED b", "ADDED a", "MODIFIED a"]);
    let gone = watch.next().await.unwrap().unwrap();
    assert_eq!(gone["type"], "DELETED");
    assert_eq!(gone["object"]["metadata"]["labels"]["tier"], "front", "the last state that was selected");
    assert_eq!(gone["object"]["metadata"]["resourceVersion"], server.resource_version().to_string());
}

#[tokio::test]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    for query in ["watch=1", "watch=1&resourceVersion=0"] {
        let mut watch = client.watch(&format!("{CONFIG_MAPS}?{query}")).await;
        assert_eq!(watch.take(1).await, ["ADDED a"]);
    }
}

#[tokio::test]
async fn initial_events_end_with_a_bookmark_that_says_so() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    let query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?{query}")).await;
    assert_eq!(watch.take(1).await, ["ADDED a"]);
    let bookmark = watch.next().await.unwrap().unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], server.resource_version().to_string());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_hears_every_minute_where_it_stands_and_ends_at_its_timeout() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut watch =
        client.watch(&format!("{CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=90")).await;
    client.post(PODS, &pod("elsewhere")).await.ok();
    let start = tokio::time::Instant::now();
    let bookmark = watch.next().await.unwrap().unwrap();
    assert_eq!((bookmark["type"].as_str(), start.elapsed()), (Some("BOOKMARK"), Duration::from_secs(60)));
    watch.next().await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(88), "once more shortly before the end");
    assert!(watch.next().await.unwrap().is_none());
    assert_eq!(start.elapsed(), Duration::from_secs(90));
}

#[tokio::test]
async fn after_compaction_an_old_version_is_gone() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let first = client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    client.post(CONFIG_MAPS, &config_map("b")).await.ok();
    server.compact();
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={}", version(&first))).await;
    let error = watch.next().await.unwrap().unwrap();
    assert_eq!(error["type"], "ERROR");
    assert_eq!(
        (error["object"]["code"].as_u64(), error["object"]["reason"].as_str()),
        (Some(410), Some("Expired"))
    );
    assert!(watch.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_watcher_that_falls_behind_the_history_is_told() {
    let server = kontext_apiserver::ApiServer::builder().history_per_kind(4).start().await;
    let client = Client::new(&server, "alice");
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    for n in 0..10 {
        client.post(CONFIG_MAPS, &config_map(&format!("m{n}"))).await.ok();
    }
    assert_eq!(watch.next().await.unwrap().unwrap()["type"], "ERROR");
}

#[tokio::test]
async fn dropped_watches_break_and_only_those_of_the_resource() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut maps = client.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    let mut pods = client.watch(&format!("{PODS}?watch=1")).await;
    server.drop_watches("", "configmaps");
    assert!(maps.next().await.is_err());
    client.post(PODS, &pod("p")).await.ok();
    assert_eq!(pods.take(1).await, ["ADDED p"]);
}

#[tokio::test]
async fn the_end_of_the_server_ends_watches_cleanly() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    server.end_watches();
    assert!(watch.next().await.unwrap().is_none());
}

#[tokio::test]
async fn events_can_be_tables_with_columns_in_the_first_only() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    client.post(CONFIG_MAPS, &config_map("b")).await.ok();
    let mut request =
        client.request("GET", &format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1"), "application/json", b"");
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    request.headers_mut().insert("accept", table.parse().unwrap());
    let answer = client.send(request).await;
    let events: Vec<Value> = answer.text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let columns: Vec<bool> = events.iter().map(|e| e["object"]["columnDefinitions"].is_array()).collect();
    assert_eq!(columns, [true, false]);
    assert_eq!(events[1]["object"]["rows"][0]["cells"][0], "b");
}

#[tokio::test]
async fn a_thousand_watchers_see_the_same_events() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut watches = Vec::new();
    for _ in 0..1000 {
        watches.push(client.watch(&format!("{CONFIG_MAPS}?watch=1")).await);
    }
    for n in 0..3 {
        client.post(CONFIG_MAPS, &config_map(&format!("m{n}"))).await.ok();
    }
    for watch in &mut watches {
        assert_eq!(watch.take(3).await, ["ADDED m0", "ADDED m1", "ADDED m2"]);
    }
}
