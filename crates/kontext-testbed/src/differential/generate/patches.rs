//! Patches of each type, and server-side apply.

use serde_json::{Map, Value, json};

use super::super::script::{Body, Edit, Request};
use super::edits::{as_merge, edit, edits};
use super::kinds::Kind;
use super::writer::{Writer, with_body};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Patches an object.
pub(super) fn patch(writer: &mut Writer, kind: &Kind) {
    let name = writer.name(kind);
    let mut query = writer.write_options();
    let (content_type, body) = match writer.dice.weighted(&[35, 30, 35, 2]) {
        0 => (JSON, json_patch(writer, kind)),
        1 => (MERGE, merge(writer, kind)),
        2 => (STRATEGIC, merge(writer, kind)),
        _ => ("application/json", json!({})),
    };
    let mut body = Body::Json(body);
    if writer.frontier && writer.dice.chance(2) {
        let broken = ["", "{", "[]", "null", "\"text\"", "[5]", "[{}]"];
        body = Body::Text(writer.dice.word(&broken).to_owned());
    }
    if writer.dice.chance(2) {
        query.push(("force".into(), "true".into()));
    }
    let id = writer.send(Request {
        method: "PATCH".into(),
        path: kind.path(&name),
        query,
        content_type: Some(content_type.into()),
        body: Some(body),
        ..Request::default()
    });
    writer.answered(kind, &name, id);
}

/// A merge patch: some changes, or a snippet. Now and then with a precondition.
fn merge(writer: &mut Writer, kind: &Kind) -> Value {
    let mut patch = if kind.snippets.is_empty() || writer.dice.chance(50) {
        let changes = edits(writer, kind, 2);
        changes.iter().filter_map(as_merge).fold(json!({}), deep)
    } else {
        writer.dice.pick(&kind.snippets).clone()
    };
    if writer.dice.chance(6) {
        let versions = ["1", "abc", "0", ""];
        patch = deep(patch, json!({"metadata": {"resourceVersion": writer.dice.word(&versions)}}));
    }
    patch
}

/// Puts one value into another, field by field.
fn deep(into: Value, from: Value) -> Value {
    match (into, from) {
        (Value::Object(mut into), Value::Object(from)) => {
            for (key, value) in from {
                let merged = match into.remove(&key) {
                    Some(old) => deep(old, value),
                    None => value,
                };
                into.insert(key, merged);
            }
            Value::Object(into)
        }
        (_, from) => from,
    }
}

fn json_patch(writer: &mut Writer, kind: &Kind) -> Value {
    let count = 1 + writer.dice.below(3);
    (0..count).map(|_| operation(writer, kind)).collect()
}

fn operation(writer: &mut Writer, kind: &Kind) -> Value {
    let change = edit(writer, kind);
    let (at, value) = match change {
        Edit::Set(at, value) => (at, value),
        Edit::Remove(at) => return json!({"op": "remove", "path": at}),
    };
    let weights = if writer.frontier { [40, 30, 8, 3, 3, 2, 2, 1, 1] } else { [40, 30, 8, 0, 0, 0, 2, 0, 0] };
    match writer.dice.weighted(&weights) {
        0 => json!({"op": "add", "path": at, "value": value}),
        1 => json!({"op": "replace", "path": at, "value": value}),
        2 => json!({"op": "test", "path": at, "value": value}),
        3 => json!({"op": "copy", "from": at, "path": "/metadata/annotations/copied"}),
        4 => json!({"op": "move", "from": at, "path": "/metadata/annotations/moved"}),
        5 => json!({"op": "add", "path": format!("{at}/-"), "value": value}),
        6 => json!({"op": "test", "path": "/metadata/name", "value": "a"}),
        7 => json!({"op": "other", "path": at}),
        _ => json!({"op": "add", "path": "no/slash", "value": 1}),
    }
}

/// Applies a part of an object as one of a few managers.
pub(super) fn apply(writer: &mut Writer, kind: &Kind) {
    let name = writer.name(kind);
    let manager = writer.dice.word(&["m1", "m2", "m3"]);
    let mut query = vec![("fieldManager".to_owned(), manager.to_owned())];
    if writer.dice.chance(30) {
        query.push(("force".into(), "true".into()));
    }
    if writer.dice.chance(8) {
        query.push(("dryRun".into(), "All".into()));
    }
    if writer.dice.chance(2) {
        query.remove(0);
    }
    let mut body = if writer.dice.chance(30) { kind.template.clone() } else { json!({}) };
    for _ in 0..writer.dice.below(3) {
        if !kind.snippets.is_empty() {
            body = deep(body, writer.dice.pick(&kind.snippets).clone());
        }
    }
    let changes = if writer.frontier {
        edits(writer, kind, 2)
    } else if writer.dice.chance(30) {
        vec![super::edits::value(writer, &super::metadata::applied())]
    } else {
        Vec::new()
    };
    for patch in changes.iter().filter_map(as_merge) {
        body = deep(body, patch);
    }
    if let Value::Object(fields) = &mut body {
        fields.entry("apiVersion").or_insert(json!(kind.group_version));
        fields.entry("kind").or_insert(json!(kind.kind));
        let metadata = fields.entry("metadata").or_insert(Value::Object(Map::new()));
        if metadata.is_object() && (!writer.frontier || writer.dice.chance(97)) {
            metadata["name"] = json!(name);
        }
    }
    let mut path = kind.path(&name);
    if writer.frontier && !kind.status.is_empty() && writer.dice.chance(8) {
        path.push_str("/status");
    }
    let mut request = with_body("PATCH", path, query, body);
    request.content_type = Some(APPLY.into());
    let id = writer.send(request);
    writer.answered(kind, &name, id);
}
