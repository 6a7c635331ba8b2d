//! JSON patch (RFC 6902).

use json_patch::{Patch, PatchErrorKind, PatchOperation};
use serde_json::Value;

use super::PatchError;

/// The most operations that the server accepts in one patch.
const MOST_OPERATIONS: usize = 10_000;

/// Applies a JSON patch to a document.
pub(crate) fn json_patch(doc: &Value, patch: &[u8]) -> Result<Value, PatchError> {
    let bad =
        |error: &dyn std::fmt::Display| PatchError::BadRequest(format!("error decoding patch: {error}"));
    let value: Value = serde_json::from_slice(patch).map_err(|error| bad(&error))?;
    let Value::Array(operations) = &value else {
        return Err(bad(&"json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"));
    };
    if operations.len() > MOST_OPERATIONS {
        return Err(PatchError::BadRequest(format!(
            "The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    for operation in operations {
        check_operation(operation)?;
    }
    let patch: Patch =
        serde_json::from_value(value).map_err(|error| PatchError::Unprocessable(error.to_string()))?;
    let mut patched = doc.clone();
    for operation in &patch.0 {
        // One at a time: the error then knows the document that the operation met.
        json_patch::patch(&mut patched, std::slice::from_ref(operation))
            .map_err(|error| PatchError::Unprocessable(explain(&patched, operation, &error.kind)))?;
    }
    Ok(patched)
}

fn check_operation(operation: &Value) -> Result<(), PatchError> {
    let kind = operation.get("op").and_then(Value::as_str).unwrap_or("unknown");
    let missing = |name: &str| operation.get(name).is_none();
    let text = match kind {
        "add" | "replace" | "remove" | "move" | "test" | "copy" if missing("path") => match kind {
            "add" | "remove" | "copy" => format!("{kind} operation failed to decode path: missing value"),
            _ => {
                format!("{kind} operation failed to decode path: operation missing path field: missing value")
            }
        },
        "move" | "copy" if missing("from") => {
            format!("{kind} operation failed to decode from: operation, missing from field: missing value")
        }
        "add" | "replace" | "remove" | "move" | "test" | "copy" => return Ok(()),
        other => format!("Unexpected kind: {other}"),
    };
    Err(PatchError::Unprocessable(text))
}

/// The message in the words of the server's library.
fn explain(doc: &Value, operation: &PatchOperation, kind: &PatchErrorKind) -> String {
    let parent_exists = |path: &str| {
        path.rsplit_once('/').is_some_and(|(parent, _)| {
            doc.pointer(parent).is_some_and(|value| value.is_object() || value.is_array())
        })
    };
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let in_array = |path: &str| {
        path.rsplit_once('/').is_some_and(|(parent, _)| doc.pointer(parent).is_some_and(Value::is_array))
    };
    let index = |path: &str| match last(path).parse::<i64>() {
        Ok(index) => format!("Unable to access invalid index: {index}: invalid index referenced"),
        Err(_) => {
            let name = last(path);
            format!(
                "value was not a proper array index: '{name}': strconv.Atoi: parsing {name:?}: invalid syntax"
            )
        }
    };
    match operation {
        PatchOperation::Test(test) => {
            let path = test.path.as_str();
            if !matches!(kind, PatchErrorKind::TestFailed) && !parent_exists(path) {
                format!("test operation does not apply: is missing path: {path}: missing value")
            } else {
                format!("testing value {path} failed: test failed")
            }
        }
        PatchOperation::Add(add) => {
            let path = add.path.as_str();
            if in_array(path) {
                format!("error in add for path: '{path}': {}", index(path))
            } else {
                format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
            }
        }
        PatchOperation::Remove(remove) => {
            let path = remove.path.as_str();
            if in_array(path) {
                format!("error in remove for path: '{path}': {}", index(path))
            } else if parent_exists(path) {
                let name = last(path);
                format!(
                    "error in remove for path: '{path}': Unable to remove nonexistent key: {name}: missing value"
                )
            } else {
                format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
            }
        }
        PatchOperation::Replace(replace) => {
            let path = replace.path.as_str();
            let what = if parent_exists(path) { "key" } else { "path" };
            format!("replace operation does not apply: doc is missing {what}: {path}: missing value")
        }
        PatchOperation::Move(operation) => moved("move", &operation.from, &operation.path, kind),
        PatchOperation::Copy(operation) => moved("copy", &operation.from, &operation.path, kind),
    }
}

fn moved(
    verb: &str,
    from: &json_patch::jsonptr::Pointer,
    path: &json_patch::jsonptr::Pointer,
    kind: &PatchErrorKind,
) -> String {
    if matches!(kind, PatchErrorKind::InvalidFromPointer) {
        format!("{verb} operation does not apply: doc is missing from path: {from}: missing value")
    } else {
        format!("{verb} operation does not apply: doc is missing destination path: {path}: missing value")
    }
}
