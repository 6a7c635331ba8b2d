//! Deletes of objects, collections and of the namespace.

use serde_json::{Value, json};

use super::super::script::Request;
use super::kinds::Kind;
use super::reads::selector;
use super::writer::{Writer, with_body};

/// Deletes an object, with options in the body or in the query.
pub(super) fn delete(writer: &mut Writer, kind: &Kind) {
    let name = writer.name(kind);
    let path = kind.path(&name);
    let request = match writer.dice.weighted(&[35, 45, 20]) {
        0 => Request { method: "DELETE".into(), path, ..Request::default() },
        1 => {
            let options = options(writer, kind, &name);
            with_body("DELETE", path, Vec::new(), options)
        }
        _ => {
            let query = query(writer, kind);
            Request { method: "DELETE".into(), path, query, ..Request::default() }
        }
    };
    writer.send(request);
}

fn options(writer: &mut Writer, kind: &Kind, name: &str) -> Value {
    let mut options = json!({});
    if writer.dice.chance(50) {
        options["apiVersion"] = json!("v1");
        options["kind"] = json!("DeleteOptions");
    }
    if propagates(writer, kind) && writer.dice.chance(40) {
        options["propagationPolicy"] = json!(policy(writer));
    }
    if writer.dice.chance(30) {
        options["gracePeriodSeconds"] =
            writer.dice.pick(&[json!(0), json!(1), json!(30), json!(-1), json!("1")]).clone();
    }
    if writer.dice.chance(30) {
        let read = writer.read(kind, name);
        options["preconditions"] = match writer.dice.below(5) {
            0 => json!({"uid": format!("${{{read}:/metadata/uid}}")}),
            1 => json!({"resourceVersion": format!("${{{read}:/metadata/resourceVersion}}")}),
            2 => json!({"uid": "another"}),
            3 => json!({"resourceVersion": "1"}),
            _ => json!({
                "uid": format!("${{{read}:/metadata/uid}}"),
                "resourceVersion": format!("${{{read}:/metadata/resourceVersion}}"),
            }),
        };
    }
    if writer.dice.chance(8) {
        options["dryRun"] = json!(["All"]);
    }
    if writer.dice.chance(4) {
        options["orphanDependents"] = json!(writer.dice.chance(50));
    }
    options
}

/// Whether policies are tried: what a second one does to a pod is at the frontier, and namespaces get their finalizers
/// in an order of chance.
fn propagates(writer: &Writer, kind: &Kind) -> bool {
    writer.frontier || !matches!(kind.plural, "pods" | "namespaces")
}

fn policy(writer: &mut Writer) -> &'static str {
    writer.dice.word(&["Background", "Foreground", "Orphan", "Background", "Foreground", "Orphan", "Other"])
}

fn query(writer: &mut Writer, kind: &Kind) -> Vec<(String, String)> {
    let mut query = Vec::new();
    if propagates(writer, kind) && writer.dice.chance(50) {
        query.push(("propagationPolicy".to_owned(), policy(writer).to_owned()));
    }
    if writer.dice.chance(30) {
        let seconds = writer.dice.word(&["0", "5", "x"]);
        query.push(("gracePeriodSeconds".to_owned(), seconds.to_owned()));
    }
    if writer.dice.chance(10) {
        query.push(("dryRun".to_owned(), "All".to_owned()));
    }
    query
}

/// Deletes all objects that a selector selects.
pub(super) fn collection(writer: &mut Writer, kind: &Kind) {
    if !kind.delete_collection {
        return;
    }
    let mut query = query(writer, kind);
    query.extend(selector(writer, kind));
    writer.send(Request { method: "DELETE".into(), path: kind.collection(), query, ..Request::default() });
}

/// Deletes the namespace of the script. Nobody empties it: it stays and refuses what is new.
pub(super) fn namespace(writer: &mut Writer) {
    if writer.len() < 20 || writer.terminating {
        return;
    }
    // The last objects of watches could not be made any more.
    writer.close_watches();
    writer.terminating = true;
    let path = "/api/v1/namespaces/$NS".to_owned();
    writer.send(Request { method: "DELETE".into(), path, ..Request::default() });
}
