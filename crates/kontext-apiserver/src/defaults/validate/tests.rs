//! Objects that a kube-apiserver 1.36.3 refused, and what it said about them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{validate, validate_event_update};
use crate::defaults::value::{child, put};
use crate::defaults::{apply_defaults, plugins, prepare_create, prepare_update};
use crate::schema;

static INVALID: &str = include_str!("../../../testdata/real/invalid.jsonl");
static CREATES: &str = include_str!("../../../testdata/real/creates.jsonl");

/// A message up to where the real server prints its internal structs, which ours does not have: a Pod template, and
/// the difference between two Pods.
fn comparable(field: &str, message: &str) -> String {
    let end = match field {
        "spec.template" => message.find('{'),
        _ => message.find("previously negative)"),
    };
    message[..end.unwrap_or(message.len())].to_owned()
}

#[test]
fn what_the_real_server_refuses_is_refused_with_its_words() {
    let mut wrong = String::new();
    let mut count = 0;
    for line in INVALID.lines() {
        let case: Value = serde_json::from_str(line).expect("valid");
        let (mut new, old) = (case["sent"].clone(), Some(&case["old"]).filter(|old| !old.is_null()));
        let (group, kind) = (schema::group_of(&case["sent"]), schema::kind_of(&case["sent"]));
        let uid = case["uid"].as_str().unwrap_or("u");
        apply_defaults(group, kind, &mut new);
        plugins(group, kind, &mut new, old.is_none());
        match old {
            None => {
                put(child(&mut new, "metadata"), "uid", uid);
                prepare_create(group, kind, &mut new);
            }
            Some(old) => prepare_update(group, kind, &mut new, old),
        }
        let ours: Vec<String> = validate(group, kind, &new, old)
            .into_iter()
            .map(|error| {
                format!("{} {} {}", error.field, error.reason, comparable(&error.field, &error.message))
            })
            .collect();
        let real: Vec<String> = case["causes"]
            .as_array()
            .expect("list")
            .iter()
            .map(|cause| {
                let text = |name: &str| cause[name].as_str().expect("text");
                format!("{} {} {}", text("field"), text("reason"), comparable(text("field"), text("message")))
            })
            .collect();
        if ours.iter().collect::<BTreeSet<_>>() != real.iter().collect::<BTreeSet<_>>() {
            wrong.push_str(&format!(
                "{}\n  ours\n    {}\n  real\n    {}\n",
                case["name"],
                ours.join("\n    "),
                real.join("\n    ")
            ));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 80);
}

#[test]
fn what_the_real_server_accepted_is_accepted() {
    for line in CREATES.lines() {
        let case: Value = serde_json::from_str(line).expect("valid");
        let got = &case["got"];
        let (group, kind) = (schema::group_of(got), schema::kind_of(got));
        assert_eq!(validate(group, kind, got, None), [], "{got}");
        assert_eq!(validate(group, kind, got, Some(got)), [], "{got}");
    }
}

#[test]
fn an_event_says_the_same_for_ever() {
    let old = json!({"reason": "R", "message": "m", "related": null, "involvedObject": {"kind": "Pod", "name": "p"}});
    let mut new =
        json!({"reason": "R", "message": "n", "related": {}, "involvedObject": {"kind": "Pod", "name": "q"}});
    let errors: Vec<String> = validate_event_update(&new, &old)
        .into_iter()
        .map(|e| format!("{}: {}", e.field, e.message))
        .collect();
    assert_eq!(
        errors,
        [
            r#"involvedObject: Invalid value: {"Kind":"Pod","Namespace":"","Name":"q","UID":"","APIVersion":"","ResourceVersion":"","FieldPath":""}: field is immutable"#,
            r#"message: Invalid value: "n": field is immutable"#,
        ]
    );
    new = old.clone();
    new["series"] = json!({"count": 2});
    assert_eq!(validate_event_update(&new, &old), []);
}
