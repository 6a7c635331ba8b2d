//! What a write through `/status` and `/scale` may change, and what a write of the object may not (F6, F17).

mod common;

use common::*;
use serde_json::json;

#[tokio::test]
async fn a_deployments_status_write_keeps_annotations_and_puts_spec_and_labels_back() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut object = client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    object["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    object["metadata"]["labels"] = json!({"added": "yes"});
    object["spec"]["replicas"] = json!(9);
    object["status"] = json!({"replicas": 3, "observedGeneration": 1});
    let stored = client.put(&format!("{DEPLOYMENTS}/web/status"), &object).await.ok();
    assert_eq!(stored["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert!(stored["metadata"].get("labels").is_none());
    assert_eq!(
        (stored["spec"]["replicas"].as_i64(), stored["status"]["replicas"].as_i64()),
        (Some(1), Some(3))
    );
    assert_eq!(generation(&stored), 1);
}

#[tokio::test]
async fn a_replica_sets_status_write_keeps_labels_too() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let sets = "/apis/apps/v1/namespaces/default/replicasets";
    let mut object = client.post(sets, &deployment("web")).await.ok();
    assert_eq!(object["status"], json!({"replicas": 0}));
    object["metadata"]["labels"] = json!({"added": "yes"});
    object["status"]["replicas"] = json!(1);
    let stored = client.put(&format!("{sets}/web/status"), &object).await.ok();
    assert_eq!(stored["metadata"]["labels"]["added"], "yes");
}

#[tokio::test]
async fn a_pods_status_write_leaves_its_owners_alone() {
    let server = server().await;
    let client = Client::new(&server, "kubelet");
    let mut object = client.post(PODS, &pod("p")).await.ok();
    object["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u"}]);
    object["status"] = json!({"phase": "Running"});
    let stored = client.put(&format!("{PODS}/p/status"), &object).await.ok();
    assert!(stored["metadata"].get("ownerReferences").is_none());
    assert_eq!(stored["status"]["phase"], "Running");
    assert_eq!(stored["status"]["qosClass"], "BestEffort", "the server keeps what it put there");
}

#[tokio::test]
async fn a_write_of_the_object_leaves_the_status_alone() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let path = format!("{DEPLOYMENTS}/web");
    let change = json!({"spec": {"replicas": 2}, "status": {"replicas": 99}});
    let stored = client.patch(&path, MERGE_PATCH, &change).await.ok();
    assert_eq!((stored["spec"]["replicas"].as_i64(), &stored["status"]), (Some(2), &json!({})));
}

#[tokio::test]
async fn scale_writes_replicas_and_nothing_else() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let path = format!("{DEPLOYMENTS}/web/scale");
    let scale = client.get(&path).await.ok();
    assert_eq!(
        (scale["kind"].as_str(), scale["status"]["selector"].as_str()),
        (Some("Scale"), Some("app=web"))
    );
    let change = json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"replicas": 4}});
    let scaled = client.patch(&path, MERGE_PATCH, &change).await.ok();
    assert_eq!(scaled["spec"]["replicas"], 4);
    let stored = client.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    assert_eq!((stored["spec"]["replicas"].as_i64(), generation(&stored)), (Some(4), 2));
    assert!(stored["metadata"].get("annotations").is_none());
    assert_eq!(
        client.put(&path, &scale).await.failure(),
        "409 Conflict: Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your changes to the latest version and try again"
    );
    let negative = client.patch(&path, MERGE_PATCH, &json!({"spec": {"replicas": -1}})).await;
    assert_eq!(
        negative.failure(),
        "422 Invalid: Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    );
}

#[tokio::test]
async fn an_eviction_asks_the_disruption_budget() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    let budget = json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}});
    client.post(budgets, &budget).await.ok();
    let mut object = pod("p");
    object["metadata"]["labels"] = json!({"app": "x"});
    client.post(PODS, &object).await.ok();
    client
        .patch(&format!("{PODS}/p/status"), MERGE_PATCH, &json!({"status": {"phase": "Running"}}))
        .await
        .ok();
    let eviction = json!({"metadata": {"name": "p"}});
    let refused = client.post(&format!("{PODS}/p/eviction"), &eviction).await;
    assert_eq!(
        refused.failure(),
        "429 TooManyRequests: Cannot evict pod as it would violate the pod's disruption budget."
    );
    client
        .patch(
            &format!("{budgets}/b/status"),
            MERGE_PATCH,
            &json!({"status": {"disruptionsAllowed": 1, "observedGeneration": 1}}),
        )
        .await
        .ok();
    assert_eq!(client.post(&format!("{PODS}/p/eviction"), &eviction).await.status, 201);
    assert_eq!(client.get(&format!("{PODS}/p")).await.status, 404);
    let spent = client.get(&format!("{budgets}/b")).await.ok();
    assert_eq!(spent["status"]["disruptionsAllowed"], 0);
}
