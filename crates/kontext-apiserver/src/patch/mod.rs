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

pub(crate) use json::json_patch;
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

/// Why a patch is no JSON, in the words of the server where they are known.
fn decoding_error(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() }
}
