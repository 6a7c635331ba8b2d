//! Short words for reading and filling JSON objects.

use serde_json::{Map, Value};

/// Not there in the sense of defaulting: missing, null, "", or 0.
pub(super) fn is_unset(object: &Value, name: &str) -> bool {
    match object.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        _ => false,
    }
}

/// Not there at all (for pointers, where 0 and "" are values).
pub(super) fn is_nil(object: &Value, name: &str) -> bool {
    object.get(name).is_none_or(Value::is_null)
}

pub(super) fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Object(map) = object {
        map.insert(name.to_owned(), value.into());
    }
}

pub(super) fn default(object: &mut Value, name: &str, value: impl Into<Value>) {
    if is_unset(object, name) {
        put(object, name, value);
    }
}

pub(super) fn default_nil(object: &mut Value, name: &str, value: impl Into<Value>) {
    if is_nil(object, name) {
        put(object, name, value);
    }
}

/// The object in a field, made if it is not there.
pub(super) fn child<'a>(object: &'a mut Value, name: &str) -> &'a mut Value {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let child = object
        .as_object_mut()
        .expect("just made an object")
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    if child.is_null() {
        *child = Value::Object(Map::new());
    }
    child
}

pub(super) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn items<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn items_mut<'a>(object: &'a mut Value, name: &str) -> &'a mut [Value] {
    object.get_mut(name).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

pub(super) fn is_true(object: &Value, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or_default()
}
