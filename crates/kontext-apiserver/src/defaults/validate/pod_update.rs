//! What may change in a Pod: images, a deadline, more tolerations, gates taken away.

use serde_json::{Map, Value};

use super::Errors;
use super::pod;
use crate::defaults::value::{is_nil, items, items_mut, put};

const FORBIDDEN: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub(super) fn pod(errors: &mut Errors, new: &Value, old: &Value) {
    pod::pod(errors, "spec", new);
    for list in ["containers", "initContainers"] {
        if items(new, list).len() != items(old, list).len() {
            errors.forbidden(format!("spec.{list}"), "pod updates may not add or remove containers");
            return;
        }
    }
    let field = "activeDeadlineSeconds";
    if let Some(before) = old.get(field).and_then(Value::as_i64) {
        match new.get(field).and_then(Value::as_i64) {
            Some(after) if after <= before => {}
            Some(after) => {
                let detail = "must be less than or equal to previous value";
                errors.invalid("spec.activeDeadlineSeconds", &Value::from(after), detail);
                return;
            }
            None => {
                let detail = "must not update from a positive integer to nil value";
                errors.invalid("spec.activeDeadlineSeconds", &Value::Null, detail);
                return;
            }
        }
    }
    let known = items(new, "tolerations");
    if items(old, "tolerations").iter().any(|toleration| !has_toleration(known, toleration)) {
        errors.forbidden(
            "spec.tolerations",
            "existing toleration can not be modified except its tolerationSeconds",
        );
        return;
    }
    // What may differ is made equal; the rest must be equal already.
    let mut mended = new.clone();
    for list in ["containers", "initContainers"] {
        for (container, before) in items_mut(&mut mended, list).iter_mut().zip(items(old, list)) {
            put(container, "image", before.get("image").cloned().unwrap_or(Value::Null));
        }
    }
    for name in [field, "tolerations", "schedulingGates", "ephemeralContainers"] {
        put(&mut mended, name, old.get(name).cloned().unwrap_or(Value::Null));
    }
    if !items(old, "schedulingGates").is_empty() {
        // A gated Pod has not been scheduled, so where it may go can still be narrowed.
        for name in ["nodeSelector", "affinity"] {
            put(&mut mended, name, old.get(name).cloned().unwrap_or(Value::Null));
        }
    }
    if old.get("terminationGracePeriodSeconds").and_then(Value::as_i64).is_some_and(|grace| grace < 0)
        && new.get("terminationGracePeriodSeconds").and_then(Value::as_i64) == Some(1)
    {
        let grace = old.get("terminationGracePeriodSeconds").cloned().unwrap_or(Value::Null);
        put(&mut mended, "terminationGracePeriodSeconds", grace);
    }
    if without_nulls(&mended) != without_nulls(old) {
        errors.forbidden("spec", FORBIDDEN);
    }
}

fn has_toleration(known: &[Value], wanted: &Value) -> bool {
    let bare = |toleration: &Value| {
        let mut fields = toleration.as_object().cloned().unwrap_or_default();
        fields.remove("tolerationSeconds");
        fields
    };
    known.iter().any(|toleration| {
        toleration == wanted || (!is_nil(wanted, "tolerationSeconds") && bare(toleration) == bare(wanted))
    })
}

fn without_nulls(spec: &Value) -> Map<String, Value> {
    let mut fields = spec.as_object().cloned().unwrap_or_default();
    fields.retain(|_, value| !value.is_null());
    fields
}
