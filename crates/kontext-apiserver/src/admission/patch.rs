//! Applying the patch of an answer to an object.

use serde_json::{Value, json};

use super::failure::Failure;
use crate::patch::json_patch;

/// The object after a webhook's patch; none if the patch has no operations.
pub(super) fn apply(object: Option<&Value>, webhook: &str, patch: &[u8]) -> Result<Option<Value>, Failure> {
    if patch.is_empty() {
        return Ok(None);
    }
    let operations: Vec<Value> = serde_json::from_slice(patch).map_err(|error| {
        Failure::Calling(format!("received undecodable patch in webhook response: {error}"))
    })?;
    if operations.is_empty() {
        return Ok(None);
    }
    let Some(object) = object else {
        return Err(Failure::internal(format!(
            "admission webhook {webhook:?} attempted to modify the object, which is not supported for this operation"
        )));
    };
    let mut patched = object.clone();
    for operation in operations {
        let one = json!([operation]).to_string();
        patched = json_patch(&patched, one.as_bytes())
            .map_err(|_| Failure::internal(why_not(&patched, &operation)))?;
    }
    Ok(Some(patched))
}

/// Why an operation does not fit, in the words of the library that the real server uses.
fn why_not(document: &Value, operation: &Value) -> String {
    let text = |field: &str| operation[field].as_str().unwrap_or_default();
    let (path, from) = (text("path"), text("from"));
    let parent = |path: &str| path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
    let has_parent = |path: &str| document.pointer(&parent(path)).is_some();
    let key = path.rsplit('/').next().unwrap_or_default();
    match text("op") {
        "add" if !has_parent(path) => {
            format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
        }
        "remove" if !has_parent(path) => {
            format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
        }
        "remove" => format!(
            "error in remove for path: '{path}': Unable to remove nonexistent key: {key}: missing value"
        ),
        "replace" if !has_parent(path) => {
            format!("replace operation does not apply: doc is missing path: {path}: missing value")
        }
        "replace" => format!("replace operation does not apply: doc is missing key: {path}: missing value"),
        "test" => format!("testing value {path} failed: test failed"),
        operation @ ("move" | "copy") if document.pointer(from).is_none() => {
            format!("{operation} operation does not apply: doc is missing from path: {from}: missing value")
        }
        operation @ ("add" | "move" | "copy") => format!("error in {operation} for path: '{path}'"),
        other => format!("Unexpected kind: {other}"),
    }
}
