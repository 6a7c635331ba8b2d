//! Tests: tables for the pure parts, and the kubelet against the in-memory server under a paused clock.

mod scheduling;
mod server;
mod timelines;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

/// A Pod with these annotations and this in its spec.
fn pod(name: &str, annotations: &Value, spec: &Value) -> Pod {
    let mut whole = json!({
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-of-{name}"), "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "i:1"}]}
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        whole["spec"][key] = value.clone();
    }
    serde_json::from_value(whole).expect("a pod")
}
