//! What tests begin with and how they wait.

mod common;

use std::time::Duration;

use common::*;
use kontext_apiserver::ApiServer;
use serde_json::json;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_condition_is_asked_again_after_each_write() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let writing = async {
        for name in ["a", "b", "c"] {
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.post(CONFIG_MAPS, &config_map(name)).await.ok();
        }
    };
    let mut asked = 0;
    let there = server.eventually(MINUTE, async || {
        asked += 1;
        let found = client.get(&format!("{CONFIG_MAPS}/b")).await;
        (found.status == 200).then_some(found.body)
    });
    let (found, ()) = tokio::join!(there, writing);
    assert_eq!(found.unwrap()["metadata"]["name"], "b");
    assert_eq!(asked, 3);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_is_told_with_the_latest_writes() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let begin = Instant::now();
    let error = server.eventually(MINUTE, async || None::<()>).await.unwrap_err();
    assert_eq!(error.to_string(), "not within 60s; nothing was written");
    client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    let error =
        server.eventually(MINUTE, async || std::future::pending::<Option<()>>().await).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not within 60s; the latest changes:\nalice create configmaps default/a -> 201 changed"
    );
    assert_eq!(begin.elapsed(), 2 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_server_settles_when_nobody_writes_any_more() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let writer = tokio::spawn(async move {
        for number in 0..10 {
            client.post(CONFIG_MAPS, &config_map(&format!("m{number}"))).await.ok();
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    });
    let begin = Instant::now();
    server.settled(Duration::from_secs(5), Duration::from_secs(10)).await.unwrap_err();
    server.settled(Duration::from_secs(5), MINUTE).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 27 + 5);
    writer.await.unwrap();
}

#[tokio::test]
async fn manifests_are_loaded_with_their_status() {
    let server = server().await;
    let yaml = "
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {colour: red}
---
# nothing
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec: {containers: [{name: app, image: 'registry.example/app:1'}]}
  status: {replicas: 3}
";
    let loaded = server.load_yaml(yaml).await.unwrap();
    let names: Vec<&str> = loaded.iter().filter_map(|o| o.metadata.name.as_deref()).collect();
    assert_eq!(names, ["shop", "settings", "web"]);
    assert_eq!(loaded[2].data["status"]["replicas"], 3);
    assert_eq!(loaded[0].types.as_ref().map(|t| t.kind.as_str()), Some("Namespace"));
}

#[tokio::test]
async fn folders_are_loaded_file_by_file() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let missing = server.load_path(folder.path().join("none")).await.unwrap_err();
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
    let empty = server.load_path(folder.path()).await.unwrap_err();
    assert!(empty.to_string().ends_with(".yml or .json"), "{empty}");
    for (file, name) in [("2.yaml", "b"), ("1.json", "a"), ("notes.txt", "c")] {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        std::fs::write(folder.path().join(file), object.to_string()).unwrap();
    }
    let loaded = server.load_path(folder.path()).await.unwrap();
    let names: Vec<&str> = loaded.iter().filter_map(|o| o.metadata.name.as_deref()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test]
async fn what_cannot_be_loaded_is_named() {
    let server = ApiServer::builder().start().await;
    let mut errors = Vec::new();
    for text in [
        "{apiVersion: v1, kind: ConfigMap}",
        "{apiVersion: example.dev/v1, kind: Cafe, metadata: {name: c}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: 'A B'}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: none}}",
    ] {
        errors.push(server.load_yaml(text).await.unwrap_err().to_string());
    }
    expect_test::expect![[r#"
        {"apiVersion":"v1","kind":"ConfigMap"}: an object needs apiVersion, kind and metadata
        example.dev/v1 Cafe c: no such kind is served; load its CustomResourceDefinition before it, or with it
        v1 ConfigMap A B: ConfigMap "A B" is invalid: metadata.name: Invalid value: "A B": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        v1 ConfigMap a: namespaces "none" not found"#]]
    .assert_eq(&errors.join("\n"));
    let error = server.load_yaml("a: [").await.unwrap_err().to_string();
    assert!(error.starts_with("text is no YAML: "), "{error}");
}
