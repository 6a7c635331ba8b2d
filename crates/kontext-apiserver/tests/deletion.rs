//! Finalizers, grace, and the end of namespaces.

mod common;

use common::*;
use serde_json::json;

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_removed() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut object = config_map("m");
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let created = client.post(CONFIG_MAPS, &object).await.ok();
    let path = format!("{CONFIG_MAPS}/m");
    let mut watch =
        client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion={}", version(&created))).await;
    let deleted = client.delete(&path, &json!({})).await.ok();
    assert!(deleted["metadata"]["deletionTimestamp"].is_string());
    let added = json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}});
    assert_eq!(client.patch(&path, MERGE_PATCH, &added).await.status, 422);
    client.patch(&path, MERGE_PATCH, &json!({"metadata": {"finalizers": null}})).await.ok();
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(watch.take(2).await, ["MODIFIED m", "DELETED m"]);
}

#[tokio::test]
async fn a_pod_on_a_node_waits_for_its_kubelet_and_one_without_goes_at_once() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut bound = pod("bound");
    bound["spec"]["nodeName"] = json!("n");
    let mut watch = client.watch(&format!("{PODS}?watch=1")).await;
    client.post(PODS, &bound).await.ok();
    client.post(PODS, &pod("free")).await.ok();
    for name in ["bound", "free"] {
        client.delete(&format!("{PODS}/{name}"), &json!({})).await.ok();
    }
    assert_eq!(client.get(&format!("{PODS}/free")).await.status, 404);
    let waiting = client.get(&format!("{PODS}/bound")).await.ok();
    assert_eq!(waiting["metadata"]["deletionGracePeriodSeconds"], 30);
    client.delete(&format!("{PODS}/bound"), &json!({"gracePeriodSeconds": 0})).await.ok();
    assert_eq!(client.get(&format!("{PODS}/bound")).await.status, 404);
    assert_eq!(
        watch.take(7).await,
        [
            "ADDED bound",
            "ADDED free",
            "MODIFIED bound",
            "MODIFIED free",
            "DELETED free",
            "MODIFIED bound",
            "DELETED bound"
        ]
    );
}

#[tokio::test]
async fn a_delete_answers_with_a_status_or_the_object_as_its_kind_does() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    let status = client.delete(&format!("{DEPLOYMENTS}/web"), &json!({})).await.ok();
    assert_eq!(
        (status["kind"].as_str(), status["details"]["kind"].as_str()),
        (Some("Status"), Some("deployments"))
    );
    client.post(PODS, &pod("p")).await.ok();
    assert_eq!(client.delete(&format!("{PODS}/p"), &json!({})).await.ok()["kind"], "Pod");
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    for name in ["a", "b"] {
        let mut object = config_map(name);
        object["metadata"]["labels"] = json!({"name": name});
        client.post(CONFIG_MAPS, &object).await.ok();
    }
    let deleted = client.delete(&format!("{CONFIG_MAPS}?labelSelector=name%3Da"), &json!({})).await.ok();
    assert_eq!(deleted["items"].as_array().map(Vec::len), Some(1));
    let left = client.get(CONFIG_MAPS).await.ok();
    assert_eq!(left["items"][0]["metadata"]["name"], "b");
}

#[tokio::test]
async fn an_ending_namespace_takes_nothing_new_and_goes_with_its_last_finalizer() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    client.post("/api/v1/namespaces", &json!({"metadata": {"name": "team"}})).await.ok();
    let ending = client.delete("/api/v1/namespaces/team", &json!({})).await.ok();
    assert_eq!(ending["status"]["phase"], "Terminating");
    let late = client.post("/api/v1/namespaces/team/configmaps", &config_map("late")).await;
    assert_eq!(
        late.failure(),
        "403 Forbidden: configmaps \"late\" is forbidden: unable to create new content in namespace team because it is being terminated"
    );
    let mut done = ending.clone();
    done["spec"]["finalizers"] = json!([]);
    client.put("/api/v1/namespaces/team/finalize", &done).await.ok();
    assert_eq!(client.get("/api/v1/namespaces/team").await.status, 404);
    let nowhere = client.post("/api/v1/namespaces/team/configmaps", &config_map("m")).await;
    assert_eq!(nowhere.failure(), "404 NotFound: namespaces \"team\" not found");
    let immortal = client.delete("/api/v1/namespaces/default", &json!({})).await;
    assert_eq!(
        immortal.failure(),
        "403 Forbidden: namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
}

#[tokio::test]
async fn a_recreated_name_has_another_uid() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let first = client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    let path = format!("{CONFIG_MAPS}/m");
    client.delete(&path, &json!({})).await.ok();
    let second = client.post(CONFIG_MAPS, &config_map("m")).await.ok();
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    let stale = json!({"preconditions": {"uid": first["metadata"]["uid"]}});
    assert_eq!(client.delete(&path, &stale).await.status, 409);
    let mut old = first.clone();
    old["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(client.put(&path, &old).await.status, 409, "a PUT with another uid is for another object");
}
