//! What a write adds after defaulting: first the admission plugins that are on by default, which webhooks see the work
//! of, later the kinds' strategies. Owned by nobody.

use serde_json::{Value, json};

use super::by_kind::TEMPLATE_GENERATION;
use super::quantity::Quantity;
use super::value::{child, default, default_nil, is_nil, is_true, items, put, text};
use crate::schema;

/// The plugins Priority, DefaultTolerationSeconds, TaintNodesByCondition and StorageObjectInUseProtection.
pub(crate) fn plugins(group: &str, kind: &str, object: &mut Value, creating: bool) {
    match (group, kind, creating) {
        ("", "Pod", true) => pod(child(object, "spec")),
        ("", "Pod", false) => tolerations(child(object, "spec")),
        ("", "Node", true) => {
            let spec = child(object, "spec");
            let not_ready = "node.kubernetes.io/not-ready";
            let mut taints = items(spec, "taints").to_vec();
            if !taints
                .iter()
                .any(|taint| text(taint, "key") == not_ready && text(taint, "effect") == "NoSchedule")
            {
                taints.push(json!({"key": not_ready, "effect": "NoSchedule"}));
                put(spec, "taints", taints);
            }
        }
        ("", "PersistentVolumeClaim", true) => protect(object, "kubernetes.io/pvc-protection"),
        ("", "PersistentVolume", true) => protect(object, "kubernetes.io/pv-protection"),
        ("storage.k8s.io", "VolumeAttributesClass", true) => protect(object, "kubernetes.io/vac-protection"),
        _ => {}
    }
}

/// Completes a new object. `metadata.uid` must be set already: a Job's selector is made of it.
///
/// Cluster addresses and node ports of Services are allocated by the server; everything else of a Service is here.
pub(crate) fn prepare_create(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            reset_status(group, kind, object);
            crate::crd::set_stored_versions(object);
        }
        ("", "Pod") => {
            let class = quality_of_service(object.get("spec").unwrap_or(&Value::Null));
            put(object, "status", json!({"phase": "Pending", "qosClass": class}));
        }
        ("", "Namespace") => {
            put(object, "status", json!({"phase": "Active"}));
            let spec = child(object, "spec");
            let has = items(spec, "finalizers").iter().any(|name| name == "kubernetes");
            if !has {
                let mut finalizers = items(spec, "finalizers").to_vec();
                finalizers.push(json!("kubernetes"));
                put(spec, "finalizers", finalizers);
            }
        }
        ("", "Node") => {}
        ("", "Service") => {
            reset_status(group, kind, object);
            service(child(object, "spec"));
        }
        ("", "PersistentVolumeClaim" | "PersistentVolume") => {
            put(object, "status", json!({"phase": "Pending"}));
        }
        ("apps", "DaemonSet") => {
            reset_status(group, kind, object);
            let annotations = child(child(object, "metadata"), "annotations");
            put(annotations, TEMPLATE_GENERATION, "1");
        }
        ("batch", "Job") => {
            reset_status(group, kind, object);
            job(object);
        }
        _ => reset_status(group, kind, object),
    }
}

/// What an update of the main resource adds in the end.
pub(crate) fn prepare_update(group: &str, kind: &str, object: &mut Value, old: &Value) {
    if (group, kind) == ("apiextensions.k8s.io", "CustomResourceDefinition") {
        return crate::crd::set_stored_versions(object);
    }
    if (group, kind) == ("", "Service") {
        return forget_of_type(object, old);
    }
    if (group, kind) != ("apps", "DaemonSet") {
        return;
    }
    let template = |object: &Value| object.pointer("/spec/template").cloned();
    let annotation = old.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let before: i64 = annotation.map_or("", |all| text(all, TEMPLATE_GENERATION)).parse().unwrap_or_default();
    let changed = template(object) != template(old);
    let annotations = child(child(object, "metadata"), "annotations");
    put(annotations, TEMPLATE_GENERATION, (before + i64::from(changed)).to_string());
}

/// A Service that changes to a type without these fields loses them, if the writer left them as they were.
fn forget_of_type(service: &mut Value, old: &Value) {
    let kind = |service: &Value| text(&service["spec"], "type").to_owned();
    let accessible = |service: &Value| {
        matches!(kind(service).as_str(), "NodePort" | "LoadBalancer")
            || (kind(service) == "ClusterIP" && !items(&service["spec"], "externalIPs").is_empty())
    };
    let balanced = |service: &Value| kind(service) == "LoadBalancer";
    let gone = [
        ("externalTrafficPolicy", accessible(old) && !accessible(service)),
        ("allocateLoadBalancerNodePorts", balanced(old) && !balanced(service)),
    ];
    let Some(spec) = service.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for (field, _) in gone.iter().filter(|(_, gone)| *gone) {
        if spec.get(*field) == old["spec"].get(*field) {
            spec.remove(*field);
        }
    }
}

/// A new object starts with the empty status of its kind.
fn reset_status(group: &str, kind: &str, object: &mut Value) {
    let Some(field) = schema::of(group, kind).and_then(|def| def.fields.get("status")) else { return };
    if let Some(def) = field.shape.type_def() {
        put(object, "status", schema::zero(def));
    }
}

fn protect(object: &mut Value, finalizer: &str) {
    let metadata = child(object, "metadata");
    let mut finalizers = items(metadata, "finalizers").to_vec();
    if !finalizers.iter().any(|name| name == finalizer) {
        finalizers.push(json!(finalizer));
        put(metadata, "finalizers", finalizers);
    }
}

/// The plugin Priority.
fn pod(spec: &mut Value) {
    tolerations(spec);
    let priority = match text(spec, "priorityClassName") {
        "system-node-critical" => 2_000_001_000,
        "system-cluster-critical" => 2_000_000_000,
        _ => 0,
    };
    default_nil(spec, "priority", priority);
    default_nil(spec, "preemptionPolicy", "PreemptLowerPriority");
}

/// The plugin DefaultTolerationSeconds, which acts on updates too.
fn tolerations(spec: &mut Value) {
    let mut tolerations = items(spec, "tolerations").to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = tolerations.iter().any(|toleration| {
            matches!(
                text(toleration, "key"),
                "" | "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable"
            ) && (text(toleration, "key") == key || text(toleration, "key").is_empty())
                && matches!(text(toleration, "effect"), "" | "NoExecute")
        });
        if !tolerated {
            tolerations.push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
    put(spec, "tolerations", tolerations);
}

fn service(spec: &mut Value) {
    if text(spec, "type") == "ExternalName" {
        return;
    }
    // Single stack, IPv4: what the range of a plain cluster gives.
    default_nil(spec, "ipFamilies", json!(["IPv4"]));
    default_nil(spec, "ipFamilyPolicy", "SingleStack");
    let address = text(spec, "clusterIP").to_owned();
    if !address.is_empty() {
        default_nil(spec, "clusterIPs", json!([address]));
    }
}

/// A Job selects its pods by its own uid, unless it brings a selector itself.
fn job(object: &mut Value) {
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    let (uid, name) = (text(metadata, "uid").to_owned(), text(metadata, "name").to_owned());
    // Defaulting gives a Job its template's labels, the same map: what is added to one is on both.
    let shared = object.pointer("/spec/template/metadata/labels").cloned();
    let shares = is_nil(metadata, "labels") || metadata.get("labels") == shared.as_ref();
    let spec = child(object, "spec");
    if is_true(spec, "manualSelector") {
        return;
    }
    let labels = child(child(child(spec, "template"), "metadata"), "labels");
    put(labels, "controller-uid", uid.clone());
    put(labels, "batch.kubernetes.io/controller-uid", uid.clone());
    default(labels, "job-name", name.clone());
    default(labels, "batch.kubernetes.io/job-name", name);
    let labels = labels.clone();
    put(child(child(spec, "selector"), "matchLabels"), "batch.kubernetes.io/controller-uid", uid);
    if shares {
        put(child(object, "metadata"), "labels", labels);
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
fn quality_of_service(spec: &Value) -> &'static str {
    let given = |container: &Value, list: &str, resource: &str| {
        let value = container.get("resources")?.get(list)?.get(resource)?.as_str()?;
        Quantity::parse(value).filter(|quantity| !quantity.is_zero() && !quantity.is_negative())
    };
    let (mut any, mut guaranteed) = (false, true);
    for container in items(spec, "containers").iter().chain(items(spec, "initContainers")) {
        for resource in ["cpu", "memory"] {
            let (request, limit) =
                (given(container, "requests", resource), given(container, "limits", resource));
            any |= request.is_some() || limit.is_some();
            guaranteed &= matches!((request, limit), (Some(request), Some(limit)) if request.same(limit));
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
