use expect_test::{Expect, expect};
use kontext_core::{Name, WriteKind};
use serde_json::{Value, json};

use super::*;

fn deployment() -> Value {
    json!({
        "kind": "Deployment",
        "metadata": {"name": "web", "uid": "u", "resourceVersion": "7", "generation": 3, "labels": {"app": "web"},
            "annotations": {"tracing.k8s.io/traceparent": "00-old", "kontext.dev/cause": "{}", "note": "x"}},
        "spec": {"replicas": 3},
        "status": {"replicas": 2},
    })
}

fn target(group: &'static str, kind: &'static str, write: WriteKind) -> Target<'static> {
    Target {
        group,
        kind,
        subresource: None,
        namespace: Some("shop"),
        name: Name::Exact("web".into()),
        uid: None,
        write,
        dry_run: false,
        manager: None,
    }
}

fn change(group: &'static str, kind: &'static str, edit: impl Fn(&mut Value)) -> Decision {
    let known = Fingerprint::of_value(&deployment()).expect("an object");
    let mut result = deployment();
    edit(&mut result);
    let result = Fingerprint::of_value(&result).expect("an object");
    decide(
        &Policy::new(),
        &target(group, kind, WriteKind::Update),
        Effect::Change { known: &known, result: &result },
    )
}

fn generation(decision: Decision) -> Option<i64> {
    match decision {
        Decision::New { generation, .. } => generation,
        other => panic!("no new stamp: {other:?}"),
    }
}

#[test]
fn unchanged_content_carries_the_live_stamp() {
    for (name, edit) in [
        ("nothing", (|_| {}) as fn(&mut Value)),
        ("status", |object| object["status"] = json!({"replicas": 3})),
        ("resource version", |object| object["metadata"]["resourceVersion"] = json!(null)),
        ("managed fields", |object| object["metadata"]["managedFields"] = json!([])),
        ("our own annotations", |object| object["metadata"]["annotations"] = json!({"note": "x"})),
    ] {
        assert_eq!(change("apps", "Deployment", edit), Decision::Carry, "{name}");
    }
}

#[test]
fn new_content_gets_a_new_stamp_for_the_next_generation() {
    let scaled = |object: &mut Value| object["spec"]["replicas"] = json!(4);
    assert_eq!(generation(change("apps", "Deployment", scaled)), Some(4));
    assert_eq!(generation(change("apps", "ReplicaSet", scaled)), Some(4));
}

#[test]
fn the_stamp_itself_raises_the_generation_of_a_deployment_alone() {
    let labelled = |object: &mut Value| object["metadata"]["labels"]["tier"] = json!("front");
    assert_eq!(generation(change("apps", "Deployment", labelled)), Some(4));
    assert_eq!(generation(change("apps", "ReplicaSet", labelled)), Some(3));
    assert_eq!(generation(change("discovery.k8s.io", "EndpointSlice", labelled)), Some(4));
    let noted = |object: &mut Value| object["metadata"]["annotations"]["note"] = json!("y");
    assert_eq!(change("discovery.k8s.io", "EndpointSlice", noted), Decision::Carry);
}

#[test]
fn context_that_others_wrote_is_content() {
    let foreign = |object: &mut Value| object["metadata"]["annotations"]["traceparent"] = json!("00-theirs");
    assert_eq!(generation(change("apps", "Deployment", foreign)), Some(4));
}

#[test]
fn bookkeeping_beside_an_unchanged_spec_keeps_the_stamp_that_explains_the_spec() {
    let noted = |object: &mut Value| object["metadata"]["annotations"]["note"] = json!("y");
    assert_eq!(change("apps", "ReplicaSet", noted), Decision::Carry);
}

#[test]
fn no_stamp_is_put_over_a_spec_that_somebody_else_wrote_since() {
    let stale = r#"{"v":1,"on":{"k":"ReplicaSet","n":"web","u":"u"},"c":"c","a":"x.Y","t":1,"f":{"k":"D","n":"d"},"h":0,"g":2}"#;
    let adopt = |stamp: &str| {
        let mut known = deployment();
        known["metadata"]["annotations"]["kontext.dev/cause"] = json!(stamp);
        let mut result = known.clone();
        result["metadata"]["ownerReferences"] = json!([{"uid": "o"}]);
        let [known, result] =
            [known, result].map(|object| Fingerprint::of_value(&object).expect("an object"));
        let target = target("apps", "ReplicaSet", WriteKind::Patch);
        decide(&Policy::new(), &target, Effect::Change { known: &known, result: &result })
    };
    assert_eq!(adopt(stale), Decision::Carry);
    assert_eq!(generation(adopt(&stale.replace("\"g\":2", "\"g\":3"))), Some(3));
}

#[test]
fn kinds_without_generation_are_known_by_their_content() {
    let edit = |object: &mut Value| object["spec"]["replicas"] = json!(4);
    let mut edited = deployment();
    edit(&mut edited);
    let content = Some(kontext_core::content_hash(&edited));
    assert_eq!(change("", "ConfigMap", edit), Decision::New { generation: None, content });
    let create = |kind, content| {
        decide(&Policy::new(), &target("", kind, WriteKind::Create), Effect::Create { content })
    };
    assert_eq!(create("ConfigMap", Some(7)), Decision::New { generation: None, content: Some(7) });
    assert_eq!(create("Pod", None), Decision::New { generation: Some(1), content: None });
}

#[test]
fn an_object_that_was_recreated_is_another_one() {
    let recreated = |object: &mut Value| object["metadata"]["uid"] = json!("v");
    assert_eq!(change("apps", "ReplicaSet", recreated), Decision::None(Unstamped::Unknown));
}

#[test]
fn what_never_bears_stamps_gets_none() {
    assert_eq!(change("coordination.k8s.io", "Lease", |_| {}), Decision::None(Unstamped::Excluded));
    let mut dry = target("", "Pod", WriteKind::Create);
    dry.dry_run = true;
    let effect = Effect::Create { content: None };
    assert_eq!(decide(&Policy::new(), &dry, effect), Decision::None(Unstamped::DryRun));
    let mut status = target("", "Pod", WriteKind::Update);
    status.subresource = Some("status");
    assert_eq!(decide(&Policy::new(), &status, effect), Decision::None(Unstamped::Subresource));
    let pod = target("", "Pod", WriteKind::Create);
    assert_eq!(decide(&Policy::off(), &pod, effect), Decision::None(Unstamped::Off));
}

fn check(patch: Value, expected: Expect) {
    let mut object = json!({"metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["f/one"],
        "ownerReferences": [{"uid": "o1", "name": "one"}]}, "spec": {"replicas": 1, "list": [1]}});
    let shown = match apply(&mut object, &patch) {
        Ok(()) => object.to_string(),
        Err(NotUnderstood) => "not understood".into(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn a_strategic_patch_merges_maps_and_the_two_lists_of_metadata() {
    check(
        json!({"metadata": {"uid": "u", "labels": {"a": null, "c": "3"},
            "ownerReferences": [{"uid": "o1", "controller": true}, {"uid": "o2"}], "finalizers": ["f/one", "f/two"]},
            "spec": {"replicas": 2}}),
        expect![[
            r#"{"metadata":{"finalizers":["f/one","f/two"],"labels":{"b":"2","c":"3"},"ownerReferences":[{"controller":true,"name":"one","uid":"o1"},{"uid":"o2"}],"uid":"u"},"spec":{"list":[1],"replicas":2}}"#
        ]],
    );
}

#[test]
fn a_strategic_patch_deletes_from_the_two_lists() {
    check(
        json!({"metadata": {"ownerReferences": [{"uid": "o1", "$patch": "delete"}, {"uid": "gone", "$patch": "delete"}],
            "$deleteFromPrimitiveList/finalizers": ["f/one"]}}),
        expect![[
            r#"{"metadata":{"finalizers":[],"labels":{"a":"1","b":"2"},"ownerReferences":[]},"spec":{"list":[1],"replicas":1}}"#
        ]],
    );
}

#[test]
fn other_lists_and_directives_are_not_guessed_at() {
    for patch in [
        json!({"spec": {"list": [2]}}),
        json!({"spec": {"$retainKeys": ["replicas"]}}),
        json!({"metadata": {"$patch": "replace"}}),
        json!({"metadata": {"$setElementOrder/finalizers": []}}),
        json!({"metadata": {"ownerReferences": [{"name": "no uid"}]}}),
        json!({"metadata": {"ownerReferences": [{"uid": "o1", "$patch": "replace"}]}}),
        json!({"spec": {"$deleteFromPrimitiveList/finalizers": []}}),
        json!([]),
    ] {
        check(patch, expect!["not understood"]);
    }
}
