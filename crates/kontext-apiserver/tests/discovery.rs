//! What clients learn about the server before they ask for anything.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use common::*;
use serde_json::Value;

async fn aggregated(client: &Client, path: &str, etag: Option<&str>) -> Answer {
    let mut request = client.request("GET", path, "", b"");
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    request.headers_mut().insert("accept", accept.parse().unwrap());
    if let Some(etag) = etag {
        request.headers_mut().insert("if-none-match", etag.parse().unwrap());
    }
    client.send(request).await
}

#[tokio::test]
async fn aggregated_discovery_has_every_group_and_a_tag() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let groups = aggregated(&client, "/apis", None).await;
    assert_eq!(
        groups.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    let names: Vec<&str> = groups.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["metadata"]["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"apps") && names.contains(&"batch"), "{names:?}");
    let etag = groups.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(aggregated(&client, "/apis", Some(&etag)).await.status, 304);
    let core = aggregated(&client, "/api", None).await.ok();
    let resources = core["items"][0]["versions"][0]["resources"].as_array().unwrap();
    let pods = resources.iter().find(|r| r["resource"] == "pods").unwrap();
    let subresources: Vec<&str> =
        pods["subresources"].as_array().unwrap().iter().map(|s| s["subresource"].as_str().unwrap()).collect();
    assert_eq!(subresources, ["binding", "eviction", "status"], "what is not served is not promised");
}

#[tokio::test]
async fn every_resource_that_discovery_names_can_be_listed() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let mut versions = vec!["/api/v1".to_owned()];
    let groups = client.get("/apis").await.ok();
    for group in groups["groups"].as_array().unwrap() {
        for version in group["versions"].as_array().unwrap() {
            versions.push(format!("/apis/{}", version["groupVersion"].as_str().unwrap()));
        }
    }
    let mut count = 0;
    for version in versions {
        let list = client.get(&version).await.ok();
        for resource in list["resources"].as_array().unwrap() {
            let name = resource["name"].as_str().unwrap();
            let listed = resource["verbs"].as_array().unwrap().contains(&"list".into());
            if listed && !name.contains('/') {
                let answer = client.get(&format!("{version}/{name}")).await.ok();
                assert_eq!(answer["kind"], format!("{}List", resource["kind"].as_str().unwrap()));
                count += 1;
            }
        }
    }
    assert!(count >= 40, "{count}");
}

#[tokio::test]
async fn the_version_is_that_of_the_server_it_behaves_like() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    assert_eq!(client.get("/version").await.ok()["gitVersion"], "v1.36.3");
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(client.get(path).await.text, "ok");
    }
    let document: Value = client.get("/openapi/v3/apis/apps/v1").await.ok();
    let path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
    let parameters = document["paths"][path]["patch"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|p| p["name"] == "fieldValidation"));
}
