//! Ownership after writes, rendered; cases marked "real" are what a kube-apiserver 1.36.3 answered.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::kinds::Registry;
use crate::schema::MergeType;

/// Tracks an update of an object of the kind that it says it is.
fn track_update(old: Option<&Value>, new: &mut Value, writer: &By, now: Timestamp) {
    super::track_update(old, new, &writer.on(new), now);
}

/// A writer of any kind of object.
struct By {
    manager: String,
    subresource: Option<String>,
}

impl By {
    fn on(&self, object: &Value) -> Writer {
        let registry = Registry::built_in();
        let (api_version, kind) =
            (object["apiVersion"].as_str().expect("text"), object["kind"].as_str().expect("text"));
        let resource = registry.resources().iter().find(|r| r.api_version() == api_version && r.kind == kind);
        let subresource = self.subresource.as_deref().unwrap_or_default();
        let versions = match resource {
            Some(resource) => Versions::of(resource, &registry, subresource),
            None => Versions::single(api_version, kind, MergeType::deduced()),
        };
        Writer {
            manager: self.manager.clone(),
            subresource: self.subresource.clone(),
            versions,
            tracked: false,
        }
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

fn by(manager: &str) -> By {
    By { manager: manager.to_owned(), subresource: None }
}

fn render(object: &Value) -> String {
    let mut out = String::new();
    for entry in managed_fields(object).and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        let time = entries::seconds(entry.get("time").and_then(Value::as_str));
        let time = if time == 0 { "-".to_owned() } else { format!("+{}", time - 1_700_000_000) };
        out.push_str(&format!(
            "{} {} {} {time}\n  {}\n",
            text("manager"),
            text("operation"),
            text("subresource"),
            entry["fieldsV1"]
        ));
    }
    out
}

fn check(object: &Value, expected: &Expect) {
    expected.assert_eq(&render(object));
}

fn replica_set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "app", "image": "a:1", "resources": {}}]}}},
        "status": {"replicas": 0}})
}

#[test]
fn a_create_owns_what_it_says_and_the_containers_it_makes() {
    let mut new = replica_set();
    track_update(None, &mut new, &by("alice"), at(0));
    check(
        &new,
        &expect![[r#"
            alice Update - +0
              {"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:image":{},"f:name":{},"f:resources":{}}}}}}}
        "#]],
    );
}

#[test]
fn a_changed_value_changes_hands_and_a_removed_one_is_nobodys() {
    let mut first = replica_set();
    track_update(None, &mut first, &by("alice"), at(0));
    let mut second = first.clone();
    second["spec"]["replicas"] = json!(3);
    second["metadata"]["labels"] = json!({"tier": "front"});
    track_update(Some(&first), &mut second, &by("bob"), at(5));
    check(
        &second,
        &expect![[r#"
            alice Update - +0
              {"f:metadata":{"f:labels":{}},"f:spec":{"f:selector":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:image":{},"f:name":{},"f:resources":{}}}}}}}
            bob Update - +5
              {"f:metadata":{"f:labels":{"f:tier":{}}},"f:spec":{"f:replicas":{}}}
        "#]],
    );
}

#[test]
fn a_write_that_changes_nothing_moves_no_time() {
    let mut first = replica_set();
    track_update(None, &mut first, &by("alice"), at(0));
    let mut second = first.clone();
    track_update(Some(&first), &mut second, &by("bob"), at(5));
    assert_eq!(first, second);
}

#[test]
fn a_status_write_has_an_entry_of_its_own_and_a_main_write_owns_no_status() {
    let mut first = replica_set();
    first["status"] = json!({"replicas": 7});
    track_update(None, &mut first, &by("alice"), at(0));
    assert!(!render(&first).contains("f:status"));
    let mut second = first.clone();
    second["status"] = json!({"replicas": 1, "conditions": [{"type": "ReplicaFailure", "status": "True", "lastTransitionTime": null}]});
    track_update(
        Some(&first),
        &mut second,
        &By { subresource: Some("status".to_owned()), ..by("kcm") },
        at(3),
    );
    assert!(render(&second).ends_with(
        "kcm Update status +3\n  {\"f:status\":{\"f:conditions\":{\".\":{},\"k:{\\\"type\\\":\\\"ReplicaFailure\\\"}\":{\".\":{},\"f:lastTransitionTime\":{},\"f:status\":{},\"f:type\":{}}},\"f:replicas\":{}}}\n"
    ), "{}", render(&second));
}

#[test]
fn an_empty_list_stops_tracking_and_a_broken_one_is_replaced_by_the_live_one() {
    let mut first = replica_set();
    track_update(None, &mut first, &by("alice"), at(0));
    for reset in [json!([]), json!([{}])] {
        let mut second = first.clone();
        second["spec"]["replicas"] = json!(2);
        second["metadata"]["managedFields"] = reset;
        track_update(Some(&first), &mut second, &by("bob"), at(5));
        assert_eq!(second["metadata"].get("managedFields"), None);
        let mut third = second.clone();
        third["spec"]["replicas"] = json!(3);
        track_update(Some(&second), &mut third, &by("bob"), at(6));
        assert_eq!(third["metadata"].get("managedFields"), None);
    }
    let mut second = first.clone();
    second["metadata"]["managedFields"] = json!([{"manager": "x", "operation": "Guess"}]);
    assert!(validate(&second["metadata"]["managedFields"]).is_err());
    track_update(Some(&first), &mut second, &by("bob"), at(5));
    assert_eq!(first, second);
}

#[test]
fn the_eleventh_updater_merges_the_two_oldest() {
    let mut object = replica_set();
    track_update(None, &mut object, &by("m00"), at(0));
    for index in 1..12 {
        let old = object.clone();
        object["metadata"]["labels"][format!("l{index:02}")] = json!("x");
        track_update(Some(&old), &mut object, &by(&format!("m{index:02}")), at(index));
    }
    let managers: Vec<&str> = object["metadata"]["managedFields"]
        .as_array()
        .expect("list")
        .iter()
        .map(|entry| entry["manager"].as_str().expect("text"))
        .collect();
    assert_eq!(managers, ["ancient-changes", "m03", "m04", "m05", "m06", "m07", "m08", "m09", "m10", "m11"]);
    assert!(render(&object).contains("ancient-changes Update - +2\n"));
}

#[test]
fn unknown_kinds_have_granular_maps_and_atomic_lists() {
    let mut new = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"},
        "spec": {"parts": [{"name": "a"}], "size": {"w": 1, "h": 2}, "none": {}}});
    track_update(None, &mut new, &by("alice"), at(0));
    check(
        &new,
        &expect![[r#"
            alice Update - +0
              {"f:spec":{".":{},"f:none":{},"f:parts":{},"f:size":{".":{},"f:h":{},"f:w":{}}}}
        "#]],
    );
}

static WRITES: &str = include_str!("../../testdata/real/writes.jsonl");

/// The time of a manager's entry.
fn time_of(object: &Value, manager: &str, subresource: &str) -> Option<Timestamp> {
    let text =
        |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let entries = managed_fields(object).and_then(Value::as_array)?;
    let entry = entries.iter().find(|entry| {
        text(entry, "manager") == manager
            && text(entry, "subresource") == subresource
            && text(entry, "operation") == "Update"
    })?;
    entry.get("time")?.as_str()?.parse().ok()
}

/// Tracks a write of the replicas through the Scale.
fn track_scale(before: &Value, after: &mut Value, writer: &By, now: Timestamp) {
    let scale = |object: &Value| match object["spec"]["replicas"].as_i64().unwrap_or_default() {
        0 => json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {}, "spec": {}}),
        some => {
            json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {}, "spec": {"replicas": some}})
        }
    };
    let parent = writer.on(before);
    let (mut old, mut new) = (scale(before), scale(after));
    give_scale_its_owners(&mut old, before, &parent.versions, &["spec", "replicas"]);
    let of = schema::merge_type_of("autoscaling", "v1", "Scale").expect("known");
    let writer = Writer { versions: Versions::single("autoscaling/v1", "Scale", of), ..parent.clone() };
    super::track_update(Some(&old), &mut new, &writer, now);
    after["metadata"]["managedFields"] = before["metadata"]["managedFields"].clone();
    take_owners_from_scale(after, &new, &parent.versions, &["spec", "replicas"]);
}

#[test]
fn every_write_changes_ownership_as_on_the_real_server() {
    let mut last = Value::Null;
    let mut count = 0;
    let mut wrong = String::new();
    for line in WRITES.lines() {
        let case: Value = serde_json::from_str(line).expect("valid");
        let before = case.get("before").cloned().unwrap_or_else(|| last.clone());
        let after = match case.get("after") {
            None => None,
            Some(Value::String(_)) => Some(before.clone()),
            Some(after) => Some(after.clone()),
        };
        last = after.clone().unwrap_or_else(|| before.clone());
        let Some(after) = after else { continue };
        let text = |name: &str| case[name].as_str().expect("text");
        let writer = By {
            manager: text("manager").to_owned(),
            subresource: Some(text("sub").to_owned()).filter(|name| !name.is_empty()),
        };
        let mut ours = after.clone();
        let sent = if text("verb") == "PUT" { &case["body"] } else { &before };
        let metadata = ours["metadata"].as_object_mut().expect("object");
        match sent["metadata"].get("managedFields") {
            Some(list) => metadata.insert("managedFields".to_owned(), list.clone()),
            None => metadata.remove("managedFields"),
        };
        // A no-op must not move a time, so it is done much later.
        let later = Timestamp::from_second(4_000_000_000).expect("in range");
        let now = if after == before {
            later
        } else {
            time_of(&after, &writer.manager, text("sub")).unwrap_or(later)
        };
        if text("sub") == "scale" {
            track_scale(&before, &mut ours, &writer, now);
        } else {
            track_update(Some(&before), &mut ours, &writer, now);
        }
        if ours != after {
            wrong.push_str(&format!("{}\nours\n{}real\n{}\n", text("name"), render(&ours), render(&after)));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(count, 106);
}
