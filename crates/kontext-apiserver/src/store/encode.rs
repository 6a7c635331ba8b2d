//! From an object to the bytes that are kept of it: one line of a watch, with the object inside.
//!
//! Watchers of an object far outnumber its writers, so what they are sent is what is stored:
//!
//! ```text
//! {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{...}}}
//!                             |                              |                |
//!                             object.start                   after_type       object.end
//! ```
//!
//! The resourceVersion is known only when the write is committed, under the store's lock. Everything else is written
//! before that, with a hole for the version.

use std::ops::Range;

use bytes::BufMut;
use serde_json::{Map, Value};

use super::ChangeKind;
use crate::object;

/// A serialised object with a hole for its resourceVersion, and what is known about it without decoding it again.
#[derive(Debug)]
pub(crate) struct Draft {
    json: Vec<u8>,
    /// Where the version goes; an object that keeps the version it has needs none.
    hole: Option<usize>,
    after_type: usize,
    pub(super) labels: Labels,
    pub(super) deleting: bool,
}

/// The bytes of a stored object, and where its parts are.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    pub(super) object: Range<usize>,
    pub(super) after_type: usize,
    pub(super) version: Option<Range<usize>>,
}

impl Draft {
    /// Writes an object whose resourceVersion is still to come.
    pub(crate) fn of(mut value: Value) -> Self {
        object::metadata(&mut value).insert("resourceVersion".to_owned(), Value::String(String::new()));
        Self::write(&value, true)
    }

    /// Writes an object as it is.
    pub(super) fn finished(value: &Value) -> Self {
        Self::write(value, false)
    }

    fn write(value: &Value, leave_hole: bool) -> Self {
        let empty = Map::new();
        let fields = value.as_object().unwrap_or(&empty);
        let mut out = Vec::with_capacity(2048);
        let mut hole = None;
        out.extend_from_slice(b"{\"kind\":");
        json(&mut out, &Value::String(object::text(value, &["kind"]).to_owned()));
        out.extend_from_slice(b",\"apiVersion\":");
        json(&mut out, &Value::String(object::text(value, &["apiVersion"]).to_owned()));
        let mut after_type = out.len();
        let rest = fields.iter().filter(|(key, _)| *key != "kind" && *key != "apiVersion");
        for (index, (key, field)) in rest.enumerate() {
            out.put_u8(b',');
            if index == 0 {
                after_type = out.len();
            }
            name(&mut out, key);
            match field {
                Value::Object(metadata) if leave_hole && key == "metadata" => {
                    hole = write_metadata(&mut out, metadata);
                }
                field => json(&mut out, field),
            }
        }
        out.put_u8(b'}');
        Self {
            json: out,
            hole,
            after_type,
            labels: Labels::of(&value["metadata"]["labels"]),
            deleting: object::is_deleting(value),
        }
    }

    /// The line that tells watchers of this object at this version.
    pub(super) fn line(&self, kind: ChangeKind, revision: u64) -> Line {
        let start = kind.line_start().as_bytes();
        let digits = revision.to_string();
        let mut bytes = Vec::with_capacity(start.len() + self.json.len() + digits.len() + LINE_END.len());
        bytes.extend_from_slice(start);
        let mut version = None;
        match self.hole {
            Some(hole) => {
                bytes.extend_from_slice(&self.json[..hole]);
                version = Some(bytes.len()..bytes.len() + digits.len());
                bytes.extend_from_slice(digits.as_bytes());
                bytes.extend_from_slice(&self.json[hole..]);
            }
            None => bytes.extend_from_slice(&self.json),
        }
        let end = bytes.len();
        bytes.extend_from_slice(LINE_END);
        Line { bytes, object: start.len()..end, after_type: start.len() + self.after_type, version }
    }
}

/// How a line of a watch ends.
pub(crate) const LINE_END: &[u8] = b"}\n";

impl ChangeKind {
    /// How a line of a watch begins.
    pub(crate) fn line_start(self) -> &'static str {
        match self {
            Self::Added => "{\"type\":\"ADDED\",\"object\":",
            Self::Modified => "{\"type\":\"MODIFIED\",\"object\":",
            Self::Deleted => "{\"type\":\"DELETED\",\"object\":",
        }
    }
}

/// Writes the metadata and tells where in it the resourceVersion goes.
fn write_metadata(out: &mut Vec<u8>, metadata: &Map<String, Value>) -> Option<usize> {
    let mut hole = None;
    out.put_u8(b'{');
    for (index, (key, field)) in metadata.iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        name(out, key);
        if key == "resourceVersion" {
            out.extend_from_slice(b"\"\"");
            hole = Some(out.len() - 1);
        } else {
            json(out, field);
        }
    }
    out.put_u8(b'}');
    hole
}

fn name(out: &mut Vec<u8>, key: &str) {
    serde_json::to_writer(&mut *out, key).expect("memory takes every write");
    out.put_u8(b':');
}

fn json(out: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(out, value).expect("memory takes every write");
}

/// The labels of an object in one piece of text: key, value, key, value, ..., with a NUL between them. Valid labels
/// have no such character.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Labels(Option<Box<str>>);

impl Labels {
    fn of(labels: &Value) -> Self {
        let pairs: Vec<&str> = labels
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some([key.as_str(), value.as_str()?]))
            .flatten()
            .collect();
        Self((!pairs.is_empty()).then(|| pairs.join("\0").into()))
    }

    pub(super) fn value(&self, wanted: &str) -> Option<&str> {
        let mut parts = self.0.as_deref()?.split('\0');
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            if key == wanted {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_version_goes_into_the_hole() {
        let draft = Draft::of(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "resourceVersion": "7", "uid": "u"},
        }));
        let line = draft.line(ChangeKind::Modified, 123);
        expect_test::expect![[r#"
            {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"123","uid":"u"}}}
        "#]]
        .assert_eq(std::str::from_utf8(&line.bytes).unwrap());
        assert_eq!(&line.bytes[line.version.unwrap()], b"123");
    }

    #[test]
    fn labels_are_found_by_their_whole_name() {
        let labels = Labels::of(&json!({"app": "web", "tier": "", "web": "app"}));
        assert_eq!(labels.value("app"), Some("web"));
        assert_eq!(labels.value("tier"), Some(""));
        assert_eq!(labels.value("web"), Some("app"));
        assert_eq!(labels.value(""), None);
        assert_eq!(Labels::of(&Value::Null).value("app"), None);
    }
}
