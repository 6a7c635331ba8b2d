//! Patches as a kube-apiserver 1.36.3 applied or refused them, and properties that hold for every patch.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::defaults::apply_defaults;
use crate::schema;

static WRITES: &str = include_str!("../../testdata/real/writes.jsonl");

fn apply(content_type: &str, doc: &Value, patch: &[u8]) -> Result<Value, PatchError> {
    match content_type {
        "json-patch" => json_patch(doc, patch),
        "merge-patch" => merge_patch(doc, patch),
        "strategic-merge-patch" => {
            strategic_merge_patch(schema::group_of(doc), schema::kind_of(doc), doc, patch)
        }
        other => panic!("{other}"),
    }
}

/// What a patch of the main resource can change: everything but the server's own metadata.
fn content(object: &Value, subresource: &str) -> Value {
    let mut object = object.clone();
    apply_defaults(schema::group_of(&object.clone()), schema::kind_of(&object.clone()), &mut object);
    let metadata = object["metadata"].as_object_mut().expect("object");
    for name in ["managedFields", "resourceVersion", "generation"] {
        metadata.remove(name);
    }
    if subresource.is_empty() {
        object.as_object_mut().expect("object").remove("status");
    }
    object
}

#[test]
fn every_patch_gives_what_the_real_server_gave() {
    let mut last = Value::Null;
    let (mut applied, mut refused) = (0, 0);
    for line in WRITES.lines() {
        let case: Value = serde_json::from_str(line).expect("valid");
        let before = case.get("before").cloned().unwrap_or_else(|| last.clone());
        let after = match case.get("after") {
            None => None,
            Some(Value::String(_)) => Some(before.clone()),
            Some(after) => Some(after.clone()),
        };
        last = after.clone().unwrap_or_else(|| before.clone());
        let name = case["name"].as_str().expect("text");
        if case["verb"] != "PATCH" || case["sub"] == "scale" {
            continue;
        }
        let body = match &case["body"] {
            Value::String(raw) => raw.clone(),
            other => other.to_string(),
        };
        let ours = apply(case["type"].as_str().expect("text"), &before, body.as_bytes());
        let subresource = case["sub"].as_str().expect("text");
        match (after, ours) {
            (Some(after), Ok(ours)) => {
                assert_eq!(content(&ours, subresource), content(&after, subresource), "{name}");
                applied += 1;
            }
            (None, Ok(ours)) => {
                // What fits but makes no valid object is refused by validation.
                assert!(case["name"].as_str().is_some_and(|name| name.contains("invalid")), "{name}: {ours}");
            }
            (after, Err(error)) => {
                assert!(after.is_none(), "{name}: {error}");
                let code = match error {
                    PatchError::BadRequest(_) => 400,
                    PatchError::Unprocessable(_) => 422,
                    PatchError::Internal(_) => 500,
                };
                assert_eq!(
                    (case["code"].as_i64(), case["message"].as_str()),
                    (Some(code), Some(error.to_string().as_str())),
                    "{name}"
                );
                refused += 1;
            }
        }
    }
    assert_eq!((applied, refused), (56, 24));
}

fn containers() -> impl Strategy<Value = Vec<(String, u8)>> {
    prop::collection::btree_map("[a-d]", 0..4_u8, 0..5)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn pod(containers: &[(String, u8)]) -> Value {
    let list: Vec<Value> =
        containers.iter().map(|(name, tag)| json!({"name": name, "image": format!("i:{tag}")})).collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": list}})
}

proptest! {
    /// A patch that names every element of the target, deletes the others and gives the order makes the target.
    #[test]
    fn the_difference_of_two_pods_turns_one_into_the_other(from in containers(), to in containers()) {
        let (old, new) = (pod(&from), pod(&to));
        let mut changes: Vec<Value> = new["spec"]["containers"].as_array().expect("list").clone();
        let order: Vec<Value> = to.iter().map(|(name, _)| json!({"name": name})).collect();
        for (name, _) in &from {
            if !to.iter().any(|(other, _)| other == name) {
                changes.push(json!({"name": name, "$patch": "delete"}));
            }
        }
        let patch = json!({"spec": {"containers": changes, "$setElementOrder/containers": order}});
        let patched = strategic_merge_patch("", "Pod", &old, patch.to_string().as_bytes()).expect("applies");
        prop_assert_eq!(patched, new);
    }

    /// Merging an object into itself changes nothing.
    #[test]
    fn an_object_is_a_no_op_patch_of_itself(containers in containers()) {
        let pod = pod(&containers);
        let patched = strategic_merge_patch("", "Pod", &pod, pod.to_string().as_bytes()).expect("applies");
        prop_assert_eq!(patched, pod);
    }
}

#[test]
fn a_json_patch_of_few_bytes_cannot_make_a_document_huge_or_deep() {
    let doc = json!({"data": {"a": "x".repeat(1000)}});
    let doubling: Vec<Value> =
        (0..40).map(|n| json!({"op": "copy", "from": "/data", "path": format!("/data/c{n}")})).collect();
    assert!(json_patch(&doc, json!(doubling).to_string().as_bytes()).is_err());
    let mut deepening = vec![json!({"op": "add", "path": "/data/d", "value": []})];
    for levels in 0..200 {
        deepening
            .push(json!({"op": "add", "path": format!("/data/d{}/-", "/0".repeat(levels)), "value": []}));
    }
    assert!(json_patch(&doc, json!(deepening).to_string().as_bytes()).is_err());
    assert!(json_patch(&doc, json!(deepening[..50]).to_string().as_bytes()).is_ok());
}
