//! Defaults that belong to one kind.

use base64::Engine as _;
use serde_json::{Value, json};

use super::value::{child, default, default_nil, is_nil, is_unset, items, items_mut, put, text};

pub(super) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(super) fn apply(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crate::crd::default_names(object),
        ("", "Pod") => pod(object),
        ("", "Service") => service(object),
        ("", "Secret") => secret(object),
        ("", "Namespace") => {
            let name = text(object.get("metadata").unwrap_or(&Value::Null), "name").to_owned();
            if !name.is_empty() {
                put(child(child(object, "metadata"), "labels"), "kubernetes.io/metadata.name", name);
            }
            default(child(object, "status"), "phase", "Active");
        }
        ("", "Node") => node(object),
        ("", "PersistentVolume") => {
            default(child(object, "status"), "phase", "Pending");
            default(child(object, "spec"), "persistentVolumeReclaimPolicy", "Retain");
            default_nil(child(object, "spec"), "volumeMode", "Filesystem");
        }
        ("", "ReplicationController") => {
            let labels = template_labels(object);
            default_nil(child(object, "spec"), "replicas", 1);
            if let Some(labels) = labels {
                default_nil(child(object, "spec"), "selector", labels.clone());
                default_nil(child(object, "metadata"), "labels", labels);
            }
        }
        ("apps", "Deployment") => deployment(child(object, "spec")),
        ("apps", "ReplicaSet") => default_nil(child(object, "spec"), "replicas", 1),
        ("apps", "StatefulSet") => stateful_set(child(object, "spec")),
        ("apps", "DaemonSet") => {
            // The template generation of the internal type shows as this annotation.
            default_nil(child(child(object, "metadata"), "annotations"), TEMPLATE_GENERATION, "0");
            daemon_set(child(object, "spec"));
        }
        ("batch", "Job") => job(object),
        ("batch", "CronJob") => {
            let spec = child(object, "spec");
            default(spec, "concurrencyPolicy", "Allow");
            default_nil(spec, "suspend", false);
            default_nil(spec, "successfulJobsHistoryLimit", 3);
            default_nil(spec, "failedJobsHistoryLimit", 1);
        }
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(child(object, "spec")),
        ("networking.k8s.io", "NetworkPolicy") => {
            let spec = child(object, "spec");
            if is_nil(spec, "policyTypes") {
                let egress = !items(spec, "egress").is_empty();
                let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
                put(spec, "policyTypes", types);
            }
        }
        ("scheduling.k8s.io", "PriorityClass") => {
            default_nil(object, "preemptionPolicy", "PreemptLowerPriority");
        }
        ("storage.k8s.io", "StorageClass") => {
            default_nil(object, "reclaimPolicy", "Delete");
            default_nil(object, "volumeBindingMode", "Immediate");
        }
        ("storage.k8s.io", "CSIDriver") => driver(child(object, "spec")),
        _ => {}
    }
}

fn driver(spec: &mut Value) {
    default_nil(spec, "attachRequired", true);
    for field in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
        default_nil(spec, field, false);
    }
    default_nil(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    if items(spec, "volumeLifecycleModes").is_empty() {
        put(spec, "volumeLifecycleModes", json!(["Persistent"]));
    }
}

fn template_labels(object: &Value) -> Option<Value> {
    let labels = object.get("spec")?.get("template")?.get("metadata")?.get("labels")?;
    labels.as_object().filter(|labels| !labels.is_empty()).map(|labels| Value::Object(labels.clone()))
}

fn pod(object: &mut Value) {
    let spec = child(object, "spec");
    default_nil(spec, "enableServiceLinks", true);
    for containers in ["containers", "initContainers"] {
        for container in items_mut(spec, containers) {
            // A limit without a request is also the request.
            let Some(limits) = container.pointer("/resources/limits").and_then(Value::as_object).cloned()
            else {
                continue;
            };
            let requests = child(child(container, "resources"), "requests");
            for (resource, limit) in limits {
                default_nil(requests, &resource, limit);
            }
        }
    }
}

fn service(object: &mut Value) {
    let spec = child(object, "spec");
    default(spec, "sessionAffinity", "None");
    match text(spec, "sessionAffinity") {
        "None" => put(spec, "sessionAffinityConfig", Value::Null),
        "ClientIP" => {
            default_nil(child(child(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", 10800);
        }
        _ => {}
    }
    default(spec, "type", "ClusterIP");
    for port in items_mut(spec, "ports") {
        default(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or(Value::Null);
        default(port, "targetPort", number);
    }
    let kind = text(spec, "type").to_owned();
    let external_ips = !items(spec, "externalIPs").is_empty();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && external_ips) {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        default_nil(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default_nil(spec, "allocateLoadBalancerNodePorts", true);
        if let Some(Value::Array(entries)) = object.pointer_mut("/status/loadBalancer/ingress") {
            let of_address = |entry: &&mut Value| !text(entry, "ip").is_empty();
            entries.iter_mut().filter(of_address).for_each(|entry| default_nil(entry, "ipMode", "VIP"));
        }
    }
}

/// `stringData` is written only: it goes into `data`, and wins.
fn secret(object: &mut Value) {
    default(object, "type", "Opaque");
    let Some(Value::Object(plain)) = object.as_object_mut().and_then(|map| map.remove("stringData")) else {
        return;
    };
    let data = child(object, "data");
    for (key, value) in plain {
        let encoded = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or_default());
        put(data, &key, encoded);
    }
}

fn node(object: &mut Value) {
    let status = child(object, "status");
    if let (true, Some(capacity)) = (is_nil(status, "allocatable"), status.get("capacity").cloned()) {
        put(status, "allocatable", capacity);
    }
    let spec = child(object, "spec");
    let (cidr, cidrs) = (text(spec, "podCIDR").to_owned(), items(spec, "podCIDRs").first().cloned());
    match (cidr.is_empty(), cidrs) {
        (false, None) => put(spec, "podCIDRs", json!([cidr])),
        (true, Some(first)) => put(spec, "podCIDR", first),
        _ => {}
    }
}

fn deployment(spec: &mut Value) {
    default_nil(spec, "replicas", 1);
    default_nil(spec, "revisionHistoryLimit", 10);
    default_nil(spec, "progressDeadlineSeconds", 600);
    let strategy = child(spec, "strategy");
    default(strategy, "type", "RollingUpdate");
    if text(strategy, "type") == "RollingUpdate" {
        let rolling = child(strategy, "rollingUpdate");
        default_nil(rolling, "maxUnavailable", "25%");
        default_nil(rolling, "maxSurge", "25%");
    }
}

fn daemon_set(spec: &mut Value) {
    default_nil(spec, "revisionHistoryLimit", 10);
    let strategy = child(spec, "updateStrategy");
    default(strategy, "type", "RollingUpdate");
    if text(strategy, "type") == "RollingUpdate" {
        let rolling = child(strategy, "rollingUpdate");
        default_nil(rolling, "maxUnavailable", 1);
        default_nil(rolling, "maxSurge", 0);
    }
}

fn stateful_set(spec: &mut Value) {
    default(spec, "podManagementPolicy", "OrderedReady");
    default_nil(spec, "replicas", 1);
    default_nil(spec, "revisionHistoryLimit", 10);
    let retention = child(spec, "persistentVolumeClaimRetentionPolicy");
    default(retention, "whenDeleted", "Retain");
    default(retention, "whenScaled", "Retain");
    let strategy = child(spec, "updateStrategy");
    if is_unset(strategy, "type") {
        put(strategy, "type", "RollingUpdate");
        child(strategy, "rollingUpdate");
    }
    if text(strategy, "type") == "RollingUpdate" && !is_nil(strategy, "rollingUpdate") {
        default_nil(child(strategy, "rollingUpdate"), "partition", 0);
    }
    for claim in items_mut(spec, "volumeClaimTemplates") {
        put(claim, "apiVersion", "v1");
        put(claim, "kind", "PersistentVolumeClaim");
    }
}

fn job(object: &mut Value) {
    let labels = template_labels(object);
    if let Some(labels) = labels {
        default_nil(child(object, "metadata"), "labels", labels);
    }
    let spec = child(object, "spec");
    if is_nil(spec, "completions") && is_nil(spec, "parallelism") {
        put(spec, "completions", 1);
    }
    default_nil(spec, "parallelism", 1);
    let per_index = !is_nil(spec, "backoffLimitPerIndex");
    default_nil(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
    default_nil(spec, "completionMode", "NonIndexed");
    default_nil(spec, "suspend", false);
    default_nil(spec, "manualSelector", false);
    let replacement = if is_nil(spec, "podFailurePolicy") { "TerminatingOrFailed" } else { "Failed" };
    default_nil(spec, "podReplacementPolicy", replacement);
}

fn autoscaler(spec: &mut Value) {
    default_nil(spec, "minReplicas", 1);
    if items(spec, "metrics").is_empty() {
        put(
            spec,
            "metrics",
            json!([{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 80}}}]),
        );
    }
    if is_nil(spec, "behavior") {
        return;
    }
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let behavior = child(spec, "behavior");
    let up = child(behavior, "scaleUp");
    default_nil(up, "stabilizationWindowSeconds", 0);
    default_nil(up, "selectPolicy", "Max");
    default_nil(up, "policies", json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, percent]));
    let down = child(behavior, "scaleDown");
    default_nil(down, "selectPolicy", "Max");
    default_nil(down, "policies", json!([percent]));
}
