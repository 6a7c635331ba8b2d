use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

fn check(schema: &Value, value: &Value, expected: &Expect) {
    let causes = validate(&Schema::parse(schema), value, None, "");
    let lines: Vec<String> =
        causes.iter().map(|c| format!("{} {}: {}", c.reason, c.field, c.message)).collect();
    expected.assert_eq(&lines.join("\n"));
}

fn widget() -> Value {
    json!({"type": "object", "required": ["spec"], "properties": {"spec": {
    "type": "object", "required": ["size"], "maxProperties": 8, "properties": {
        "size": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 10},
        "ratio": {"type": "number", "exclusiveMinimum": true, "minimum": 0, "multipleOf": 0.5},
        "name": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-z]+$"},
        "mode": {"type": "string", "enum": ["Fast", "Slow"]},
        "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "when": {"type": "string", "format": "date-time"},
        "list": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
        "flag": {"type": "boolean"},
        "either": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                   "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "not": {"type": "string", "not": {"pattern": "^x"}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    }}}})
}

#[test]
fn a_valid_object_is_valid() {
    let spec = json!({"size": 3, "ratio": 1.5, "name": "abc", "mode": "Fast", "port": "http", "list": ["a"], "map": {"a": 1}});
    check(&widget(), &json!({"spec": spec}), &expect![[""]]);
}

#[test]
fn each_rule_has_the_message_of_the_real_server() {
    check(&widget(), &json!({}), &expect!["FieldValueRequired spec: Required value"]);
    let spec = json!({
        "size": 11, "ratio": 0, "name": "ABCDEF", "mode": "Other", "when": "yesterday", "list": [],
        "flag": "yes", "not": "xy", "map": {"a": "b"},
    });
    check(
        &widget(),
        &json!({"spec": spec}),
        &expect![[r#"
            FieldValueTooMany spec: Too many: 9: must have at most 8 items
            FieldValueTypeInvalid spec.flag: Invalid value: "string": spec.flag in body must be of type boolean: "string"
            FieldValueInvalid spec.list: Invalid value: 0: spec.list in body should have at least 1 items
            FieldValueTypeInvalid spec.map.a: Invalid value: "string": spec.map.a in body must be of type integer: "string"
            FieldValueNotSupported spec.mode: Unsupported value: "Other": supported values: "Fast", "Slow"
            FieldValueTooLong spec.name: Too long: may not be more than 5 bytes
            FieldValueInvalid <nil>: Invalid value: "": "spec.not" must not validate the schema (not)
            FieldValueInvalid spec.ratio: Invalid value: 0: factor MultipleOf declared for spec.ratio must be positive: 0
            FieldValueInvalid spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0
            FieldValueInvalid spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10
            FieldValueTypeInvalid spec.when: Invalid value: "yesterday": spec.when in body must be of type date-time: "yesterday""#]],
    );
}

#[test]
fn of_several_alternatives_the_closest_is_reported() {
    check(
        &widget(),
        &json!({"spec": {"size": 1, "port": true, "either": {"a": "", "b": ""}}}),
        &expect![[r#"
            FieldValueInvalid <nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found 2 valid alternatives
            FieldValueTypeInvalid spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"
            FieldValueInvalid <nil>: Invalid value: "": "spec.port" must validate at least one schema (anyOf)
            FieldValueTypeInvalid spec.port: Invalid value: "boolean": spec.port in body must be of type integer: "boolean""#]],
    );
}

#[test]
fn what_did_not_change_may_stay_invalid() {
    let schema = Schema::parse(&widget());
    let old = json!({"spec": {"size": 99, "name": "toolongname"}});
    let new = json!({"spec": {"size": 99, "name": "UP"}});
    let causes = validate(&schema, &new, Some(&old), "");
    assert_eq!(causes.iter().map(|c| c.field.as_str()).collect::<Vec<_>>(), ["spec.name"]);
    assert!(validate(&schema, &old, Some(&old), "").is_empty());
}

#[test]
fn lists_that_are_sets_or_maps_have_nothing_twice() {
    let schema = Schema::parse(&json!({"type": "object", "properties": {
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"],
                "items": {"type": "object"}},
    }}));
    let value =
        json!({"set": ["x", "y", "x", "x"], "map": [{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}, {"a": 1}]});
    let causes = list_types(&schema, &value, "");
    let lines: Vec<String> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
    assert_eq!(lines, [r#"map[1]: Duplicate value: {"a":1,"b":2}"#, r#"set[2]: Duplicate value: "x""#]);
}
