//! JSON merge patch (RFC 7386).

use serde_json::Value;

use super::{PatchError, decoding_error, json_kind};

/// Applies a JSON merge patch to a document.
pub(crate) fn merge_patch(doc: &Value, patch: &[u8]) -> Result<Value, PatchError> {
    let patch: Value = serde_json::from_slice(patch).map_err(|error| {
        PatchError::BadRequest(format!("error decoding patch: {}", decoding_error(&error)))
    })?;
    match &patch {
        Value::Object(_) => {}
        Value::Null => return Err(PatchError::BadRequest("Invalid JSON Patch".to_owned())),
        other => {
            return Err(PatchError::BadRequest(format!(
                "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                json_kind(other)
            )));
        }
    }
    let mut merged = doc.clone();
    json_patch::merge(&mut merged, &patch);
    Ok(merged)
}
