//! Nodes, Namespaces and Events.

use serde_json::Value;

use super::Errors;
use crate::defaults::names;
use crate::defaults::value::{is_nil, items, text};

/// A node, new or changed.
pub(super) fn node(errors: &mut Errors, new: &Value, old: Option<&Value>) {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    taints(errors, spec);
    for (index, range) in items(spec, "podCIDRs").iter().enumerate() {
        if !is_range(range.as_str().unwrap_or_default()) {
            let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
            errors.invalid(format!("spec.podCIDRs[{index}]"), range, why);
        }
    }
    let Some(before) = old.and_then(|old| old.get("spec")) else { return };
    if !items(before, "podCIDRs").is_empty() && items(before, "podCIDRs") != items(spec, "podCIDRs") {
        let why = "node updates may not change podCIDR except from \"\" to valid";
        errors.forbidden("spec.podCIDRs", why);
    }
    let provider = text(before, "providerID");
    if !provider.is_empty() && provider != text(spec, "providerID") {
        let why = "node updates may not change providerID except from \"\" to valid";
        errors.forbidden("spec.providerID", why);
    }
}

fn taints(errors: &mut Errors, spec: &Value) {
    let path = "metadata.taints";
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let mut seen = Vec::new();
    for (index, taint) in items(spec, "taints").iter().enumerate() {
        let effect = text(taint, "effect");
        if effect.is_empty() {
            errors.required(format!("{path}[{index}].effect"), "");
        } else if !EFFECTS.contains(&effect) {
            errors.unsupported(format!("{path}[{index}].effect"), &Value::from(effect), &EFFECTS);
        }
        let key = (text(taint, "key"), effect);
        for why in names::qualified_name(key.0) {
            errors.invalid(format!("{path}[{index}].key"), &Value::from(key.0), &why);
        }
        if seen.contains(&key) {
            let why = "taints must be unique by key and effect pair";
            let shown = format!(
                "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":null}}",
                Value::from(key.0),
                Value::from(text(taint, "value")),
                Value::from(effect)
            );
            let message = format!("Duplicate value: {shown}: {why}");
            errors.push(format!("{path}[{index}]"), "FieldValueDuplicate", message);
        }
        seen.push(key);
    }
}

fn is_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => bits.parse::<u8>().is_ok_and(|bits| bits <= 32),
        Ok(std::net::IpAddr::V6(_)) => bits.parse::<u8>().is_ok_and(|bits| bits <= 128),
        Err(_) => false,
    })
}

/// A namespace: its finalizers have names.
pub(super) fn namespace(errors: &mut Errors, new: &Value) {
    for name in new.pointer("/spec/finalizers").and_then(Value::as_array).into_iter().flatten() {
        let standard = ["kubernetes", "orphan", "foregroundDeletion"];
        if name.as_str().is_some_and(|name| !name.contains('/') && !standard.contains(&name)) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.invalid("spec.finalizers", name, why);
        }
    }
}

/// An event of the core API.
pub(super) fn event(errors: &mut Errors, new: &Value) {
    let about = new.get("involvedObject").unwrap_or(&Value::Null);
    let (namespace, of_object) = (
        new.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default(),
        text(about, "namespace"),
    );
    let mismatch = |errors: &mut Errors| {
        let field = "involvedObject.namespace";
        errors.invalid(field, &Value::from(of_object), "does not match event.namespace");
    };
    if is_nil(new, "eventTime") {
        // The old kind of event.
        if namespace != of_object && !(of_object.is_empty() && namespace == "default") {
            mismatch(errors);
        }
        return;
    }
    if of_object.is_empty() && !matches!(namespace, "default" | "kube-system") {
        mismatch(errors);
    }
    let reporter = text(new, "reportingComponent");
    if reporter.is_empty() {
        errors.required("reportingComponent", "");
    }
    for why in names::qualified_name(reporter) {
        errors.invalid("reportingComponent", &Value::from(reporter), &why);
    }
    for name in ["reportingInstance", "action", "reason"] {
        let given = text(new, name);
        if given.is_empty() {
            errors.required(name, "");
        }
        if given.len() > 128 {
            errors.invalid(name, &Value::from(""), "can have at most 128 characters");
        }
    }
    if text(new, "message").len() > 1024 {
        errors.invalid("message", &Value::from(""), "can have at most 1024 characters");
    }
}

/// An update of an event through events.k8s.io, where only the series and metadata may change. The core API never cared.
pub(super) fn event_update(errors: &mut Errors, new: &Value, old: &Value) {
    const FIXED: [&str; 13] = [
        "involvedObject",
        "reason",
        "message",
        "source",
        "firstTimestamp",
        "lastTimestamp",
        "count",
        "type",
        "eventTime",
        "action",
        "related",
        "reportingComponent",
        "reportingInstance",
    ];
    for field in FIXED {
        let (after, before) =
            (new.get(field).unwrap_or(&Value::Null), old.get(field).unwrap_or(&Value::Null));
        if !same(after, before) {
            let shown = match field {
                "involvedObject" | "related" => reference(after),
                "source" => format!(
                    "{{\"Component\":{},\"Host\":{}}}",
                    Value::from(text(after, "component")),
                    Value::from(text(after, "host"))
                ),
                "count" => after.as_i64().unwrap_or_default().to_string(),
                _ => after.to_string(),
            };
            let path = if field == "reportingComponent" { "reportingController" } else { field };
            let message = format!("Invalid value: {shown}: field is immutable");
            errors.push(path, "FieldValueInvalid", message);
        }
    }
}

/// Nothing, an empty text, zero and an object of such values are the same to a Go program.
fn same(a: &Value, b: &Value) -> bool {
    fn is_empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::Object(fields) => fields.values().all(is_empty),
            Value::Bool(_) | Value::Array(_) => false,
        }
    }
    a == b || (is_empty(a) && is_empty(b))
}

/// An object reference as the real server prints it.
fn reference(value: &Value) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    let names = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
    let shown = ["Kind", "Namespace", "Name", "UID", "APIVersion", "ResourceVersion", "FieldPath"];
    let fields =
        names.iter().zip(shown).map(|(name, shown)| format!("{shown:?}:{}", Value::from(text(value, name))));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}
