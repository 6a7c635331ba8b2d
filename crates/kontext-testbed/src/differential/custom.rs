//! The custom resource that scripts use: one definition for a whole run.

use std::time::Duration;

use anyhow::{Result, bail};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// Its collection, without the namespace.
const PATH: &str = "/apis/differential.example.com/v1/widgets";

/// The definition: two versions, status and scale, a schema with defaults, a list map, a set, an atomic list, an
/// int-or-string and a part without schema.
fn definition() -> Value {
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 0, "maximum": 100},
                    "replicas": {"type": "integer", "default": 1},
                    "colour": {"type": "string", "enum": ["red", "green", "blue"], "default": "red"},
                    "note": {"type": "string", "maxLength": 10, "nullable": true},
                    "ports": {
                        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                        "items": {
                            "type": "object", "required": ["name"],
                            "properties": {
                                "name": {"type": "string"},
                                "port": {"type": "integer"},
                                "protocol": {"type": "string", "default": "TCP"},
                            },
                        },
                    },
                    "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                    "words": {"type": "array", "items": {"type": "string"}},
                    "limit": {"x-kubernetes-int-or-string": true},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                },
            },
            "status": {
                "type": "object",
                "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}},
            },
        },
    });
    let version = |name: &str, storage: bool| {
        json!({
            "name": name, "served": true, "storage": storage,
            "schema": {"openAPIV3Schema": schema},
            "subresources": {
                "status": {},
                "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
            },
            "additionalPrinterColumns": [
                {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
            ],
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.differential.example.com"},
        "spec": {
            "group": "differential.example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [version("v1", true), version("v1beta1", false)],
        },
    })
}

/// Defines the resource on a server, unless it is there, and waits until objects of it can be listed.
pub(super) async fn define(client: &Client) -> Result<()> {
    let request = http::Request::post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        .header("content-type", "application/json")
        .body(Body::from(definition().to_string().into_bytes()))?;
    let response = client.send(request).await?;
    if !matches!(response.status().as_u16(), 201 | 409) {
        let body = response.into_body().collect().await?.to_bytes();
        bail!("the definition is refused: {}", String::from_utf8_lossy(&body));
    }
    for _ in 0..600 {
        // Both versions, and writes too: the handler of a new definition may come a moment after the first list.
        let mut served = true;
        for path in [PATH.to_owned(), PATH.replace("/v1/", "/v1beta1/")] {
            let response = client.send(http::Request::get(path).body(Body::empty())?).await?;
            served &= response.status().is_success();
        }
        if served {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("objects of the new definition cannot be listed")
}
