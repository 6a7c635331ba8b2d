//! Pod specs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rules::{NOT_NEGATIVE, one_of};
use super::{Errors, container};
use crate::defaults::names;
use crate::defaults::value::{items, text};

/// A Pod of its own.
pub(super) fn pod(errors: &mut Errors, path: &str, spec: &Value) {
    check(errors, path, spec);
    one_of(errors, path, spec, "restartPolicy", &["Always", "OnFailure", "Never"]);
    dns_policy(errors, path, spec);
}

/// A template of a workload, which has its own rule for the restart policy.
pub(super) fn template(errors: &mut Errors, path: &str, spec: &Value) {
    check(errors, path, spec);
    dns_policy(errors, path, spec);
}

fn dns_policy(errors: &mut Errors, path: &str, spec: &Value) {
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    one_of(errors, path, spec, "dnsPolicy", &policies);
}

fn check(errors: &mut Errors, path: &str, spec: &Value) {
    let volumes = volumes(errors, path, spec);
    if items(spec, "containers").is_empty() {
        errors.required(format!("{path}.containers"), "");
    }
    let mut seen = BTreeSet::new();
    for list in ["containers", "initContainers"] {
        for (index, item) in items(spec, list).iter().enumerate() {
            container::container(errors, &format!("{path}.{list}[{index}]"), item, &volumes, &mut seen);
        }
    }
    placement(errors, path, spec);
    if let Some(deadline) = spec.get("activeDeadlineSeconds").filter(|value| !value.is_null())
        && !deadline.as_i64().is_some_and(|seconds| (1..=2_147_483_647).contains(&seconds))
    {
        let detail = "must be between 1 and 2147483647, inclusive";
        errors.invalid(format!("{path}.activeDeadlineSeconds"), deadline, detail);
    }
    for (index, constraint) in items(spec, "topologySpreadConstraints").iter().enumerate() {
        let field = format!("{path}.topologySpreadConstraints[{index}]");
        if constraint.get("maxSkew").and_then(Value::as_i64).unwrap_or_default() <= 0 {
            errors.invalid(
                format!("{field}.maxSkew"),
                constraint.get("maxSkew").unwrap_or(&Value::Null),
                "must be greater than zero",
            );
        }
        if text(constraint, "topologyKey").is_empty() {
            errors.required(format!("{field}.topologyKey"), "can not be empty");
        }
        one_of(errors, &field, constraint, "whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"]);
    }
}

/// Where a pod may go: labels of nodes, and taints that it bears.
pub(super) fn placement(errors: &mut Errors, path: &str, spec: &Value) {
    for (key, value) in spec.get("nodeSelector").and_then(Value::as_object).into_iter().flatten() {
        for message in names::qualified_name(key) {
            errors.invalid(format!("{path}.nodeSelector"), &Value::from(key.as_str()), &message);
        }
        for message in names::label_value(value.as_str().unwrap_or_default()) {
            errors.invalid(format!("{path}.nodeSelector"), value, &message);
        }
    }
    for (index, toleration) in items(spec, "tolerations").iter().enumerate() {
        tolerates(errors, &format!("{path}.tolerations[{index}]"), toleration);
    }
}

fn tolerates(errors: &mut Errors, path: &str, toleration: &Value) {
    for message in names::qualified_name(text(toleration, "key")) {
        if !text(toleration, "key").is_empty() {
            errors.invalid(format!("{path}.key"), &Value::from(text(toleration, "key")), &message);
        }
    }
    let operator = text(toleration, "operator");
    if text(toleration, "key").is_empty() && operator != "Exists" {
        let detail =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.invalid(format!("{path}.operator"), &Value::from(operator), detail);
    }
    match operator {
        "" | "Equal" => {}
        "Exists" => {
            if let Some(value) = toleration.get("value").filter(|value| *value != "") {
                errors.invalid(
                    format!("{path}.operator"),
                    value,
                    "value must be empty when `operator` is 'Exists'",
                );
            }
        }
        _ => one_of(errors, path, toleration, "operator", &["Equal", "Exists"]),
    }
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if !text(toleration, "effect").is_empty() {
        one_of(errors, path, toleration, "effect", &effects);
    }
}

/// The kinds of volumes in the order in which the server looks at them.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// The names of the volumes.
fn volumes<'a>(errors: &mut Errors, path: &str, spec: &'a Value) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let field = format!("{path}.volumes[{index}]");
        let name = text(volume, "name");
        let mut sources: Vec<&str> = volume
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys())
            .map(String::as_str)
            .filter(|key| *key != "name")
            .collect();
        sources.sort_by_key(|source| SOURCES.iter().position(|known| known == source));
        for source in sources.iter().skip(1) {
            errors.forbidden(format!("{field}.{source}"), "may not specify more than 1 volume type");
        }
        if sources.len() > 1 {
            // What is wrong in itself counts as no volume.
            continue;
        }
        if name.is_empty() {
            errors.required(format!("{field}.name"), "");
        } else {
            for message in names::dns1123_label(name) {
                errors.invalid(format!("{field}.name"), &Value::from(name), &message);
            }
            if !seen.insert(name) {
                errors.duplicate(format!("{field}.name"), name);
            }
        }
    }
    seen
}

/// A negative grace period is allowed and means one second; everything else that counts seconds is not negative.
pub(super) fn seconds(errors: &mut Errors, path: &str, object: &Value, names: &[&str]) {
    for name in names {
        if let Some(value) = object.get(*name).filter(|value| value.as_i64().is_some_and(|number| number < 0))
        {
            errors.invalid(format!("{path}.{name}"), value, NOT_NEGATIVE);
        }
    }
}
