//! What is written: pods as a cluster has them, and small ConfigMaps that tell when they were sent.

use serde_json::{Value, json};

pub(crate) const NAMESPACE: &str = "bench";

/// A pod as the ReplicaSet loop makes them; about 2.3 KB as the server keeps it.
pub(crate) fn pod(number: usize) -> Value {
    let name = format!("web-7c5ddbdf54-{number:05}");
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": { "app": "web", "pod-template-hash": "7c5ddbdf54", "tier": "front" },
            "annotations": { "example.com/checksum": "0f343b0931126a20f133d67c2b018a3b1c3c2ba2" },
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c5ddbdf54",
                "uid": "5f2e7a4c-1d7c-4a55-9a2c-8b2e4a0d9f11", "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "containers": [{
                "name": "app",
                "image": "registry.example/web:1",
                "ports": [{ "name": "http", "containerPort": 8080 }],
                "env": [{ "name": "GREETING", "value": "hello" }],
                "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
                "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
            }],
        },
    })
}

/// The merge patch that is update `number` of a pod.
pub(crate) fn pod_update(number: usize) -> Value {
    json!({ "metadata": { "annotations": { "example.com/round": number.to_string() } } })
}

/// A ConfigMap that was sent at this time.
pub(crate) fn config_map(name: &str, sent: u64) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name },
        "data": { "sent": sent.to_string(), "text": "x".repeat(256) },
    })
}

/// How the time that a ConfigMap was sent looks in an event.
pub(crate) const SENT: &[u8] = b"\"sent\":\"";
