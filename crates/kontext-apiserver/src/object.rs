//! Reading and writing the well-known fields of an object that is plain JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A string at a path, or the empty string.
pub(crate) fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The value at a path.
pub(crate) fn at<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, &["metadata", "resourceVersion"])
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// The finalizers of an object, in order.
pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    object["metadata"]["finalizers"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}

/// Sets the finalizers; none at all removes the field.
pub(crate) fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    if finalizers.is_empty() {
        metadata(object).remove("finalizers");
    } else {
        metadata(object).insert("finalizers".to_owned(), json!(finalizers));
    }
}

/// The metadata of an object, put there if it is missing or no object.
pub(crate) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    child(object, "metadata")
}

/// A field that is an object, put there if it is missing or something else.
pub(crate) fn child<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let fields = object.as_object_mut().expect("made an object above");
    let value = fields.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("made an object above")
}

/// Copies a top-level field from one object to another, or removes it where the source has none.
pub(crate) fn restore(object: &mut Value, from: &Value, key: &str) {
    let Some(fields) = object.as_object_mut() else { return };
    match from.get(key) {
        Some(value) => fields.insert(key.to_owned(), value.clone()),
        None => fields.remove(key),
    };
}

/// Copies a metadata field from one object to another, or removes it where the source has none.
pub(crate) fn restore_metadata(object: &mut Value, from: &Value, key: &str) {
    match from["metadata"].get(key) {
        Some(value) if !value.is_null() => metadata(object).insert(key.to_owned(), value.clone()),
        _ => metadata(object).remove(key),
    };
}

/// The generation, zero where there is none.
pub(crate) fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].as_i64().unwrap_or_default()
}

/// A time as the API writes it: whole seconds, UTC.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Removes every field that is null, as decoding into a type does.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, v| !v.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Whether two objects are the same but for their managedFields.
pub(crate) fn same_but_for_managed_fields(a: &Value, b: &Value) -> bool {
    let without = |object: &Value| {
        let mut object = object.clone();
        metadata(&mut object).remove("managedFields");
        object
    };
    without(a) == without(b)
}

/// Whether two objects are the same but for the times in managedFields.
pub(crate) fn same_but_for_managed_times(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    a.len() == b.len()
        && a.iter().all(|(key, left)| match b.get(key) {
            None => false,
            Some(right) if key == "metadata" => same_metadata(left, right),
            Some(right) => left == right,
        })
}

fn same_metadata(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    a.len() == b.len()
        && a.iter().all(|(key, left)| match b.get(key) {
            None => false,
            Some(right) if key == "managedFields" => same_managed_fields(left, right),
            Some(right) => left == right,
        })
}

fn same_managed_fields(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_array(), b.as_array()) else { return a == b };
    let timeless = |entry: &Value| {
        let mut entry = entry.clone();
        if let Some(fields) = entry.as_object_mut() {
            fields.remove("time");
        }
        entry
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(left, right)| left == right || timeless(left) == timeless(right))
}

/// How many levels an object may have, its ownership included: a few less than the JSON reader goes down.
pub(crate) const MOST_LEVELS: usize = 120;

/// How many levels a value has; a scalar has one.
pub(crate) fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => None,
    };
    1 + below.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_managed_fields_time_alone_makes_no_difference() {
        let at = |time: &str| json!({"metadata": {"managedFields": [{"manager": "m", "time": time}]}});
        assert!(same_but_for_managed_times(&at("a"), &at("b")));
        let other = json!({"metadata": {"managedFields": [{"manager": "n", "time": "a"}]}});
        assert!(!same_but_for_managed_times(&at("a"), &other));
        assert!(!same_but_for_managed_times(&at("a"), &json!({"metadata": {}})));
    }
}
