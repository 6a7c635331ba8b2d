//! From a request of a script to the one that is sent: references replaced, edits made.

use std::collections::HashMap;

use serde_json::Value;

use super::script::{Body, Edit, Request};

/// What there is to refer to while a script is played.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) namespace: String,
    pub(super) answers: HashMap<u32, Value>,
}

impl Known {
    /// Replaces the references in a text. What cannot be found becomes `unresolved`, the same on every server.
    pub(super) fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('$') {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            if let Some(after) = rest.strip_prefix("$NS") {
                out.push_str(&self.namespace);
                rest = after;
            } else if let Some((reference, after)) =
                rest.strip_prefix("${").and_then(|inner| inner.split_once('}'))
            {
                out.push_str(&self.reference(reference));
                rest = after;
            } else {
                out.push('$');
                rest = &rest[1..];
            }
        }
        out + rest
    }

    fn reference(&self, reference: &str) -> String {
        let found = reference
            .split_once(':')
            .and_then(|(step, pointer)| self.answers.get(&step.parse().ok()?)?.pointer(pointer));
        match found {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => "unresolved".to_owned(),
        }
    }

    /// Replaces the references in all texts of a value, keys too.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (self.text(key), self.value(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// The bytes of a body. `None` where it is made of an answer that is no object: there is nothing to send.
    pub(super) fn body(&self, body: &Body) -> Option<String> {
        match body {
            Body::Json(value) => Some(self.value(value).to_string()),
            Body::Text(text) => Some(self.text(text)),
            Body::Answer { of, edits } => {
                let mut value = self.answers.get(of)?.clone();
                if value["kind"] == "Status" || !value.is_object() || value.get("play").is_some() {
                    return None;
                }
                for edit in edits {
                    apply(&mut value, &self.edit(edit));
                }
                Some(value.to_string())
            }
        }
    }

    fn edit(&self, edit: &Edit) -> Edit {
        match edit {
            Edit::Set(at, value) => Edit::Set(at.clone(), self.value(value)),
            Edit::Remove(at) => Edit::Remove(at.clone()),
        }
    }

    /// The path and query of a request.
    pub(super) fn target(&self, request: &Request) -> String {
        let mut target = escape(&self.text(&request.path), b"/:@!$&'()*+,;=");
        for (index, (key, value)) in request.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(&escape(key, b""));
            target.push('=');
            target.push_str(&escape(&self.text(value), b""));
        }
        target
    }
}

/// Percent-encodes everything but unreserved characters and `plain`.
fn escape(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Makes one change.
pub(super) fn apply(value: &mut Value, edit: &Edit) {
    match edit {
        Edit::Set(pointer, new) => set(value, pointer, new),
        Edit::Remove(pointer) => remove(value, pointer),
    }
}

fn set(value: &mut Value, pointer: &str, new: &Value) {
    let mut at = value;
    for segment in segments(pointer) {
        // A pointer that comes to a scalar puts its fields in the scalar's place: wrong types are part of the test.
        if !at.is_array() && !at.is_object() {
            *at = Value::Object(serde_json::Map::new());
        }
        at = match at {
            Value::Array(items) => {
                let index = segment.parse().unwrap_or(items.len()).min(items.len());
                if index == items.len() {
                    items.push(Value::Null);
                }
                &mut items[index]
            }
            Value::Object(fields) => fields.entry(segment).or_insert(Value::Null),
            _ => return,
        };
    }
    *at = new.clone();
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.remove(&unescape(last));
        }
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// The segments of a JSON pointer.
pub(super) fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(unescape).collect()
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Known {
        let answers =
            HashMap::from([(3, json!({"kind": "X", "metadata": {"resourceVersion": "17"}, "n": 5}))]);
        Known { namespace: "d-1".into(), answers }
    }

    #[test]
    fn references_are_replaced_and_what_is_missing_is_the_same_everywhere() {
        let text = known().text("/a/$NS/${3:/metadata/resourceVersion}/${3:/n}/${4:/x}/$5");
        assert_eq!(text, "/a/d-1/17/5/unresolved/$5");
    }

    #[test]
    fn a_body_made_of_an_answer_has_its_edits() {
        let edits = vec![
            Edit::Set("/data/a~1b".into(), json!("$NS")),
            Edit::Set("/list/0/x".into(), json!(1)),
            Edit::Set("/n/deep".into(), json!(2)),
            Edit::Remove("/metadata".into()),
        ];
        let body: Value =
            serde_json::from_str(&known().body(&Body::Answer { of: 3, edits }).unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"kind": "X", "n": {"deep": 2}, "data": {"a/b": "d-1"}, "list": {"0": {"x": 1}}})
        );
    }

    #[test]
    fn there_is_no_body_to_make_of_a_refusal_or_of_nothing() {
        let mut known = known();
        known.answers.insert(5, json!({"kind": "Status"}));
        for of in [4, 5] {
            assert_eq!(known.body(&Body::Answer { of, edits: Vec::new() }), None);
        }
    }

    #[test]
    fn a_query_is_encoded() {
        let request = Request {
            path: "/x".into(),
            query: vec![("labelSelector".into(), "a in (b,c)".into())],
            ..Request::default()
        };
        assert_eq!(known().target(&request), "/x?labelSelector=a%20in%20%28b%2Cc%29");
    }
}
