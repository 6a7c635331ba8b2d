//! kubectl's record of what it applied on the client's side. An apply by the manager `kubectl` takes over what the
//! record says, without a conflict, and keeps the record up to date.

use serde_json::{Value, json};

use super::set::FieldSet;
use super::typed::{self, Comparison, Duplicates};
use super::versions::Versions;
use crate::object;

/// The one manager that this holds for.
pub(super) const KUBECTL: &str = "kubectl";
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Beyond this an object's annotations are too large, and the record is left out.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

fn record(object: &Value) -> Option<&str> {
    object::at(object, &["metadata", "annotations", ANNOTATION])?.as_str().filter(|text| !text.is_empty())
}

/// The fields that kubectl applied last and that still are as it applied them; `None` without a usable record.
pub(super) fn taken_over(versions: &Versions, live: &Value) -> Option<FieldSet> {
    let own = &versions.own;
    typed::validate(&own.of, live, Duplicates::Refused).ok()?;
    let applied: Value = serde_json::from_str(record(live)?).ok()?;
    if applied.get("apiVersion").and_then(Value::as_str) != Some(&own.api_version) {
        return None;
    }
    typed::validate(&own.of, &applied, Duplicates::Refused).ok()?;
    let changed = Comparison::of(&own.of, &applied, live);
    let fields = typed::field_set(&own.of, &applied);
    Some(fields.difference(&changed.modified).difference(&changed.added).difference(&changed.removed))
}

/// Writes what was applied into the record, where the object has one.
pub(super) fn keep(result: &mut Value, applied: &Value) {
    if record(result).is_none() {
        return;
    }
    let mut applied = applied.clone();
    if let Some(annotations) = applied.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    let Some(annotations) = object::metadata(result).get_mut("annotations").and_then(Value::as_object_mut)
    else {
        return;
    };
    annotations.insert(ANNOTATION.to_owned(), json!(format!("{applied}\n")));
    let size: usize =
        annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > ANNOTATIONS_LIMIT {
        annotations.remove(ANNOTATION);
    }
}
