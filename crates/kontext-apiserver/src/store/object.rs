//! One stored object in one state, with its bytes made at most once.

use std::sync::{Arc, OnceLock};

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use crate::object;

/// An object as it was stored at one resourceVersion; never changed afterwards.
#[derive(Debug)]
pub(crate) struct Stored {
    value: Value,
    revision: u64,
    encoded: OnceLock<Encoded>,
}

/// The serialised object, and where it goes on after `kind` and `apiVersion`.
#[derive(Debug)]
struct Encoded {
    bytes: Bytes,
    after_type: usize,
}

impl Stored {
    /// Takes an object whose `metadata.resourceVersion` is `revision` already.
    pub(super) fn new(value: Value, revision: u64) -> Arc<Self> {
        Arc::new(Self { value, revision, encoded: OnceLock::new() })
    }

    /// An object that was not stored: the result of a dry run, or another form of a stored one.
    pub(crate) fn unsaved(value: Value) -> Arc<Self> {
        Self::new(value, 0)
    }

    /// The same object under another resourceVersion, as watchers see one that leaves their selection.
    pub(crate) fn at_revision(&self, revision: u64) -> Arc<Self> {
        let mut value = self.value.clone();
        object::metadata(&mut value).insert("resourceVersion".to_owned(), json!(revision.to_string()));
        Self::new(value, revision)
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The resourceVersion as a number.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The whole object as JSON.
    pub(crate) fn bytes(&self) -> Bytes {
        self.encoded().bytes.clone()
    }

    /// The object without `kind` and `apiVersion` and without its opening brace, as the items of a list are written.
    pub(crate) fn item_bytes(&self) -> Bytes {
        let encoded = self.encoded();
        encoded.bytes.slice(encoded.after_type..)
    }

    fn encoded(&self) -> &Encoded {
        self.encoded.get_or_init(|| encode(&self.value))
    }
}

fn encode(value: &Value) -> Encoded {
    let mut out = BytesMut::with_capacity(1024).writer();
    let text = |key: &str| Value::String(object::text(value, &[key]).to_owned()).to_string();
    out.get_mut().extend_from_slice(b"{\"kind\":");
    out.get_mut().extend_from_slice(text("kind").as_bytes());
    out.get_mut().extend_from_slice(b",\"apiVersion\":");
    out.get_mut().extend_from_slice(text("apiVersion").as_bytes());
    let mut after_type = out.get_ref().len();
    for (key, field) in value.as_object().into_iter().flatten() {
        if key == "kind" || key == "apiVersion" {
            continue;
        }
        out.get_mut().extend_from_slice(b",");
        after_type = after_type.min(out.get_ref().len());
        serde_json::to_writer(&mut out, key).expect("memory takes every write");
        out.get_mut().extend_from_slice(b":");
        serde_json::to_writer(&mut out, field).expect("memory takes every write");
    }
    out.get_mut().extend_from_slice(b"}");
    let bytes = out.into_inner().freeze();
    // Past the comma that follows the type, where there is more than the type.
    let after_type = if bytes.get(after_type) == Some(&b',') { after_type + 1 } else { after_type };
    Encoded { bytes, after_type }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_a_list_has_no_kind_and_no_api_version() {
        let stored = Stored::new(json!({"apiVersion": "v1", "data": {"a": "b"}, "kind": "ConfigMap"}), 1);
        assert_eq!(stored.bytes(), r#"{"kind":"ConfigMap","apiVersion":"v1","data":{"a":"b"}}"#);
        assert_eq!(stored.item_bytes(), r#""data":{"a":"b"}}"#);
    }

    #[test]
    fn an_object_of_nothing_but_its_type_is_still_json() {
        let stored = Stored::new(json!({"apiVersion": "v1", "kind": "ConfigMap"}), 1);
        assert_eq!(stored.bytes(), r#"{"kind":"ConfigMap","apiVersion":"v1"}"#);
        assert_eq!(stored.item_bytes(), "}");
    }
}
