//! The directives of a strategic merge patch, and how its parts are read.

use serde_json::{Map, Value};

use super::PatchError;

pub(super) const PATCH: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
pub(super) const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
pub(super) const SET_ORDER: &str = "$setElementOrder/";

/// What is left of a value from a patch when there is nothing to merge it with: no directives and no nulls.
/// `None`: the value was only a directive.
pub(super) fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(object) => {
            if object.contains_key(PATCH) {
                return None;
            }
            Some(Value::Object(
                object
                    .into_iter()
                    .filter(|(key, value)| {
                        !value.is_null()
                            && key != RETAIN_KEYS
                            && !key.starts_with(DELETE_FROM)
                            && !key.starts_with(SET_ORDER)
                    })
                    .filter_map(|(key, value)| Some((key, without_directives(value)?)))
                    .collect(),
            ))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// `$retainKeys`: of the live object only the named keys stay.
pub(super) fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), PatchError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let bad = || PatchError::BadRequest("invalid patch format of retainKeys".to_owned());
    let keys = keys.as_array().ok_or_else(bad)?;
    let retained = |name: &str| keys.iter().any(|key| key.as_str() == Some(name));
    let directive = |name: &str| name.starts_with(DELETE_FROM) || name.starts_with(SET_ORDER);
    if patch.iter().any(|(name, value)| !value.is_null() && !directive(name) && !retained(name)) {
        return Err(bad());
    }
    original.retain(|name, _| retained(name));
    Ok(())
}

/// The error for a `$patch` that is neither of the known ones.
pub(super) fn unknown_directive(directive: &Value, map: &Map<String, Value>) -> PatchError {
    PatchError::Internal(format!("unknown patch type: {} in map: {}", go_text(directive), go_map(map)))
}

/// The error for an element without its merge key.
pub(super) fn no_merge_key(map: &Map<String, Value>, key: &str) -> PatchError {
    PatchError::Internal(format!("map: {} does not contain declared merge key: {key}", go_map(map)))
}

/// A map as the server's messages print it.
fn go_map(map: &Map<String, Value>) -> String {
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
    format!("map[{}]", pairs.join(" "))
}

/// A value as the server's messages print it.
pub(super) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(map) => go_map(map),
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}
