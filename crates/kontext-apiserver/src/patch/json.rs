//! JSON patch (RFC 6902), with the server's leniency.

use json_patch::{Patch, jsonptr::PointerBuf};
use serde_json::{Value, json};

use crate::object;

use super::{PatchError, decoding_error, json_kind};

/// The most operations that the server accepts in one patch.
const MOST_OPERATIONS: usize = 10_000;

/// How much all copies of one patch may add: without this, each copy could double the document.
const MOST_COPIED_BYTES: usize = 3 * 1024 * 1024;

/// All that the server tells about a patch that does not fit.
const REJECTED: &str = "the server rejected our request due to an error in our request";

/// Applies a JSON patch to a document.
pub(crate) fn json_patch(doc: &Value, patch: &[u8]) -> Result<Value, PatchError> {
    let bad = |error: &str| PatchError::BadRequest(format!("error decoding patch: {error}"));
    let value: Value = serde_json::from_slice(patch).map_err(|error| bad(&decoding_error(&error)))?;
    let operations = match value {
        Value::Array(operations) => operations,
        Value::Null => Vec::new(),
        other => {
            let kind = json_kind(&other);
            return Err(bad(&format!(
                "json: cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp"
            )));
        }
    };
    if operations.len() > MOST_OPERATIONS {
        return Err(PatchError::BadRequest(format!(
            "The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    let mut patched = doc.clone();
    let mut copied = 0;
    for mut operation in operations {
        adapt(&patched, &mut operation);
        if !grows_within_bounds(&patched, &operation, &mut copied) {
            return Err(PatchError::Unprocessable(REJECTED.to_owned()));
        }
        // One at a time, because adapting needs the document that the operation meets.
        serde_json::from_value::<Patch>(json!([operation]))
            .ok()
            .and_then(|patch| json_patch::patch(&mut patched, &patch).ok())
            .ok_or_else(|| PatchError::Unprocessable(REJECTED.to_owned()))?;
    }
    Ok(patched)
}

/// Whether the document stays as small and as flat as documents may be. A patch of few bytes could make it anything:
/// copies into copies, values below values.
fn grows_within_bounds(doc: &Value, operation: &Value, copied: &mut usize) -> bool {
    let text = |name: &str| operation[name].as_str().unwrap_or_default();
    let source = match text("op") {
        "copy" | "move" => doc.pointer(text("from")),
        _ => operation.get("value"),
    };
    let Some(source) = source else { return true };
    if text("op") == "copy" {
        *copied += source.to_string().len();
    }
    let levels = text("path").matches('/').count() + object::depth(source);
    *copied <= MOST_COPIED_BYTES && levels <= object::MOST_LEVELS
}

/// What strict decoding says of fields that no operation has.
pub(crate) fn unknown_fields(patch: &[u8]) -> Vec<String> {
    let operations: Vec<Value> = serde_json::from_slice(patch).unwrap_or_default();
    let mut unknown = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        for name in operation.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !matches!(name.as_str(), "op" | "path" | "from" | "value") {
                unknown.push(format!("json patch unknown field \"[{index}].{name}\""));
            }
        }
    }
    unknown
}

/// The server's library is more lenient than the RFC: a missing value is null, replacing or copying an absent key of
/// an object that is there works, and an absent key tests equal to null.
fn adapt(doc: &Value, operation: &mut Value) {
    let Some(fields) = operation.as_object_mut() else { return };
    let op = fields.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    if op == "add" {
        fields.entry("value").or_insert(Value::Null);
    }
    let absent = |name: &str, fields: &serde_json::Map<String, Value>| {
        fields.get(name).and_then(Value::as_str).is_some_and(|path| is_absent_key(doc, path))
    };
    match op.as_str() {
        "replace" if absent("path", fields) => {
            fields.insert("op".to_owned(), json!("add"));
        }
        "copy" if absent("from", fields) => {
            fields.insert("op".to_owned(), json!("add"));
            fields.insert("value".to_owned(), Value::Null);
        }
        "test" if absent("path", fields) && fields.get("value").is_none_or(Value::is_null) => {
            // True of every document.
            fields.insert("path".to_owned(), json!(""));
            fields.insert("value".to_owned(), doc.clone());
        }
        _ => {}
    }
}

/// Whether the path ends at a key that its object does not have.
fn is_absent_key(doc: &Value, path: &str) -> bool {
    let Ok(pointer) = PointerBuf::parse(path) else { return false };
    let Some((parent, last)) = pointer.split_back() else { return false };
    let object = doc.pointer(parent.as_str()).and_then(Value::as_object);
    object.is_some_and(|object| !object.contains_key(&*last.decoded()))
}
