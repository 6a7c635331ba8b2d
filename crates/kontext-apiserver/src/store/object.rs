//! One stored object in one state, as bytes.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::Value;

use super::ChangeKind;
use super::encode::{Draft, Labels, Line};

/// An object as it was stored at one resourceVersion; never changed afterwards.
///
/// What is kept is what clients are sent. Who wants to compute with it decodes it with [`Stored::value`].
#[derive(Debug)]
pub(crate) struct Stored {
    /// The line of a watch that tells of this state.
    line: Bytes,
    kind: ChangeKind,
    deleting: bool,
    /// Where the object, what follows its type, and its resourceVersion are in the line.
    object: Range<u32>,
    after_type: u32,
    version: Option<Range<u32>>,
    revision: u64,
    labels: Labels,
    /// What field selectors look at, once somebody asked.
    selectable: OnceLock<Box<[Box<str>]>>,
}

impl Stored {
    pub(super) fn new(draft: Draft, kind: ChangeKind, revision: u64) -> Arc<Self> {
        let line = draft.line(kind, revision);
        Arc::new(Self::from_line(line, kind, revision, draft.deleting, draft.labels))
    }

    fn from_line(line: Line, kind: ChangeKind, revision: u64, deleting: bool, labels: Labels) -> Self {
        Self {
            object: short(&line.object),
            after_type: position(line.after_type),
            version: line.version.as_ref().map(short),
            line: Bytes::from(line.bytes),
            kind,
            deleting,
            revision,
            labels,
            selectable: OnceLock::new(),
        }
    }

    /// An object that was not stored: the result of a dry run, or another form of a stored one.
    pub(crate) fn unsaved(value: Value) -> Arc<Self> {
        Self::new(Draft::finished(&value), ChangeKind::Added, 0)
    }

    /// The object, decoded. This is work: ask once and keep the answer.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(self.object()).expect("written by this server, and not too deep")
    }

    /// How many bytes it holds, about.
    pub(crate) fn size(&self) -> usize {
        self.line.len()
    }

    /// The resourceVersion as a number.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether the object has a deletionTimestamp.
    pub(crate) fn is_deleting(&self) -> bool {
        self.deleting
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.value(key)
    }

    /// What field selectors of this kind look at, in an order that `extract` gives. It runs at most once per state.
    pub(crate) fn selectable(&self, extract: impl FnOnce(&Value) -> Box<[Box<str>]>) -> &[Box<str>] {
        self.selectable.get_or_init(|| extract(&self.value()))
    }

    /// The whole object as JSON.
    pub(crate) fn bytes(&self) -> Bytes {
        self.line.slice(long(&self.object))
    }

    /// The object without `kind` and `apiVersion` and without its opening brace, as the items of a list are written.
    pub(crate) fn item_bytes(&self) -> Bytes {
        self.line.slice(self.after_type as usize..self.object.end as usize)
    }

    fn object(&self) -> &[u8] {
        &self.line[long(&self.object)]
    }

    /// The line of a watch that tells of the write which made this state, if it was of this kind.
    pub(crate) fn line(&self, kind: ChangeKind) -> Option<Bytes> {
        (self.kind == kind).then(|| self.line.clone())
    }

    /// The object under another resourceVersion, as watchers see one that leaves their selection, before and after
    /// where the version is.
    pub(crate) fn around_version(&self) -> Option<(&[u8], &[u8])> {
        let version = long(self.version.as_ref()?);
        let object = long(&self.object);
        Some((&self.line[object.start..version.start], &self.line[version.end..object.end]))
    }
}

/// Objects are far smaller than 4 GiB: a request's body is 3 MiB at most.
fn position(at: usize) -> u32 {
    u32::try_from(at).expect("an object is smaller than 4 GiB")
}

fn short(range: &Range<usize>) -> Range<u32> {
    position(range.start)..position(range.end)
}

fn long(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_of_a_list_has_no_kind_and_no_api_version() {
        let stored = Stored::unsaved(json!({"apiVersion": "v1", "data": {"a": "b"}, "kind": "ConfigMap"}));
        assert_eq!(stored.bytes(), r#"{"kind":"ConfigMap","apiVersion":"v1","data":{"a":"b"}}"#);
        assert_eq!(stored.item_bytes(), r#""data":{"a":"b"}}"#);
    }

    #[test]
    fn an_object_of_nothing_but_its_type_is_still_json() {
        let stored = Stored::unsaved(json!({"apiVersion": "v1", "kind": "ConfigMap"}));
        assert_eq!(stored.bytes(), r#"{"kind":"ConfigMap","apiVersion":"v1"}"#);
        assert_eq!(stored.item_bytes(), "}");
    }

    #[test]
    fn a_stored_object_is_the_line_of_its_watchers() {
        let stored = Stored::new(Draft::of(json!({"metadata": {"name": "a"}})), ChangeKind::Added, 9);
        assert!(stored.line(ChangeKind::Deleted).is_none());
        let line = stored.line(ChangeKind::Added).unwrap();
        let event: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(event["object"], stored.value());
        assert_eq!(stored.value()["metadata"]["resourceVersion"], "9");
        let (before, after) = stored.around_version().unwrap();
        assert!(before.ends_with(b"\"resourceVersion\":\"") && after.starts_with(b"\""));
    }
}
