use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const EDITS: [(&str, Edit<'static>); 3] = [
    ("t/traceparent", Edit::Set("00-1")),
    ("k/cause", Edit::Set("{\"v\":1}")),
    ("t/tracestate", Edit::Remove),
];

fn spliced(body: &str, edits: &[(&str, Edit<'_>)]) -> Result<String, SpliceError> {
    let scanned = scan(body.as_bytes())?;
    splice(body.as_bytes(), &scanned, edits).map(|bytes| String::from_utf8(bytes).expect("UTF-8 stays UTF-8"))
}

fn check(body: &str, expected: Expect) {
    expected.assert_eq(&spliced(body, &EDITS).unwrap_or_else(|error| format!("error: {error}")));
}

#[test]
fn annotations_are_added_in_front() {
    check(
        r#"{"kind":"Pod","metadata":{"name":"a","annotations": {"x": "1" }},"spec":{}}"#,
        expect![[
            r#"{"kind":"Pod","metadata":{"name":"a","annotations": {"t/traceparent":"00-1","k/cause":"{\"v\":1}","x": "1" }},"spec":{}}"#
        ]],
    );
}

#[test]
fn what_is_missing_or_null_is_made() {
    check(
        r#"{}"#,
        expect![[r#"{"metadata":{"annotations":{"t/traceparent":"00-1","k/cause":"{\"v\":1}"}}}"#]],
    );
    check(
        r#" { "spec" : 1 } "#,
        expect![[
            r#" {"metadata":{"annotations":{"t/traceparent":"00-1","k/cause":"{\"v\":1}"}}, "spec" : 1 } "#
        ]],
    );
    check(
        r#"{"metadata":null}"#,
        expect![[r#"{"metadata":{"annotations":{"t/traceparent":"00-1","k/cause":"{\"v\":1}"}}}"#]],
    );
    check(
        r#"{"metadata":{}}"#,
        expect![[r#"{"metadata":{"annotations":{"t/traceparent":"00-1","k/cause":"{\"v\":1}"}}}"#]],
    );
    check(
        r#"{"metadata":{"annotations":null,"name":"a"}}"#,
        expect![[
            r#"{"metadata":{"annotations":{"t/traceparent":"00-1","k/cause":"{\"v\":1}"},"name":"a"}}"#
        ]],
    );
}

#[test]
fn our_old_annotations_are_replaced_however_they_are_written() {
    check(
        r#"{"metadata":{"annotations":{"a":"1", "t\/tracestate":"old" ,"k/cause":"x","b":"}","\u0074/traceparent":"y","k/cause":"z"}}}"#,
        expect![[
            r#"{"metadata":{"annotations":{"t/traceparent":"00-1","k/cause":"{\"v\":1}","a":"1","b":"}"}}}"#
        ]],
    );
}

#[test]
fn escaped_names_of_members_are_recognised() {
    let body = r#"{"meta\u0064ata":{"annot\u0061tions":{"x":"1"},"n\u0061me":"a\"b"}}"#;
    check(
        body,
        expect![[
            r#"{"meta\u0064ata":{"annot\u0061tions":{"t/traceparent":"00-1","k/cause":"{\"v\":1}","x":"1"},"n\u0061me":"a\"b"}}"#
        ]],
    );
    assert_eq!(scan(body.as_bytes()).expect("valid").name.as_deref(), Some("a\"b"));
}

#[test]
fn brackets_in_strings_and_members_of_the_same_name_below_do_not_mislead() {
    let body =
        r#"{"spec":{"template":{"metadata":{"annotations":{"x":"}{[\\\""}}}},"metadata":{"name":"a"}}"#;
    check(
        body,
        expect![[
            r#"{"spec":{"template":{"metadata":{"annotations":{"x":"}{[\\\""}}}},"metadata":{"annotations":{"t/traceparent":"00-1","k/cause":"{\"v\":1}"},"name":"a"}}"#
        ]],
    );
}

#[test]
fn duplicates_that_readers_understand_differently_are_refused() {
    check(r#"{"metadata":{},"metadata":{}}"#, expect!["error: a key stands twice"]);
    check(r#"{"metadata":{"annotations":{},"annotations":{}}}"#, expect!["error: a key stands twice"]);
}

#[test]
fn what_is_not_an_object_is_refused() {
    for bad in [
        "",
        "[]",
        "7",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{} {}",
        "{\"metadata\":7}",
        "{\"metadata\":{\"annotations\":[]}}",
        "{\"a\":\"\\",
        "{\"a\":[}",
    ] {
        assert!(spliced(bad, &EDITS).is_err(), "{bad}");
    }
}

#[test]
fn without_anything_to_write_nothing_is_added() {
    let edits = [("k/cause", Edit::Remove)];
    for body in [
        r#"{}"#,
        r#"{"metadata":null}"#,
        r#"{"metadata":{"annotations":null}}"#,
        r#"{"metadata":{"annotations":{ "x":"1"}}}"#,
    ] {
        assert_eq!(spliced(body, &edits).expect("valid"), body);
    }
    assert_eq!(
        spliced(r#"{"metadata":{"annotations":{"k/cause":"x"}}}"#, &edits).expect("valid"),
        r#"{"metadata":{"annotations":{}}}"#
    );
}

#[test]
fn the_scan_reads_what_a_write_has_to_know() {
    let scanned = scan(
        br#"{"kind":"Pod","metadata":{"generateName":"web-","uid":"u","resourceVersion":"7","name":null}}"#,
    )
    .expect("valid");
    assert_eq!(
        (
            scanned.kind.as_deref(),
            scanned.name.as_deref(),
            scanned.generate_name.as_deref(),
            scanned.uid.as_deref(),
            scanned.resource_version.as_deref()
        ),
        (Some("Pod"), None, Some("web-"), Some("u"), Some("7")),
    );
}

fn appended(patch: &str, has_annotations: bool) -> Result<String, SpliceError> {
    append(patch.as_bytes(), &EDITS, has_annotations, |key| key == "t/tracestate")
        .map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
}

#[test]
fn a_json_patch_gets_operations_at_its_end() {
    expect![[r#"[{"op":"remove","path":"/a"} ,{"op":"add","path":"/metadata/annotations/t~1traceparent","value":"00-1"},{"op":"add","path":"/metadata/annotations/k~1cause","value":"{\"v\":1}"},{"op":"remove","path":"/metadata/annotations/t~1tracestate"}]"#]]
        .assert_eq(&appended(r#"[{"op":"remove","path":"/a"} ]"#, true).expect("valid"));
    expect![[r#"[ {"op":"add","path":"/metadata/annotations","value":{}},{"op":"add","path":"/metadata/annotations/t~1traceparent","value":"00-1"},{"op":"add","path":"/metadata/annotations/k~1cause","value":"{\"v\":1}"}]"#]]
        .assert_eq(&appended("[ ]", false).expect("valid"));
    assert!(appended("{}", true).is_err());
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[{}\\[\\]\",:\\\\]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop_oneof![any::<String>(), "metadata|annotations|kind|k/cause|t/tracestate"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![any::<String>(), "k/cause|t/tracestate|t/traceparent|x"];
    let annotations = proptest::collection::btree_map(keys, any::<String>(), 0..5);
    let annotations = prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        annotations
            .prop_map(|map| Some(Value::Object(map.into_iter().map(|(k, v)| (k, v.into())).collect()))),
    ];
    (
        proptest::option::of(annotations),
        json_value(),
        proptest::collection::vec((any::<String>(), json_value()), 0..4),
    )
        .prop_map(|(metadata, other, members)| {
            let mut object: Map<String, Value> = members.into_iter().collect();
            match metadata {
                Some(annotations) => {
                    let mut inner = Map::new();
                    inner.insert("labels".into(), other);
                    annotations.map(|annotations| inner.insert("annotations".into(), annotations));
                    object.insert("metadata".into(), inner.into());
                }
                None => drop(object.remove("metadata")),
            }
            object.remove("kind");
            Value::Object(object)
        })
}

/// What the splice must do, written with a tree.
fn expected(mut object: Value) -> Value {
    if object["metadata"].is_null() {
        object["metadata"] = json!({});
    }
    if object["metadata"]["annotations"].is_null() {
        object["metadata"]["annotations"] = json!({});
    }
    let annotations = object["metadata"]["annotations"].as_object_mut().expect("just made");
    for (key, edit) in EDITS {
        match edit {
            Edit::Set(value) => drop(annotations.insert(key.into(), value.into())),
            Edit::Remove | Edit::Null => drop(annotations.remove(key)),
        }
    }
    object
}

proptest! {
    #[test]
    fn only_our_keys_differ(object in object(), pretty: bool) {
        let body = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
        let result = spliced(&body.expect("JSON"), &EDITS).expect("an object");
        let result: Value = serde_json::from_str(&result).expect("still JSON");
        prop_assert_eq!(result, expected(object));
    }

    #[test]
    fn no_text_panics_or_breaks(body in "[{}\\[\\]\",:\\\\a-d \n0-9]{0,40}") {
        if let (Ok(result), Ok(Value::Object(_))) = (spliced(&body, &EDITS), serde_json::from_str::<Value>(&body)) {
            prop_assert!(serde_json::from_str::<Value>(&result).is_ok(), "{} became {}", body, result);
        }
    }
}
