//! PersistentVolumeClaims.

use serde_json::Value;

use super::Errors;
use super::rules::one_of;
use crate::defaults::names;
use crate::defaults::quantity::Quantity;
use crate::defaults::value::{is_nil, items, text};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const FIXED: &str = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

/// A claim, new or changed.
pub(super) fn claim(errors: &mut Errors, new: &Value, old: Option<&Value>) {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        errors.required("spec.accessModes", "at least 1 access mode is required");
    }
    for mode in modes.iter().filter(|mode| !mode.as_str().is_some_and(|mode| MODES.contains(&mode))) {
        errors.unsupported("spec.accessModes", mode, &MODES);
    }
    match spec.pointer("/resources/requests/storage").and_then(Value::as_str) {
        None => errors.required("spec.resources[storage]", ""),
        Some(size) => {
            let parsed = Quantity::parse(size);
            if parsed.is_some_and(|size| size.is_zero() || size.is_negative()) {
                errors.invalid("spec.resources[storage]", &Value::from(size), "must be greater than zero");
            }
        }
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        for why in names::dns1123_subdomain(class) {
            errors.invalid("spec.storageClassName", &Value::from(class), &why);
        }
    }
    one_of(errors, "spec", spec, "volumeMode", &["Block", "Filesystem"]);
    if let Some(old) = old {
        changed(errors, spec, old);
    }
}

/// After creation a claim gets a volume, once, and may ask for more room.
fn changed(errors: &mut Errors, spec: &Value, old: &Value) {
    let before = old.get("spec").unwrap_or(&Value::Null);
    let mut fixed = (without_nulls(spec), without_nulls(before));
    if text(before, "volumeName").is_empty() {
        fixed.0.remove("volumeName");
        fixed.1.remove("volumeName");
    }
    if is_nil(before, "storageClassName") {
        fixed.0.remove("storageClassName");
    }
    let bound = old.pointer("/status/phase").and_then(Value::as_str) == Some("Bound");
    let size = |spec: &Value| {
        let text = spec.pointer("/resources/requests/storage").and_then(Value::as_str);
        text.and_then(Quantity::parse)
    };
    if bound {
        for spec in [&mut fixed.0, &mut fixed.1] {
            if let Some(requests) = spec.get_mut("resources").and_then(|all| all.pointer_mut("/requests"))
                && let Some(requests) = requests.as_object_mut()
            {
                requests.remove("storage");
            }
            spec.remove("volumeAttributesClassName");
        }
    } else if let (Some(after), Some(before)) = (size(spec), size(before))
        && after.same(before)
    {
        // The same size, written in another way.
        fixed.0.insert("resources".to_owned(), fixed.1.get("resources").cloned().unwrap_or(Value::Null));
    }
    if fixed.0 != fixed.1 {
        errors.forbidden("spec", FIXED);
    }
    let (after, previous) = (size(spec), size(before));
    let smaller = match (after, previous) {
        (Some(after), Some(previous)) => previous.exceeds(after),
        (None, Some(previous)) => !previous.is_zero(),
        _ => false,
    };
    let held = old.pointer("/status/capacity/storage").and_then(Value::as_str).and_then(Quantity::parse);
    let within = match (after, held) {
        (Some(after), Some(held)) => !after.exceeds(held),
        (Some(after), None) => after.is_zero() || after.is_negative(),
        (None, _) => true,
    };
    if smaller && within {
        let why = "field can not be less than status.capacity";
        errors.forbidden("spec.resources.requests.storage", why);
    }
    if spec.get("volumeMode") != before.get("volumeMode") {
        errors.invalid("volumeMode", spec.get("volumeMode").unwrap_or(&Value::Null), "field is immutable");
    }
}

fn without_nulls(spec: &Value) -> serde_json::Map<String, Value> {
    let mut fields = spec.as_object().cloned().unwrap_or_default();
    fields.retain(|_, value| !value.is_null());
    fields
}
