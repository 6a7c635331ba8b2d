//! The three patch types that are not apply: JSON patch, JSON merge patch, strategic merge patch.
//!
//! All are pure: document and patch in, new document out. `metadata.uid` and `metadata.resourceVersion` in a patch are
//! applied like anything else; the server compares them with the live object afterwards.

mod directives;
mod json;
mod merge;
mod order;
mod strategic;

#[cfg(test)]
mod tests;

pub(crate) use json::{json_patch, unknown_fields};
pub(crate) use merge::merge_patch;
pub(crate) use strategic::strategic_merge_patch;

/// Why a patch could not be applied; the text is the message of the Status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    /// 400: the patch is not what its content type says.
    #[error("{0}")]
    BadRequest(String),
    /// 422: the patch does not fit the object.
    #[error("{0}")]
    Unprocessable(String),
    /// 500: what the real server answers to a strategic patch that lacks a merge key or has a strange directive.
    #[error("{0}")]
    Internal(String),
}

/// A patch as messages print it.
pub(crate) fn printed(patch: &[u8]) -> String {
    serde_json::from_slice(patch).map_or_else(|_| String::new(), |value| directives::go_text(&value))
}

/// What JSON calls the kind of a value.
fn json_kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "bool",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
}

/// Why a patch is no JSON, in the words of the server where they are known.
fn decoding_error(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() }
}
