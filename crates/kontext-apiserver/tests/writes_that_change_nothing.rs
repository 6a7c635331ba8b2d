//! A write whose result is what is stored already is no write (DESIGN.md F1).

mod common;

use common::*;
use serde_json::json;

#[tokio::test]
async fn a_no_op_of_every_kind_changes_no_version_and_sends_no_event() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let created = client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let path = format!("{DEPLOYMENTS}/web");
    let mut watch =
        client.watch(&format!("{DEPLOYMENTS}?watch=1&resourceVersion={}", version(&created))).await;
    let mut without_managed_fields = created.clone();
    without_managed_fields["metadata"].as_object_mut().unwrap().remove("managedFields");
    let answers = [
        client.put(&path, &created).await.ok(),
        client.put(&path, &without_managed_fields).await.ok(),
        client.put(&path, &deployment("web")).await.ok(),
        client.patch(&path, MERGE_PATCH, &json!({"spec": {"replicas": 1}})).await.ok(),
        client.patch(&path, STRATEGIC, &json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]}}}})).await.ok(),
        client.patch(&path, JSON_PATCH, &json!([{"op": "replace", "path": "/spec/replicas", "value": 1}])).await.ok(),
        client.put(&format!("{path}/status"), &created).await.ok(),
    ];
    for answer in &answers {
        assert_eq!(version(answer), version(&created));
    }
    let changes = server.requests().iter().filter(|r| r.changed).count();
    assert_eq!(changes, 1, "the create alone");
    client.patch(&path, MERGE_PATCH, &json!({"spec": {"replicas": 2}})).await.ok();
    let event = watch.next().await.unwrap().unwrap();
    assert_eq!(event["object"]["spec"]["replicas"], 2, "nothing came before the real change");
}

#[tokio::test]
async fn five_hundred_no_op_writes_leave_the_server_as_it_was() {
    let server = server().await;
    let client = Client::new(&server, "controller");
    let created = client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let before = server.resource_version();
    for _ in 0..500 {
        client.put(&format!("{DEPLOYMENTS}/web"), &created).await.ok();
    }
    assert_eq!(server.resource_version(), before);
    assert_eq!(server.request_count(), 501);
}

#[tokio::test]
async fn another_manager_that_writes_the_same_values_owns_nothing_and_writes_nothing() {
    let server = server().await;
    let mut client = Client::new(&server, "alice");
    let created = client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    "somebody-else/2.0".clone_into(&mut client.user_agent);
    let answer = client.put(&format!("{DEPLOYMENTS}/web"), &deployment("web")).await.ok();
    assert_eq!(answer["metadata"]["managedFields"], created["metadata"]["managedFields"]);
    assert_eq!(version(&answer), version(&created));
}

#[tokio::test]
async fn a_dry_run_answers_with_the_result_and_stores_nothing() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let before = server.resource_version();
    let scaled = client
        .patch(&format!("{DEPLOYMENTS}/web?dryRun=All"), MERGE_PATCH, &json!({"spec": {"replicas": 7}}))
        .await
        .ok();
    assert_eq!((scaled["spec"]["replicas"].as_i64(), generation(&scaled)), (Some(7), 2));
    client.post(&format!("{DEPLOYMENTS}?dryRun=All"), &deployment("other")).await.ok();
    client.delete(&format!("{DEPLOYMENTS}/web"), &json!({"dryRun": ["All"]})).await.ok();
    assert_eq!(server.resource_version(), before);
    assert_eq!(client.get(&format!("{DEPLOYMENTS}/other")).await.status, 404);
}
