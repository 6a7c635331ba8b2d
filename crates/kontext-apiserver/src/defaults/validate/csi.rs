//! What drivers of volumes and runtimes of containers are described by: CSI objects, VolumeAttributesClasses,
//! RuntimeClasses.

use serde_json::{Value, json};

use super::Errors;
use super::pod;
use super::rules::{IMMUTABLE, NOT_NEGATIVE, one_of, same};
use super::selector;
use crate::defaults::names;
use crate::defaults::quantity::Quantity;
use crate::defaults::value::{is_nil, items, text};

/// A CSIDriver.
pub(super) fn driver(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    one_of(errors, "spec", spec, "fsGroupPolicy", &["File", "None", "ReadWriteOnceWithFSType"]);
    let mut audiences = Vec::new();
    for (index, request) in items(spec, "tokenRequests").iter().enumerate() {
        let path = format!("spec.tokenRequests[{index}]");
        let audience = text(request, "audience");
        if audiences.contains(&audience) {
            errors.duplicate(format!("{path}.audience"), audience);
            continue;
        }
        audiences.push(audience);
        let Some(expiration) = request.get("expirationSeconds").filter(|value| !value.is_null()) else {
            continue;
        };
        let field = format!("{path}.expirationSeconds");
        match expiration.as_i64() {
            Some(seconds) if seconds < 600 => {
                errors.invalid(field, expiration, "may not specify a duration less than 10 minutes");
            }
            Some(seconds) if seconds > 1 << 32 => {
                errors.invalid(field, expiration, "may not specify a duration larger than 2^32 seconds");
            }
            _ => {}
        }
    }
    let modes = ["Persistent", "Ephemeral"];
    for mode in items(spec, "volumeLifecycleModes") {
        if !mode.as_str().is_some_and(|mode| modes.contains(&mode)) {
            errors.unsupported("spec.volumeLifecycleModes", mode, &modes);
        }
    }
    if let Some(period) = spec.get("nodeAllocatableUpdatePeriodSeconds")
        && period.as_i64().is_some_and(|seconds| seconds < 10)
    {
        let why = "must be greater than or equal to 10 seconds";
        errors.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, why);
    }
    if !is_nil(spec, "serviceAccountTokenInSecrets") && items(spec, "tokenRequests").is_empty() {
        let why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        errors.invalid("spec.serviceAccountTokenInSecrets", &spec["serviceAccountTokenInSecrets"], why);
    }
    let Some(old) = old else { return };
    // The name in the first message is the server's own.
    for (name, shown) in
        [("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")]
    {
        if !same(spec.get(name), old.get(name)) {
            errors.invalid(format!("spec.{shown}"), spec.get(name).unwrap_or(&Value::Null), IMMUTABLE);
        }
    }
}

/// A CSINode.
pub(super) fn node(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    let mut seen = Vec::new();
    for (index, driver) in items(spec, "drivers").iter().enumerate() {
        let path = format!("spec.drivers[{index}]");
        let (name, id) = (text(driver, "name"), text(driver, "nodeID"));
        driver_name(errors, &format!("{path}.name"), name);
        let field = format!("{path}.nodeID");
        if id.is_empty() {
            errors.required(field, "");
        } else if id.len() > 256 {
            errors.invalid(field, &Value::from(id), "must be 256 characters or less");
        }
        if let Some(count) = driver.pointer("/allocatable/count").filter(|count| count.as_i64() < Some(0))
            && count.is_i64()
        {
            errors.invalid(format!("{path}.allocatable.count"), count, NOT_NEGATIVE);
        }
        if seen.contains(&name) {
            errors.duplicate(format!("{path}.name"), name);
        }
        seen.push(name);
        let mut keys = Vec::new();
        for key in items(driver, "topologyKeys").iter().filter_map(Value::as_str) {
            if key.is_empty() {
                errors.required(path.clone(), "");
            }
            if keys.contains(&key) {
                errors.duplicate(path.clone(), key);
            }
            keys.push(key);
            for why in names::qualified_name(key) {
                errors.invalid(path.clone(), &Value::from(key), &why);
            }
        }
    }
    // What a driver can take may change; the rest of its entry may not.
    let fixed = |driver: &Value| {
        json!({"Name": driver["name"], "NodeID": driver["nodeID"], "TopologyKeys": driver["topologyKeys"],
            "Allocatable": null})
    };
    for before in old.map_or(&[][..], |old| items(old, "drivers")) {
        for after in items(spec, "drivers").iter().filter(|after| after["name"] == before["name"]) {
            if fixed(before) != fixed(after) {
                // As the server prints its own type, fields in their order.
                let shown = format!(
                    "{{\"Name\":{},\"NodeID\":{},\"TopologyKeys\":{},\"Allocatable\":null}}",
                    after["name"], after["nodeID"], after["topologyKeys"]
                );
                let message = format!("Invalid value: {shown}: {IMMUTABLE}");
                errors.push("spec.drivers", "FieldValueInvalid", message);
            }
        }
    }
}

fn driver_name(errors: &mut Errors, field: &str, name: &str) {
    if name.is_empty() {
        return errors.required(field, "");
    }
    if name.len() > 63 {
        errors.push(field, "FieldValueTooLong", "Too long: may not be more than 63 bytes".to_owned());
    }
    for why in names::dns1123_subdomain(&name.to_lowercase()) {
        errors.invalid(field, &Value::from(name), &why);
    }
}

/// A VolumeAttachment.
pub(super) fn attachment(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    driver_name(errors, "spec.attacher", text(spec, "attacher"));
    let source = spec.get("source").unwrap_or(&Value::Null);
    let volume = source.get("persistentVolumeName").and_then(Value::as_str);
    let one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (is_nil(source, "inlineVolumeSpec"), volume) {
        (true, None) => errors.required("spec.source", one),
        (false, Some(_)) => errors.forbidden("spec.source", one),
        (true, Some("")) => {
            let why = "must specify non empty persistentVolumeName";
            errors.required("spec.source.persistentVolumeName", why);
        }
        _ => {}
    }
    let node = text(spec, "nodeName");
    for why in names::dns1123_subdomain(node) {
        errors.invalid("spec.nodeName", &Value::from(node), &why);
    }
    if let Some(volume) = volume {
        for why in names::dns1123_subdomain(volume) {
            errors.invalid("spec.source.persistentVolumeName", &Value::from(volume), &why);
        }
    }
    if old.is_some_and(|old| old != spec) {
        let inline = source.get("inlineVolumeSpec").unwrap_or(&Value::Null);
        let shown = format!(
            "{{\"Attacher\":{},\"Source\":{{\"PersistentVolumeName\":{},\"InlineVolumeSpec\":{inline}}},\"NodeName\":{}}}",
            Value::from(text(spec, "attacher")),
            json!(volume),
            Value::from(node)
        );
        errors.push("spec", "FieldValueInvalid", format!("Invalid value: {shown}: {IMMUTABLE}"));
    }
}

/// The status of a VolumeAttachment.
pub(super) fn attachment_status(errors: &mut Errors, status: &Value) {
    for field in ["attachError", "detachError"] {
        let error = status.get(field).unwrap_or(&Value::Null);
        if text(error, "message").len() > 1024 {
            let message = "Too long: may not be more than 262144 bytes".to_owned();
            errors.push(format!("status.{field}.message"), "FieldValueTooLong", message);
        }
        if let Some(code) = error.get("errorCode")
            && code.as_i64().is_some_and(|code| code < 0)
        {
            let why = "must be between 0 and 2147483647, inclusive";
            errors.invalid(format!("status.{field}.errorCode"), code, why);
        }
    }
}

/// A VolumeAttributesClass.
pub(super) fn attributes(errors: &mut Errors, new: &Value, old: Option<&Value>) {
    for name in old.map_or(&[][..], |_| &["driverName", "parameters"]) {
        if !same(new.get(*name), old.and_then(|old| old.get(*name))) {
            errors.forbidden(*name, &format!("updates to {name} are forbidden."));
        }
    }
    let driver = text(new, "driverName").to_lowercase();
    if driver.is_empty() {
        errors.required("driverName", "");
    } else {
        for why in names::qualified_name(&driver) {
            errors.invalid("driverName", &Value::from(driver.as_str()), &why);
        }
    }
    let parameters = new.get("parameters").and_then(Value::as_object);
    if parameters.is_some_and(|parameters| parameters.contains_key("")) {
        errors.invalid("parameters", &Value::from(""), "field can not be empty.");
    }
    if parameters.is_none_or(serde_json::Map::is_empty) {
        errors.required("parameters", "must contain at least one key/value pair");
    }
}

/// A CSIStorageCapacity.
pub(super) fn capacity(errors: &mut Errors, new: &Value, old: Option<&Value>) {
    if let Some(topology) = new.get("nodeTopology") {
        selector::form(errors, "nodeTopology", topology);
    }
    let class = text(new, "storageClassName");
    for why in names::dns1123_subdomain(class) {
        errors.invalid("storageClassName", &Value::from(class), &why);
    }
    negative(errors, "capacity", new.get("capacity"));
    for name in old.map_or(&[][..], |_| &["nodeTopology", "storageClassName"]) {
        if !same(new.get(*name), old.and_then(|old| old.get(*name))) {
            errors.invalid(*name, new.get(*name).unwrap_or(&Value::Null), IMMUTABLE);
        }
    }
}

fn negative(errors: &mut Errors, field: &str, size: Option<&Value>) {
    let parsed = size.and_then(Value::as_str).and_then(Quantity::parse);
    if let (Some(size), Some(parsed)) = (size, parsed)
        && parsed.is_negative()
    {
        errors.invalid(field, size, NOT_NEGATIVE);
    }
}

/// A RuntimeClass.
pub(super) fn runtime(errors: &mut Errors, new: &Value, old: Option<&Value>) {
    let handler = text(new, "handler");
    if handler.is_empty() {
        errors.required("handler", "");
    } else {
        for why in names::dns1123_label(handler) {
            errors.invalid("handler", &Value::from(handler), &why);
        }
    }
    for (resource, amount) in
        new.pointer("/overhead/podFixed").and_then(Value::as_object).into_iter().flatten()
    {
        negative(errors, &format!("overhead.limits[{resource}]"), Some(amount));
    }
    pod::placement(errors, "scheduling", new.get("scheduling").unwrap_or(&Value::Null));
    if old.is_some_and(|old| !same(old.get("handler"), new.get("handler"))) {
        errors.invalid("handler", &Value::from(handler), IMMUTABLE);
    }
}
