//! JSON patches: operations are appended that write the annotations after all others are done.

use super::{Edit, SpliceError, edit::push_string, scan::Cursor};

/// `patch` with operations appended that edit the annotations. `has_annotations`: whether the object has any once
/// the patch is applied; `present` tells which of the edited keys it has then.
pub(crate) fn append(
    patch: &[u8],
    edits: &[(&str, Edit<'_>)],
    has_annotations: bool,
    present: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, SpliceError> {
    let mut cursor = Cursor { body: patch, at: 0 };
    let start = cursor.space();
    if cursor.peek() != Some(b'[') {
        return Err(SpliceError::Form);
    }
    cursor.skip()?;
    let end = cursor.at - 1;
    if cursor.space() != patch.len() {
        return Err(SpliceError::Form);
    }
    let mut first = patch[start + 1..end].iter().all(u8::is_ascii_whitespace);
    let mut out = Vec::with_capacity(patch.len() + 1024);
    out.extend_from_slice(&patch[..end]);
    let mut operation = |name: &str, path: &str, value: Option<&str>| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"op\":");
        push_string(&mut out, name);
        out.extend_from_slice(b",\"path\":");
        push_string(&mut out, path);
        if let Some(value) = value {
            out.extend_from_slice(b",\"value\":");
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
    };
    if !has_annotations {
        operation("add", "/metadata/annotations", Some("{}"));
    }
    for (key, edit) in edits {
        let path = format!("/metadata/annotations/{}", key.replace('~', "~0").replace('/', "~1"));
        match edit {
            Edit::Set(value) => {
                let value = serde_json::to_string(value).expect("a string is JSON");
                operation("add", &path, Some(&value));
            }
            Edit::Remove | Edit::Null if has_annotations && present(key) => operation("remove", &path, None),
            Edit::Remove | Edit::Null => {}
        }
    }
    out.extend_from_slice(&patch[end..]);
    Ok(out)
}
