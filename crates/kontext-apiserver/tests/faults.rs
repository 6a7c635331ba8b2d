//! Injected faults: what the client sees, and what was done nevertheless.

mod common;

use std::time::Duration;

use common::*;
use kontext_apiserver::{Fault, Rule};
use kube::core::Status;
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

#[tokio::test]
async fn a_conflict_names_the_object_as_the_real_one_does() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let web = client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    server.faults().add(Rule::conflict().verb("update"));
    let answer = client.put(&format!("{DEPLOYMENTS}/web"), &web).await;
    assert_eq!(
        answer.failure(),
        "409 Conflict: Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please \
         apply your changes to the latest version and try again"
    );
    assert_eq!(answer.body["details"], json!({"name": "web", "group": "apps", "kind": "deployments"}));
}

#[tokio::test]
async fn any_status_can_be_answered() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let quota = Status::failure("exceeded quota: pods", "Forbidden").with_code(403);
    server.faults().add(Rule::answer(quota).resource("pods").retry_after(7));
    let answer = client.post(PODS, &pod("p")).await;
    assert_eq!(answer.failure(), "403 Forbidden: exceeded quota: pods");
    assert_eq!(
        (&answer.body["kind"], &answer.headers["retry-after"]),
        (&json!("Status"), &"7".parse().unwrap())
    );
}

#[tokio::test]
async fn a_write_can_be_done_and_answered_with_a_timeout() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    server.faults().add(Rule::new(Fault::CommitThenStatus(504)).verb("create"));
    assert_eq!(client.post(CONFIG_MAPS, &config_map("m")).await.status, 504);
    client.get(&format!("{CONFIG_MAPS}/m")).await.ok();
    let record = &server.requests()[0];
    assert_eq!(
        (record.status, record.changed, record.faults.join(",")),
        (504, true, "commit-then=504".to_owned())
    );
}

#[tokio::test]
async fn a_watch_breaks_after_so_many_events() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let rule = server.faults().add(Rule::reset_watch_after(2).resource("configmaps"));
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    for name in ["a", "b", "c"] {
        client.post(CONFIG_MAPS, &config_map(name)).await.ok();
    }
    assert_eq!(watch.take(2).await, ["ADDED a", "ADDED b"]);
    assert!(watch.next().await.is_err());
    assert_eq!(rule.strikes(), 1);
}

#[tokio::test(start_paused = true)]
async fn events_can_come_late() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    server.faults().add(Rule::delay_events(Duration::from_secs(5)));
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    let start = tokio::time::Instant::now();
    assert_eq!(watch.take(1).await, ["ADDED m"]);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test]
async fn a_stale_read_shows_an_earlier_state_and_a_watch_goes_on_from_there() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    for name in ["a", "b"] {
        client.post(CONFIG_MAPS, &config_map(name)).await.ok();
    }
    let path = format!("{CONFIG_MAPS}/a");
    client.patch(&path, MERGE_PATCH, &json!({"data": {"k": "new"}})).await.ok();
    // What other kinds do does not count.
    client.post(PODS, &pod("p")).await.ok();
    server.faults().add(Rule::stale_read(2).resource("configmaps").times(3));
    let list = client.get(CONFIG_MAPS).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["data"], json!(null));
    assert_eq!(client.get(&path).await.ok()["data"], json!(null));
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/b")).await.status, 404);
    let from = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={from}")).await;
    assert_eq!(watch.take(2).await, ["ADDED b", "MODIFIED a"]);
    assert_eq!(client.get(&path).await.ok()["data"], json!({"k": "new"}));
}

#[tokio::test]
async fn a_stale_list_is_not_older_than_was_asked_for() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let a = client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    client.post(CONFIG_MAPS, &config_map("b")).await.ok();
    server.faults().add(Rule::stale_read(u64::MAX).always());
    let items = async |query: &str| {
        client.get(&format!("{CONFIG_MAPS}{query}")).await.ok()["items"].as_array().unwrap().len()
    };
    assert_eq!(items("").await, 0);
    assert_eq!(items(&format!("?resourceVersion={}", version(&a))).await, 1);
}

#[tokio::test]
async fn a_compaction_expires_watches_from_earlier() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let a = client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    server.faults().add(Rule::compact().verb("delete"));
    client.post(CONFIG_MAPS, &config_map("b")).await.ok();
    client.delete(&format!("{CONFIG_MAPS}/b"), &json!({})).await.ok();
    let path = format!("{CONFIG_MAPS}?watch=1&resourceVersion={}", version(&a));
    let mut watch = client.watch(&path).await;
    let event = watch.next().await.unwrap().unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[tokio::test]
async fn an_answer_can_be_cut_in_half_or_be_no_json() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    server.faults().add(Rule::new(Fault::TruncatedBody).verb("create"));
    let request =
        client.request("POST", CONFIG_MAPS, "application/json", config_map("m").to_string().as_bytes());
    assert!(client.try_send(request).await.is_err());
    server.faults().add(Rule::new(Fault::GarbageBody).verb("get"));
    let answer = client.get(&format!("{CONFIG_MAPS}/m")).await;
    assert_eq!((answer.status, answer.text.starts_with("<html>")), (200, true));
    client.get(&format!("{CONFIG_MAPS}/m")).await.ok();
}

#[tokio::test]
async fn a_test_can_wait_for_a_strike() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let rule = server.faults().add(Rule::unavailable().nth(2));
    let asking = async {
        for _ in 0..3 {
            client.get(PODS).await;
        }
    };
    tokio::join!(rule.struck(1), asking);
    let statuses: Vec<u16> = server.requests().iter().map(|r| r.status).collect();
    assert_eq!(statuses, [200, 503, 200]);
}
