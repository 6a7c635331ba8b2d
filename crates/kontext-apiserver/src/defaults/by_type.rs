//! Defaults that belong to a type and apply wherever it stands: containers, probes, volumes.

use serde_json::{Value, json};

use super::quantity::Quantity;
use super::value::{child, default, default_nil, is_nil, is_true, is_unset, items_mut, put, text};
use crate::schema::{self, Shape};

/// Applies the defaults of a type and of everything inside.
pub(super) fn walk(type_name: &'static str, value: &mut Value) {
    let Some(def) = schema::type_named(type_name) else { return };
    if !value.is_object() {
        return;
    }
    for (name, field) in &def.fields {
        if let Some(inner) = value.get_mut(*name) {
            shape(&field.shape, inner);
        }
    }
    fill(type_name, value);
}

fn shape(shape_of: &'static Shape, value: &mut Value) {
    match shape_of {
        Shape::Struct(name) | Shape::Pointer(name) => walk(name, value),
        Shape::List(element) => {
            value.as_array_mut().into_iter().flatten().for_each(|item| shape(element, item));
        }
        Shape::Map(element) => {
            value
                .as_object_mut()
                .into_iter()
                .flat_map(|map| map.values_mut())
                .for_each(|item| shape(element, item));
        }
        Shape::Quantity => canonical_quantity(value),
        _ => {}
    }
}

fn canonical_quantity(value: &mut Value) {
    let written = match &*value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return,
    };
    if let Some(quantity) = Quantity::parse(&written) {
        *value = Value::from(quantity.rounded_to_milli().canonical());
    }
}

fn fill(type_name: &str, value: &mut Value) {
    match type_name {
        "core.v1.Container" | "core.v1.EphemeralContainer" => {
            let policy = pull_policy(text(value, "image"));
            default(value, "imagePullPolicy", policy);
            default(value, "terminationMessagePath", "/dev/termination-log");
            default(value, "terminationMessagePolicy", "File");
        }
        "core.v1.ImageVolumeSource" => {
            let policy = pull_policy(text(value, "reference"));
            default(value, "pullPolicy", policy);
        }
        "core.v1.ContainerPort" | "core.v1.EndpointPort" | "networking.v1.NetworkPolicyPort" => {
            default(value, "protocol", "TCP");
        }
        "discovery.v1.EndpointPort" => {
            default_nil(value, "name", "");
            default(value, "protocol", "TCP");
        }
        "core.v1.Probe" => {
            default(value, "timeoutSeconds", 1);
            default(value, "periodSeconds", 10);
            default(value, "successThreshold", 1);
            default(value, "failureThreshold", 3);
        }
        "core.v1.HTTPGetAction" => {
            default(value, "path", "/");
            default(value, "scheme", "HTTP");
        }
        "core.v1.GRPCAction" => default_nil(value, "service", ""),
        "core.v1.ObjectFieldSelector" => default(value, "apiVersion", "v1"),
        "core.v1.ResourceFieldSelector" => default(value, "divisor", "0"),
        "core.v1.PodSpec" => pod_spec(value),
        "core.v1.Volume" => {
            let sources = value.as_object().map_or(0, |map| map.keys().filter(|key| *key != "name").count());
            if sources == 0 {
                put(value, "emptyDir", json!({}));
            }
        }
        "core.v1.SecretVolumeSource"
        | "core.v1.ConfigMapVolumeSource"
        | "core.v1.DownwardAPIVolumeSource"
        | "core.v1.ProjectedVolumeSource" => default_nil(value, "defaultMode", 420),
        "core.v1.HostPathVolumeSource" => default_nil(value, "type", ""),
        "core.v1.ServiceAccountTokenProjection" => default_nil(value, "expirationSeconds", 3600),
        "core.v1.ISCSIVolumeSource" | "core.v1.ISCSIPersistentVolumeSource" => {
            default(value, "iscsiInterface", "default");
        }
        "core.v1.PersistentVolumeClaimSpec" => default_nil(value, "volumeMode", "Filesystem"),
        "core.v1.PersistentVolumeClaim" => default(child(value, "status"), "phase", "Pending"),
        "batch.v1.PodFailurePolicyOnPodConditionsPattern" => default(value, "status", "True"),
        "rbac.v1.Subject" if matches!(text(value, "kind"), "User" | "Group") => {
            default(value, "apiGroup", "rbac.authorization.k8s.io");
        }
        "rbac.v1.RoleRef" => default(value, "apiGroup", "rbac.authorization.k8s.io"),
        "admissionregistration.v1.MutatingWebhook" | "admissionregistration.v1.ValidatingWebhook" => {
            default_nil(value, "failurePolicy", "Fail");
            default_nil(value, "matchPolicy", "Equivalent");
            default_nil(value, "namespaceSelector", json!({}));
            default_nil(value, "objectSelector", json!({}));
            default_nil(value, "timeoutSeconds", 10);
            if type_name.contains(".Mutating") {
                default_nil(value, "reinvocationPolicy", "Never");
            }
        }
        "admissionregistration.v1.ServiceReference" => default_nil(value, "port", 443),
        "admissionregistration.v1.RuleWithOperations" => default_nil(value, "scope", "*"),
        _ => {}
    }
}

fn pod_spec(spec: &mut Value) {
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "restartPolicy", "Always");
    default_nil(spec, "securityContext", json!({}));
    default_nil(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "schedulerName", "default-scheduler");
    // The deprecated twin of serviceAccountName, which wins.
    for (from, to) in [("serviceAccountName", "serviceAccount"), ("serviceAccount", "serviceAccountName")] {
        if !is_nil(spec, from) && is_unset(spec, to) {
            let name = text(spec, from).to_owned();
            put(spec, to, name);
        }
    }
    if text(spec, "serviceAccount") != text(spec, "serviceAccountName") {
        let name = text(spec, "serviceAccountName").to_owned();
        put(spec, "serviceAccount", name);
    }
    if is_true(spec, "hostNetwork") {
        for containers in ["containers", "initContainers"] {
            for container in items_mut(spec, containers) {
                for port in items_mut(container, "ports") {
                    let number = port.get("containerPort").cloned().unwrap_or(Value::Null);
                    default(port, "hostPort", number);
                }
            }
        }
    }
}

/// `Always` for the tag latest, given or implied; a digest is a tag of its own.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    match (tag, digest) {
        (Some("latest"), _) => "Always",
        (None, None) if !image.is_empty() => "Always",
        _ => "IfNotPresent",
    }
}
