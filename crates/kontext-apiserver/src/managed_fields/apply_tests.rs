//! Applies to custom resources, as a kube-apiserver 1.36.3 answered them: conflicts, refusals, and who owns what after.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::path::PathElement;
use super::*;
use crate::schema::{MergeType, from_open_api};

static RECORDED: &str = include_str!("../../testdata/real/custom_applies.jsonl");

fn by(manager: &str, subresource: &str, versions: Versions) -> Writer {
    let subresource = Some(subresource.to_owned()).filter(|name| !name.is_empty());
    Writer { manager: manager.to_owned(), subresource, versions, tracked: true }
}

/// Entries without their times, but with whether they have one.
fn entries_of(object: &Value) -> Value {
    let mut entries = object["metadata"]["managedFields"].clone();
    for entry in entries.as_array_mut().into_iter().flatten() {
        if let Some(time) = entry.get_mut("time") {
            *time = json!("T");
        }
    }
    if let Some(entries) = entries.as_array_mut() {
        entries.sort_by_key(Value::to_string);
    }
    entries
}

#[test]
fn every_apply_to_a_custom_resource_ends_as_on_the_real_server() {
    let mut lines = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).expect("valid"));
    let schema = lines.next().expect("the schema comes first");
    let typed = from_open_api(&schema["schema"]);
    let now = Timestamp::from_second(4_000_000_000).expect("in range");
    let (mut wrong, mut count) = (String::new(), 0);
    for case in lines {
        let text = |name: &str| case[name].as_str().expect("text");
        let of = if text("kind") == "Blob" {
            from_open_api(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))
        } else {
            typed.clone()
        };
        let reset: &[&str] = match (case["status_split"] == true, text("sub")) {
            (true, "") => &["status"],
            (true, _) => &["spec", "metadata"],
            _ => &[],
        };
        let reset = reset.iter().map(|name| vec![PathElement::field(name)]).collect();
        let versions = Versions::single("ssa.example.com/v1", text("kind"), of).resetting(reset);
        let writer = by(text("manager"), text("sub"), versions);
        let before = Some(&case["before"]).filter(|before| !before.is_null());
        let applied = crate::yaml::parse_map(case["applied"].to_string().as_bytes()).expect("a map");
        let result = apply(before, &applied, &writer, case["force"] == true, now);
        let (ours, real) = match &result {
            Ok(object) => (entries_of(object), entries_of(&case["after"])),
            Err(ApplyError::Conflicts(conflicts)) => {
                (json!(conflict_message(conflicts)), case["after"]["message"].clone())
            }
            Err(ApplyError::BadRequest(why) | ApplyError::Internal(why)) => {
                (json!(why), case["after"]["message"].clone())
            }
        };
        if ours != real {
            wrong.push_str(&format!("{} {}\nours {ours}\nreal {real}\n", case["name"], case["applied"]));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 80, "{count} cases");
}

#[test]
fn a_map_that_became_atomic_or_granular_is_no_obstacle() {
    let of = |map: &str| {
        from_open_api(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "size": {"type": "object", "x-kubernetes-map-type": map,
                "additionalProperties": {"type": "integer"}}}}}}))
    };
    let now = Timestamp::from_second(1_700_000_000).expect("in range");
    let write = |live: Option<&Value>, of: MergeType, size: Value| {
        let applied =
            json!({"apiVersion": "e.x/v1", "kind": "Box", "metadata": {"name": "b"}, "spec": {"size": size}});
        apply(live, &applied, &by("a", "", Versions::single("e.x/v1", "Box", of)), false, now)
            .expect("applies")
    };
    let granular = write(None, of("granular"), json!({"w": 1, "h": 2}));
    let atomic = write(Some(&granular), of("atomic"), json!({"w": 1}));
    assert_eq!(atomic["spec"]["size"], json!({"w": 1}));
    let granular = write(Some(&atomic), of("granular"), json!({"h": 2}));
    assert_eq!(granular["spec"]["size"]["h"], 2);
}
