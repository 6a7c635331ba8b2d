//! Objects for tests, made from the JSON an API server would send.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::{Deployment, Pod, ReplicaSet};

/// So many seconds after 2026-01-01T00:00:00Z.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

pub(crate) fn time(second: i64) -> String {
    at(second).to_string()
}

/// A ready pod of ReplicaSet `web` (UID `u-web`) in namespace `shop` on `node-1`.
#[derive(Clone, Copy)]
pub(crate) struct PodSpec {
    pub(crate) name: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) app: &'static str,
    pub(crate) owner: Option<&'static str>,
    pub(crate) phase: &'static str,
    pub(crate) ready: bool,
    pub(crate) ready_since: i64,
    pub(crate) deleting: bool,
    pub(crate) labelled: bool,
}

impl PodSpec {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            namespace: "shop",
            app: "web",
            owner: Some("u-web"),
            phase: "Running",
            ready: true,
            ready_since: 0,
            deleting: false,
            labelled: true,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": self.name, "namespace": self.namespace, "uid": format!("u-{}", self.name),
                "resourceVersion": "7", "creationTimestamp": time(-60),
                "labels": {"app": self.app, "pod-template-hash": "abc"},
                "managedFields": [{"manager": "kubelet"}],
            },
            "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "registry.example/web:1"}]},
            "status": {
                "phase": self.phase,
                "conditions": [
                    {"type": "Initialized", "status": "True", "lastTransitionTime": time(-50)},
                    {"type": "Ready", "status": if self.ready { "True" } else { "False" },
                     "lastTransitionTime": time(self.ready_since)},
                ],
                "containerStatuses": [{"name": "app", "restartCount": 0, "ready": self.ready}],
            }
        });
        if !self.labelled {
            pod["metadata"]["labels"] = json!({"app": self.app});
        }
        if let Some(uid) = self.owner {
            pod["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": uid,
                "controller": true, "blockOwnerDeletion": true,
            }]);
        }
        if self.deleting {
            pod["metadata"]["deletionTimestamp"] = time(1).into();
        }
        pod
    }

    pub(crate) fn pod(&self) -> Pod {
        serde_json::from_value(self.json()).unwrap()
    }
}

pub(crate) fn template(image: &str) -> Value {
    json!({
        "metadata": {"creationTimestamp": null, "labels": {"app": "web"}},
        "spec": {
            "containers": [{"name": "app", "image": image, "resources": {}, "imagePullPolicy": "IfNotPresent",
                            "terminationMessagePath": "/dev/termination-log"}],
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "securityContext": {},
            "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30,
        }
    })
}

pub(crate) fn replica_set_json(name: &str, replicas: i32) -> Value {
    let mut template = template("registry.example/web:1");
    template["metadata"]["labels"]["pod-template-hash"] = "abc".into();
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("u-{name}"), "resourceVersion": "5", "generation": 1,
            "creationTimestamp": time(-100), "labels": {"app": "web"},
            "managedFields": [{"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": template, "fieldOfTheFuture": {"kept": true},
        },
        "status": {"replicas": replicas, "observedGeneration": 1, "statusOfTheFuture": 1},
    })
}

pub(crate) fn replica_set(name: &str, replicas: i32) -> ReplicaSet {
    serde_json::from_value(replica_set_json(name, replicas)).unwrap()
}

pub(crate) fn deployment_json(replicas: i32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u-deployment", "resourceVersion": "3", "generation": 1,
            "creationTimestamp": time(-200), "labels": {"app": "web"},
        },
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": template("registry.example/web:1"),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "fieldOfTheFuture": 1,
        },
        "status": {},
    })
}

pub(crate) fn deployment(json: &Value) -> Deployment {
    serde_json::from_value(json.clone()).unwrap()
}
