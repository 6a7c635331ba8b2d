//! The cells of each kind, and what they share.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{config, duration, network, pod, storage, workload};

static NULL: Value = Value::Null;

/// The cells of one object, in the order of its columns.
pub(super) fn of(group: &str, kind: &str, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(text(object, "/metadata/name"));
    let age = json!(age(object, now));
    let mut cells = match (group, kind) {
        ("" | "events.k8s.io", "Event") => return config::event(object, now),
        ("", "Pod") => pod::cells(object, age, now),
        ("", "PodTemplate") => workload::pod_template(object),
        ("", "ReplicationController") => workload::replication_controller(object, age),
        ("autoscaling", "Scale") => {
            vec![at(object, "/spec/replicas").clone(), at(object, "/status/replicas").clone(), age]
        }
        ("apps", "Deployment") => workload::deployment(object, age),
        ("apps", "ReplicaSet") => workload::replica_set(object, age),
        ("apps", "StatefulSet") => workload::stateful_set(object, age),
        ("apps", "DaemonSet") => workload::daemon_set(object, age),
        ("apps", "ControllerRevision") => workload::controller_revision(object, age),
        ("batch", "Job") => workload::job(object, age, now),
        ("batch", "CronJob") => workload::cron_job(object, age, now),
        ("policy", "PodDisruptionBudget") => workload::disruption_budget(object, age),
        ("autoscaling", "HorizontalPodAutoscaler") => workload::autoscaler(object, age),
        ("", "Service") => network::service(object, age),
        ("", "Endpoints") => vec![json!(network::endpoints(object)), age],
        ("discovery.k8s.io", "EndpointSlice") => network::endpoint_slice(object, age),
        ("networking.k8s.io", "Ingress") => network::ingress(object, age),
        ("networking.k8s.io", "NetworkPolicy") => vec![json!(selector(at(object, "/spec/podSelector"))), age],
        ("networking.k8s.io", "IngressClass") => network::ingress_class(object, age),
        ("", "Node") => config::node(object, age),
        ("", "Namespace") => vec![json!(text(object, "/status/phase")), age],
        ("", "ConfigMap") => vec![json!(count(object, "/data") + count(object, "/binaryData")), age],
        ("", "Secret") => vec![json!(text(object, "/type")), json!(count(object, "/data")), age],
        ("", "ServiceAccount") => vec![age],
        ("", "ResourceQuota") => config::resource_quota(object, age),
        ("", "PersistentVolumeClaim") => storage::claim(object, age),
        ("", "PersistentVolume") => storage::volume(object, age),
        ("storage.k8s.io", "StorageClass") => storage::class(object, age),
        ("storage.k8s.io", "CSIDriver") => storage::driver(object, age),
        ("storage.k8s.io", "CSINode") => vec![json!(items(object, "/spec/drivers").len()), age],
        ("storage.k8s.io", "VolumeAttachment") => storage::attachment(object, age),
        ("storage.k8s.io", "VolumeAttributesClass") => vec![json!(text(object, "/driverName")), age],
        ("node.k8s.io", "RuntimeClass") => vec![json!(text(object, "/handler")), age],
        ("coordination.k8s.io", "Lease") => vec![json!(text(object, "/spec/holderIdentity")), age],
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            config::role_binding(object, age)
        }
        ("scheduling.k8s.io", "PriorityClass") => config::priority_class(object, age),
        (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => {
            vec![json!(items(object, "/webhooks").len()), age]
        }
        _ if crate::schema::of(group, kind).is_some() => {
            vec![at(object, "/metadata/creationTimestamp").clone()]
        }
        _ => vec![age],
    };
    cells.insert(0, name);
    cells
}

pub(super) fn at<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or(&NULL)
}

pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).as_str().unwrap_or_default()
}

/// A text, or the placeholder when it is empty.
pub(super) fn text_or(object: &Value, pointer: &str, empty: &str) -> String {
    let value = text(object, pointer);
    if value.is_empty() { empty.to_owned() } else { value.to_owned() }
}

pub(super) fn number(object: &Value, pointer: &str) -> i64 {
    at(object, pointer).as_i64().unwrap_or_default()
}

pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    at(object, pointer).as_array().map_or(&[], Vec::as_slice)
}

/// How many entries a map has.
pub(super) fn count(object: &Value, pointer: &str) -> usize {
    at(object, pointer).as_object().map_or(0, serde_json::Map::len)
}

/// A value that is a text or a number, as text.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub(super) fn age(object: &Value, now: Timestamp) -> String {
    duration::since(object.pointer("/metadata/creationTimestamp"), now)
}

pub(super) fn joined<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values.collect::<Vec<_>>().join(",")
}

/// Names and images of the containers of a pod spec.
pub(super) fn containers(spec: &Value) -> [Value; 2] {
    let list = items(spec, "/containers");
    let column = |field: &str| json!(joined(list.iter().map(|container| text(container, field))));
    [column("/name"), column("/image")]
}

/// A map of labels as `a=b,c=d`.
pub(super) fn labels(map: &Value) -> String {
    let pairs: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// A selector with `matchLabels` and `matchExpressions` as one line; `<none>` if it has neither.
pub(super) fn selector(selector: &Value) -> String {
    let line = selector_or_empty(selector);
    if line.is_empty() { "<none>".to_owned() } else { line }
}

pub(super) fn selector_or_empty(selector: &Value) -> String {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        parts.push((key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in items(selector, "/matchExpressions") {
        let key = text(expression, "/key");
        let mut values: Vec<&str> = items(expression, "/values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let part = match text(expression, "/operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        parts.push((key.to_owned(), part));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(",")
}
