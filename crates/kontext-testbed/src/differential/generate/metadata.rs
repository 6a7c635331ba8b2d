//! Values that are tried in the metadata of every kind.

use serde_json::{Value, json};

use super::kinds::frontier::settled;

/// Places and values that are mostly valid.
pub(super) fn common() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("/metadata/labels/app", vec![json!("a"), json!("b"), json!(""), Value::Null]),
        ("/metadata/labels/tier", vec![json!("x"), json!("y")]),
        ("/metadata/annotations/note", vec![json!("1"), json!("2"), json!(""), Value::Null]),
        ("/metadata/annotations/example.com~1other", vec![json!("text\nof two lines"), json!("ü")]),
        (
            "/metadata/finalizers",
            vec![
                json!(["example.com/a"]),
                json!(["example.com/b", "example.com/a"]),
                json!([]),
                json!(["example.com/a", "example.com/a"]),
            ],
        ),
        (
            "/metadata/ownerReferences",
            vec![
                json!([owner("a", "ConfigMap", false)]),
                json!([owner("a", "ConfigMap", true)]),
                json!([owner("a", "ConfigMap", false), owner("b", "Secret", true)]),
                json!([]),
            ],
        ),
    ]
}

/// Places and values that are applied.
pub(super) fn applied() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("/metadata/labels/app", vec![json!("a"), json!("b")]),
        ("/metadata/labels/tier", vec![json!("x"), json!("y")]),
        ("/metadata/annotations/note", vec![json!("1"), json!("2")]),
        ("/metadata/finalizers", vec![json!(["example.com/a"]), json!(["example.com/b"])]),
    ]
}

/// Places and values that are wrong, or that the server overrides.
pub(super) fn strange(frontier: bool) -> Vec<(&'static str, Vec<Value>)> {
    let mut all = places();
    if !frontier {
        for (at, values) in &mut all {
            values.retain(|value| settled(at, value));
        }
        all.retain(|(_, values)| !values.is_empty());
    }
    all
}

fn places() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("/metadata/labels/app", vec![json!("not valid!"), json!(5), json!("x".repeat(64)), json!({})]),
        ("/metadata/labels/-bad-key-", vec![json!("a")]),
        ("/metadata/labels", vec![json!("text"), Value::Null, json!({})]),
        ("/metadata/annotations/bad key", vec![json!("a")]),
        ("/metadata/annotations/note", vec![json!(true), json!(["a"])]),
        ("/metadata/annotations", vec![Value::Null, json!([])]),
        (
            "/metadata/finalizers",
            vec![
                json!(["bad"]),
                json!(["foregroundDeletion"]),
                json!(["orphan"]),
                json!([5]),
                json!("text"),
                json!([""]),
            ],
        ),
        (
            "/metadata/ownerReferences",
            vec![
                json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "a"}]),
                json!([{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "u"}]),
                json!([owner("a", "ConfigMap", true), owner("b", "Secret", true)]),
                json!([{}]),
                json!(5),
            ],
        ),
        (
            "/metadata/name",
            vec![
                json!("Bad_Name"),
                json!("x".repeat(254)),
                json!(""),
                json!("other"),
                json!(5),
                json!("a.b"),
                json!("1"),
            ],
        ),
        ("/metadata/generateName", vec![json!("gen-"), json!("Bad_"), json!("")]),
        ("/metadata/namespace", vec![json!("default"), json!("$NS"), json!(""), json!(1)]),
        ("/metadata/uid", vec![json!("another-uid"), json!("")]),
        ("/metadata/resourceVersion", vec![json!("1"), json!("abc"), json!(""), json!("0"), json!(5)]),
        ("/metadata/generation", vec![json!(7), json!("7"), json!(0)]),
        ("/metadata/creationTimestamp", vec![json!("2001-02-03T04:05:06Z"), Value::Null, json!("yesterday")]),
        ("/metadata/deletionTimestamp", vec![json!("2001-02-03T04:05:06Z"), Value::Null]),
        ("/metadata/deletionGracePeriodSeconds", vec![json!(5), Value::Null]),
        ("/metadata/selfLink", vec![json!("/x")]),
        (
            "/metadata/managedFields",
            vec![json!([]), Value::Null, json!([{}]), json!([{"manager": "x", "operation": "Update"}])],
        ),
        ("/metadata/unknown", vec![json!(1)]),
        ("/metadata", vec![Value::Null, json!("text"), json!([])]),
        ("/kind", vec![json!("Pod"), json!("Nothing"), json!(""), json!(1)]),
        (
            "/apiVersion",
            vec![json!("v1"), json!("apps/v1"), json!("example.com/v1"), json!(""), json!("a/b/c")],
        ),
        ("/unknown", vec![json!(1), json!({"a": 1})]),
        ("/status", vec![json!({}), json!("text"), Value::Null]),
    ]
}

fn owner(name: &str, kind: &str, controller: bool) -> Value {
    let mut owner = json!({
        "apiVersion": "v1", "kind": kind, "name": name, "uid": format!("11111111-0000-4000-8000-00000000000{}", name.len()),
    });
    if controller {
        owner["controller"] = json!(true);
        owner["blockOwnerDeletion"] = json!(true);
    }
    owner
}
