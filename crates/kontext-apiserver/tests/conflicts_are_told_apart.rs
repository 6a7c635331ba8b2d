//! Optimistic concurrency, names that are taken, and preconditions, with the messages of the real server.

mod common;

use common::*;
use expect_test::expect;
use serde_json::json;

#[tokio::test]
async fn each_conflict_says_what_it_is() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let first = client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let path = format!("{DEPLOYMENTS}/web");
    client.patch(&path, MERGE_PATCH, &json!({"spec": {"replicas": 2}})).await.ok();
    let mut said = Vec::new();
    said.push(client.put(&path, &first).await.failure());
    said.push(client.post(DEPLOYMENTS, &deployment("web")).await.failure());
    let stale = json!({"metadata": {"resourceVersion": version(&first)}, "spec": {"replicas": 3}});
    said.push(client.patch(&path, MERGE_PATCH, &stale).await.failure());
    said.push(client.patch(&format!("{DEPLOYMENTS}/none"), MERGE_PATCH, &json!({})).await.failure());
    said.push(client.put(&format!("{DEPLOYMENTS}/none"), &deployment("none")).await.failure());
    let other = json!({"preconditions": {"resourceVersion": "1"}});
    said.push(client.delete(&path, &other).await.failure());
    expect![[r#"
        409 Conflict: Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again
        409 AlreadyExists: deployments.apps "web" already exists
        409 Conflict: Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again
        404 NotFound: deployments.apps "none" not found
        404 NotFound: deployments.apps "none" not found
        409 Conflict: Operation cannot be fulfilled on Deployment.apps "web": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (7). The object might have been modified"#]]
    .assert_eq(&said.join("\n"));
}

#[tokio::test]
async fn a_lease_must_be_written_with_its_version() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let lease = json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}});
    let created = client.post(leases, &lease).await.ok();
    let blind = client.put(&format!("{leases}/l"), &lease).await;
    assert!(
        blind
            .failure()
            .contains("metadata.resourceVersion: Invalid value: 0: must be specified for an update")
    );
    client.put(&format!("{leases}/l"), &created).await.ok();
    let stolen = json!({"metadata": {"name": "other"}, "spec": {"holderIdentity": "b"}});
    assert_eq!(client.put(&format!("{leases}/other"), &stolen).await.status, 201, "a PUT creates a lease");
}

#[tokio::test]
async fn of_many_writers_of_one_version_exactly_one_wins() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let created = client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    let writers = (0..32).map(|n| {
        let (client, mut mine) = (client.clone(), created.clone());
        tokio::spawn(async move {
            mine["data"] = json!({"writer": n.to_string()});
            client.put(&format!("{CONFIG_MAPS}/m"), &mine).await.status
        })
    });
    let mut statuses = Vec::new();
    for writer in writers {
        statuses.push(writer.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1);
    assert!(statuses.iter().all(|s| matches!(s, 200 | 409)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_without_a_version_all_get_through() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    let writers = (0..64).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            let change = json!({"data": {format!("k{n}"): "v"}});
            client.patch(&format!("{CONFIG_MAPS}/m"), MERGE_PATCH, &change).await.status
        })
    });
    for writer in writers {
        assert_eq!(writer.await.unwrap(), 200);
    }
    let map = client.get(&format!("{CONFIG_MAPS}/m")).await.ok();
    assert_eq!(map["data"].as_object().unwrap().len(), 64);
}

#[tokio::test]
async fn generated_names_have_five_characters_more() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let long = "x".repeat(60);
    for (prefix, length) in [("web-", 9), (long.as_str(), 63)] {
        let object = json!({"metadata": {"generateName": prefix}});
        let created = client.post(CONFIG_MAPS, &object).await.ok();
        let name = created["metadata"]["name"].as_str().unwrap();
        assert_eq!(name.len(), length);
        assert!(name[length - 5..].chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c)), "{name}");
    }
}
