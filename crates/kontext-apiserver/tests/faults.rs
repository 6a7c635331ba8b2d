//! Injected faults: what the client sees, and what was done nevertheless.

mod common;

use std::time::Duration;

use common::*;
use kontext_apiserver::{Fault, Rule};
use serde_json::json;

#[tokio::test]
async fn a_status_is_answered_as_often_as_the_rule_says() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let rule = server.faults().add(Rule::new(Fault::Status(429)).retry_after(3).verb("create").times(2));
    for _ in 0..2 {
        let answer = client.post(CONFIG_MAPS, &config_map("m")).await;
        assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (429, "3"));
        assert_eq!(answer.body["details"]["retryAfterSeconds"], 3);
    }
    client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    assert_eq!(rule.strikes(), 2);
}

#[tokio::test]
async fn a_reset_after_the_commit_has_written_and_one_before_has_not() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    for (fault, name, exists) in
        [(Fault::CommitThenReset, "after", 200), (Fault::ResetBeforeCommit, "before", 404)]
    {
        server.faults().add(Rule::new(fault).resource("configmaps").verb("create"));
        let body = config_map(name).to_string();
        let request = client.request("POST", CONFIG_MAPS, "application/json", body.as_bytes());
        assert!(client.try_send(request).await.is_err());
        assert_eq!(client.get(&format!("{CONFIG_MAPS}/{name}")).await.status, exists);
    }
    let records = server.requests();
    let resets: Vec<(bool, bool)> =
        records.iter().filter(|r| r.verb == "create").map(|r| (r.reset, r.changed)).collect();
    assert_eq!(resets, [(true, true), (true, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_takes_its_time_and_then_the_request_is_done() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    server.faults().add(Rule::new(Fault::Delay(Duration::from_secs(7))).user("alice"));
    let start = tokio::time::Instant::now();
    client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}

#[tokio::test]
async fn a_write_can_drop_the_watches_of_its_resource() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    server.faults().add(Rule::new(Fault::DropWatches).verb("update"));
    let created = client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    let mut watch =
        client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={}", version(&created))).await;
    client.put(&format!("{CONFIG_MAPS}/m"), &created).await.ok();
    assert!(watch.next().await.is_err());
}

#[tokio::test]
async fn a_rule_can_be_as_narrow_as_a_predicate() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let second =
        |record: &kontext_apiserver::RequestRecord| record.name == "b" && record.subresource == "status";
    server.faults().add(Rule::new(Fault::Status(500)).when(second).always());
    for name in ["a", "b"] {
        client.post(DEPLOYMENTS, &deployment(name)).await.ok();
    }
    let change = json!({"status": {"replicas": 1}});
    let status = |name: &str| format!("{DEPLOYMENTS}/{name}/status");
    client.patch(&status("a"), MERGE_PATCH, &change).await.ok();
    for _ in 0..3 {
        assert_eq!(client.patch(&status("b"), MERGE_PATCH, &change).await.status, 500);
    }
    server.faults().clear();
    client.patch(&status("b"), MERGE_PATCH, &change).await.ok();
}
