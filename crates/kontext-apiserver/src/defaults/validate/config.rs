//! The kinds with few rules: ConfigMap, Secret, PodDisruptionBudget, HorizontalPodAutoscaler, Lease, RBAC.

use serde_json::Value;

use super::Errors;
use super::rules::{IMMUTABLE, count_or_percent, not_negative, one_of, required_text, same};
use crate::defaults::names;
use crate::defaults::value::{is_nil, is_true, items, text};

const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const IMMUTABLE_DATA: &str = "field is immutable when `immutable` is set";

fn config_key(key: &str) -> Option<String> {
    match key {
        _ if key.len() > 253 => Some("must be no more than 253 bytes".to_owned()),
        "" => Some(CONFIG_KEY.to_owned()),
        "." => Some("may not be '.'".to_owned()),
        _ if key.starts_with("..") => Some("may not start with '..'".to_owned()),
        _ => key
            .bytes()
            .any(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
            .then(|| CONFIG_KEY.to_owned()),
    }
}

/// ConfigMaps and Secrets.
pub(super) fn config(errors: &mut Errors, kind: &str, new: &Value, old: Option<&Value>) {
    if let Some(old) = old {
        config_changed(errors, kind, new, old);
    }
    config_keys(errors, new);
    if kind == "Secret" {
        secret_data(errors, new);
    }
}

/// What may not change any more.
fn config_changed(errors: &mut Errors, kind: &str, new: &Value, old: &Value) {
    if kind == "Secret" && text(new, "type") != text(old, "type") {
        errors.invalid("type", &Value::from(text(new, "type")), IMMUTABLE);
    }
    if is_true(old, "immutable") {
        if !is_true(new, "immutable") {
            errors.forbidden("immutable", IMMUTABLE_DATA);
        }
        for name in ["data", "binaryData"] {
            if !same(new.get(name), old.get(name)) {
                errors.forbidden(name, IMMUTABLE_DATA);
            }
        }
    }
}

/// Keys that are files in volumes.
fn config_keys(errors: &mut Errors, new: &Value) {
    let binary = new.get("binaryData").and_then(Value::as_object);
    for (list, entries) in [("data", new.get("data").and_then(Value::as_object)), ("binaryData", binary)] {
        for key in entries.into_iter().flat_map(|map| map.keys()) {
            if let Some(message) = config_key(key) {
                errors.invalid(format!("{list}[{key}]"), &Value::from(key.as_str()), &message);
            }
            if list == "data" && binary.is_some_and(|binary| binary.contains_key(key)) {
                let value = Value::from(key.as_str());
                errors.invalid(format!("data[{key}]"), &value, "duplicate of key present in binaryData");
            }
        }
    }
}

/// What Secrets of the well-known types must have.
fn secret_data(errors: &mut Errors, secret: &Value) {
    let has = |key: &str| secret.get("data").is_some_and(|data| !data[key].is_null());
    let mut require = |key: &str| errors.required(format!("data[{key}]"), "");
    match text(secret, "type") {
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            ["username", "password"].into_iter().for_each(require);
        }
        "kubernetes.io/tls" => {
            ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key)).for_each(&mut require);
        }
        "kubernetes.io/ssh-auth" if !has("ssh-privatekey") => require("ssh-privatekey"),
        _ => {}
    }
}

pub(super) fn controller_revision(errors: &mut Errors, new: &Value, old: Option<&Value>) {
    if is_nil(new, "data") {
        errors.required("data", "data is mandatory");
    }
    if new.get("revision").and_then(Value::as_i64).is_some_and(|revision| revision < 0) {
        let detail = "must be greater than or equal to 0";
        errors.invalid("revision", new.get("revision").unwrap_or(&Value::Null), detail);
    }
    if old.is_some_and(|old| !same(new.get("data"), old.get("data"))) {
        errors.invalid("data", new.get("data").unwrap_or(&Value::Null), IMMUTABLE);
    }
}

pub(super) fn disruption_budget(errors: &mut Errors, spec: &Value) {
    if !is_nil(spec, "minAvailable") && !is_nil(spec, "maxUnavailable") {
        // The message shows the server's internal form of the spec.
        let part = |name: &str| spec.get(name).cloned().unwrap_or(Value::Null);
        let shown = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            part("minAvailable"),
            part("selector"),
            part("maxUnavailable"),
            part("unhealthyPodEvictionPolicy")
        );
        let message = format!("Invalid value: {shown}: minAvailable and maxUnavailable cannot be both set");
        errors.push("spec", "FieldValueInvalid", message);
    }
    one_of(errors, "spec", spec, "unhealthyPodEvictionPolicy", &["AlwaysAllow", "IfHealthyBudget"]);
    count_or_percent(errors, "spec", spec, "minAvailable");
    count_or_percent(errors, "spec", spec, "maxUnavailable");
}

pub(super) fn autoscaler(errors: &mut Errors, spec: &Value) {
    let number = |name: &str| spec.get(name).and_then(Value::as_i64);
    let (least, most) = (number("minReplicas").unwrap_or(1), number("maxReplicas").unwrap_or_default());
    if least < 1 {
        errors.invalid("spec.minReplicas", &Value::from(least), "must be greater than or equal to 1");
    }
    if most == 0 {
        errors.required("spec.maxReplicas", "must be set and greater than 0");
    } else if most < 0 {
        errors.invalid("spec.maxReplicas", &Value::from(most), "must be greater than or equal to 1");
    }
    if number("minReplicas").is_some() && most < least {
        let detail = "must be greater than or equal to `minReplicas`";
        errors.invalid("spec.maxReplicas", &Value::from(most), detail);
    }
    let target = spec.get("scaleTargetRef").unwrap_or(&Value::Null);
    required_text(errors, "spec.scaleTargetRef", target, "kind");
    required_text(errors, "spec.scaleTargetRef", target, "name");
    let version = text(target, "apiVersion");
    if !version.contains('/') && text(target, "kind") != "ReplicationController" {
        let detail = "apiVersion must specify API group";
        errors.invalid("spec.scaleTargetRef.apiVersion", &Value::from(version), detail);
    }
    metrics(errors, spec);
}

/// The metrics of an autoscaler: what kind each is, and what it aims at.
fn metrics(errors: &mut Errors, spec: &Value) {
    const KINDS: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    for (index, metric) in items(spec, "metrics").iter().enumerate() {
        let path = format!("spec.metrics[{index}]");
        let kind = text(metric, "type");
        if kind.is_empty() {
            errors.required(format!("{path}.type"), "must specify a metric source type");
        }
        if !KINDS.contains(&kind) {
            errors.unsupported(format!("{path}.type"), &Value::from(kind), &KINDS);
        }
        for source in ["resource", "containerResource", "pods", "object", "external"] {
            let target = metric.pointer(&format!("/{source}/target")).unwrap_or(&Value::Null);
            let aim = target.get("averageUtilization");
            if aim.and_then(Value::as_i64).is_some_and(|aim| aim < 1) {
                let field = format!("{path}.{source}.target.averageUtilization");
                errors.invalid(field, aim.unwrap_or(&Value::Null), "must be greater than 0");
            }
        }
    }
    let outside = |metric: &&Value| matches!(text(metric, "type"), "Object" | "External");
    if spec.get("minReplicas").and_then(Value::as_i64) == Some(0)
        && !items(spec, "metrics").iter().any(|metric| outside(&metric))
    {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.forbidden("spec.metrics", why);
    }
}

pub(super) fn lease(errors: &mut Errors, spec: &Value) {
    if let Some(value) =
        spec.get("leaseDurationSeconds").filter(|value| value.as_i64().is_some_and(|n| n <= 0))
    {
        errors.invalid("spec.leaseDurationSeconds", value, "must be greater than 0");
    }
    not_negative(errors, "spec", spec, &["leaseTransitions"]);
}

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn role_binding(errors: &mut Errors, kind: &str, new: &Value, old: Option<&Value>) {
    let role = new.get("roleRef").unwrap_or(&Value::Null);
    let kinds: &[&str] = if kind == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if text(role, "apiGroup") != "rbac.authorization.k8s.io" {
        errors.unsupported(
            "roleRef.apiGroup",
            &Value::from(text(role, "apiGroup")),
            &["rbac.authorization.k8s.io"],
        );
    }
    if !kinds.contains(&text(role, "kind")) {
        errors.unsupported("roleRef.kind", &Value::from(text(role, "kind")), kinds);
    }
    required_text(errors, "roleRef", role, "name");
    for (index, subject) in items(new, "subjects").iter().enumerate() {
        let path = format!("subjects[{index}]");
        required_text(errors, &path, subject, "name");
        let group = Value::from(text(subject, "apiGroup"));
        match text(subject, "kind") {
            "ServiceAccount" => {
                let name = text(subject, "name");
                if !name.is_empty() {
                    for why in names::dns1123_subdomain(name) {
                        errors.invalid(format!("{path}.name"), &Value::from(name), &why);
                    }
                }
                if group != "" {
                    errors.unsupported(format!("{path}.apiGroup"), &group, &[""]);
                }
                if kind == "ClusterRoleBinding" {
                    required_text(errors, &path, subject, "namespace");
                }
            }
            "User" | "Group" if group == GROUP => {}
            "User" | "Group" => errors.unsupported(format!("{path}.apiGroup"), &group, &[GROUP]),
            other => {
                let known = ["ServiceAccount", "User", "Group"];
                errors.unsupported(format!("{path}.kind"), &Value::from(other), &known);
            }
        }
    }
    if let Some(before) = old.and_then(|old| old.get("roleRef"))
        && before != role
    {
        let shown = format!(
            "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
            Value::from(text(role, "apiGroup")),
            Value::from(text(role, "kind")),
            Value::from(text(role, "name"))
        );
        let message = format!("Invalid value: {shown}: cannot change roleRef");
        errors.push("roleRef", "FieldValueInvalid", message);
    }
}

pub(super) fn role(errors: &mut Errors, kind: &str, new: &Value) {
    for (index, rule) in items(new, "rules").iter().enumerate() {
        let path = format!("rules[{index}]");
        if items(rule, "verbs").is_empty() {
            errors.required(format!("{path}.verbs"), "verbs must contain at least one value");
        }
        if !items(rule, "nonResourceURLs").is_empty() {
            let field = format!("{path}.nonResourceURLs");
            let urls = rule.get("nonResourceURLs").unwrap_or(&Value::Null);
            if kind == "Role" {
                errors.invalid(field.as_str(), urls, "namespaced rules cannot apply to non-resource URLs");
            }
            if ["apiGroups", "resources", "resourceNames"].iter().any(|name| !items(rule, name).is_empty()) {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                errors.invalid(field.as_str(), urls, why);
            }
            continue;
        }
        if items(rule, "apiGroups").is_empty() {
            errors.required(format!("{path}.apiGroups"), "resource rules must supply at least one api group");
        }
        if items(rule, "resources").is_empty() {
            errors.required(format!("{path}.resources"), "resource rules must supply at least one resource");
        }
    }
}
