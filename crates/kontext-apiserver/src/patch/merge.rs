//! JSON merge patch (RFC 7386).

use serde_json::Value;

use super::{PatchError, decoding_error};

/// Applies a JSON merge patch to a document.
pub(crate) fn merge_patch(doc: &Value, patch: &[u8]) -> Result<Value, PatchError> {
    let patch: Value = serde_json::from_slice(patch).map_err(|error| {
        PatchError::BadRequest(format!("error decoding patch: {}", decoding_error(&error)))
    })?;
    if !patch.is_object() {
        return Err(PatchError::BadRequest(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
                .to_owned(),
        ));
    }
    let mut merged = doc.clone();
    json_patch::merge(&mut merged, &patch);
    Ok(merged)
}
