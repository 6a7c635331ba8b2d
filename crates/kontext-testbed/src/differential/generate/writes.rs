//! Creates, updates, and writes to subresources.

use serde_json::{Value, json};

use super::super::resolve;
use super::super::script::{Body, Edit, Request};
use super::edits::{edit, edits, value};
use super::kinds::Kind;
use super::writer::{Writer, object, with_body};

/// Creates an object from the template: as it is, changed, or broken.
pub(super) fn create(writer: &mut Writer, kind: &Kind) {
    let name = writer.new_name(kind);
    let mut body = object(kind, &name);
    // Half of all creates are plain, so that there is something to work on.
    if writer.dice.chance(50) {
        let id = writer.send(with_body("POST", kind.collection(), Vec::new(), body));
        writer.answered(kind, &name, id);
        return;
    }
    let mut query = writer.write_options();
    if writer.dice.chance(90) {
        for edit in edits(writer, kind, 3) {
            resolve::apply(&mut body, &edit);
        }
    }
    // Two random names come in a random order.
    let unnamed = writer.dice.chance(4)
        && !std::mem::replace(&mut writer.generated, true)
        && (writer.frontier || kind.kind != "Namespace");
    if unnamed {
        resolve::apply(&mut body, &Edit::Remove("/metadata/name".into()));
        resolve::apply(
            &mut body,
            &Edit::Set("/metadata/generateName".into(), json!(kind.scoped_name("gen-"))),
        );
    }
    let mut request = with_body("POST", kind.collection(), Vec::new(), body);
    if writer.frontier && writer.dice.chance(2) {
        let broken = ["", "{", "[]", "null", "\"text\"", "{}", "5"];
        request.body = Some(Body::Text(writer.dice.word(&broken).to_owned()));
    }
    if writer.dice.chance(1) {
        query.push(("pretty".into(), "false".into()));
    }
    request.query = query;
    let id = writer.send(request);
    writer.answered(kind, &name, id);
}

/// Replaces an object: what was just read, what was read long ago, or what the template says.
pub(super) fn update(writer: &mut Writer, kind: &Kind) {
    let name = writer.name(kind);
    let mut query = writer.write_options();
    // Updates that are not carried out show what was never stored.
    query.retain(|(key, _)| writer.frontier || key != "dryRun");
    let body = base(writer, kind, &name);
    let request = match body {
        Some(of) => {
            let mut edits = edits(writer, kind, 2);
            match writer.dice.below(12) {
                0 => edits.push(Edit::Remove("/metadata/resourceVersion".into())),
                1 => edits.push(Edit::Remove("/metadata/managedFields".into())),
                2 => edits.push(Edit::Remove("/metadata/uid".into())),
                _ => {}
            }
            Request {
                method: "PUT".into(),
                path: kind.path(&name),
                query,
                body: Some(Body::Answer { of, edits }),
                ..Request::default()
            }
        }
        None => {
            let mut body = object(kind, &name);
            for edit in edits(writer, kind, 2) {
                resolve::apply(&mut body, &edit);
            }
            with_body("PUT", kind.path(&name), query, body)
        }
    };
    let id = writer.send(request);
    writer.answered(kind, &name, id);
}

/// The answer that an update starts from.
fn base(writer: &mut Writer, kind: &Kind, name: &str) -> Option<u32> {
    match writer.dice.weighted(&[60, 20, 20]) {
        0 => Some(writer.read(kind, name)),
        1 if kind.kind != "Namespace" || writer.frontier => writer.earlier(kind, name),
        // Who owns the finalizers of a namespace that is written without them is at the frontier.
        _ if kind.kind == "Namespace" && !writer.frontier => Some(writer.read(kind, name)),
        _ => None,
    }
}

/// Writes the status, and other things through the same door.
pub(super) fn status(writer: &mut Writer, kind: &Kind) {
    let name = writer.name(kind);
    if kind.status.is_empty() && !writer.dice.chance(10) {
        return;
    }
    let path = format!("{}/status", kind.path(&name));
    let query = writer.write_options();
    let mut changes = Vec::new();
    for _ in 0..=writer.dice.below(2) {
        let change = if kind.status.is_empty() || writer.dice.chance(20) {
            edit(writer, kind)
        } else {
            value(writer, &kind.status)
        };
        changes.push(change);
    }
    if writer.dice.chance(50) {
        let of = writer.read(kind, &name);
        let body = Some(Body::Answer { of, edits: changes });
        let id = writer.send(Request { method: "PUT".into(), path, query, body, ..Request::default() });
        writer.answered(kind, &name, id);
        return;
    }
    let Some(patch) = changes.iter().find_map(super::edits::as_merge) else { return };
    let types = ["application/merge-patch+json", "application/strategic-merge-patch+json"];
    let mut request = with_body("PATCH", path, query, patch);
    request.content_type = Some(writer.dice.word(&types).to_owned());
    writer.send(request);
}

/// Reads and writes the scale.
pub(super) fn scale(writer: &mut Writer, kind: &Kind) {
    // The scale of custom resources is at the frontier.
    let settled = kind.scale && kind.plural != "widgets";
    if !settled && !(writer.frontier && (kind.scale || writer.dice.chance(5))) {
        return;
    }
    let name = writer.name(kind);
    let path = format!("{}/scale", kind.path(&name));
    let replicas = [json!(0), json!(1), json!(5), json!(-1), json!("2"), Value::Null];
    let settled = [json!(1), json!(5)];
    let replicas = writer.dice.pick(if writer.frontier { &replicas } else { &settled[..] }).clone();
    if writer.dice.chance(50) {
        let of = writer.send(Request { method: "GET".into(), path: path.clone(), ..Request::default() });
        let mut edits = vec![Edit::Set("/spec/replicas".into(), replicas)];
        match writer.dice.below(8) {
            0 => edits.push(Edit::Remove("/metadata/resourceVersion".into())),
            1 => edits.push(Edit::Set("/metadata/resourceVersion".into(), json!("1"))),
            2 => edits.push(Edit::Set("/metadata/name".into(), json!("other"))),
            3 => edits.push(Edit::Set("/metadata/labels/app".into(), json!("a"))),
            _ => {}
        }
        let query = writer.write_options();
        let body = Some(Body::Answer { of, edits });
        writer.send(Request { method: "PUT".into(), path, query, body, ..Request::default() });
        return;
    }
    let query = writer.write_options();
    let mut request = with_body("PATCH", path, query, json!({"spec": {"replicas": replicas}}));
    request.content_type = Some("application/merge-patch+json".into());
    writer.send(request);
}

/// Puts finalizers on an object, or takes them off, the ordinary way.
pub(super) fn finalizers(writer: &mut Writer, kind: &Kind) {
    let name = writer.name(kind);
    let lists = [
        json!(["example.com/a"]),
        Value::Null,
        json!([]),
        json!(["example.com/a", "example.com/b"]),
        Value::Null,
    ];
    let finalizers = writer.dice.pick(&lists).clone();
    let query = writer.write_options();
    let mut request =
        with_body("PATCH", kind.path(&name), query, json!({"metadata": {"finalizers": finalizers}}));
    request.content_type = Some("application/merge-patch+json".into());
    let id = writer.send(request);
    writer.answered(kind, &name, id);
}
