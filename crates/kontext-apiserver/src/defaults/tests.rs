//! Creates as a kube-apiserver 1.36.3 answered them: what was sent, what came back, who owns what.

use jiff::Timestamp;
use serde_json::Value;

use super::value::{child, put};
use super::{apply_defaults, plugins, prepare_create};
use crate::kinds::Registry;
use crate::managed_fields::{Versions, Writer, track_update};
use crate::schema;

static CREATES: &str = include_str!("../../testdata/real/creates.jsonl");

/// Creates `sent` as the server would, with what only the server can know taken from `got`.
fn created(sent: &Value, got: &Value) -> Value {
    let mut object = sent.clone();
    let (group, kind) = (schema::group_of(sent).to_owned(), schema::kind_of(sent).to_owned());
    apply_defaults(&group, &kind, &mut object);
    let now: Timestamp = got["metadata"]["creationTimestamp"].as_str().expect("text").parse().expect("time");
    let metadata = child(&mut object, "metadata");
    for name in ["uid", "namespace", "creationTimestamp", "resourceVersion", "generation"] {
        if let Some(value) = got["metadata"].get(name) {
            put(metadata, name, value.clone());
        }
    }
    track_update(None, &mut object, &alice(sent), now);
    if kind == "Service" {
        for name in ["clusterIP", "clusterIPs"] {
            if let Some(value) = got["spec"].get(name) {
                put(child(&mut object, "spec"), name, value.clone());
            }
        }
        for (index, port) in got["spec"]["ports"].as_array().into_iter().flatten().enumerate() {
            if let Some(number) = port.get("nodePort") {
                put(&mut object["spec"]["ports"][index], "nodePort", number.clone());
            }
        }
    }
    plugins(&group, &kind, &mut object, true);
    if kind == "PersistentVolume" {
        prepare_create(&group, &kind, &mut object);
        let time = got["status"]["lastPhaseTransitionTime"].clone();
        put(child(&mut object, "status"), "lastPhaseTransitionTime", time);
        return object;
    }
    prepare_create(&group, &kind, &mut object);
    object
}

/// Who creates an object.
fn alice(object: &Value) -> Writer {
    let registry = Registry::built_in();
    let (api_version, kind) = (object["apiVersion"].as_str().expect("text"), schema::kind_of(object));
    let resource = registry.resources().iter().find(|r| r.api_version() == api_version && r.kind == kind);
    let versions = Versions::of(resource.expect("known"), &registry, "");
    Writer { manager: "alice".to_owned(), subresource: None, versions, tracked: false }
}

/// The paths at which two values differ.
fn differences(path: &str, ours: &Value, real: &Value, out: &mut Vec<String>) {
    match (ours, real) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => differences(&format!("{path}.{name}"), a, b, out),
                    (Some(a), None) => out.push(format!("{path}.{name}: ours {a}, real none")),
                    (None, Some(b)) => out.push(format!("{path}.{name}: ours none, real {b}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{index}]"), a, b, out);
            }
        }
        (a, b) if a != b => out.push(format!("{path}: ours {a}, real {b}")),
        _ => {}
    }
}

#[test]
fn every_create_is_completed_and_owned_as_by_the_real_server() {
    let mut out = Vec::new();
    let mut count = 0;
    for line in CREATES.lines() {
        let case: Value = serde_json::from_str(line).expect("valid");
        let (sent, got) = (&case["sent"], &case["got"]);
        let name = format!("{}/{}", schema::kind_of(sent), sent["metadata"]["name"].as_str().expect("text"));
        differences(&name, &created(sent, got), got, &mut out);
        count += 1;
    }
    assert!(out.is_empty(), "{}", out.join("\n"));
    assert_eq!(count, 50);
}

#[test]
fn defaulting_what_the_server_returned_changes_nothing() {
    for line in CREATES.lines() {
        let case: Value = serde_json::from_str(line).expect("valid");
        let got = &case["got"];
        let mut again = got.clone();
        apply_defaults(schema::group_of(got), schema::kind_of(got), &mut again);
        let mut out = Vec::new();
        differences(schema::kind_of(got), &again, got, &mut out);
        assert!(out.is_empty(), "{}", out.join("\n"));
    }
}
