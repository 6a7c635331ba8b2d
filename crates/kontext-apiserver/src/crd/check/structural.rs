//! Whether a schema is structural: every field has a type of its own, and what is under `allOf`, `anyOf`, `oneOf` and
//! `not` only says more about fields that are there anyway.

use serde_json::{Value, json};

use crate::crd::failure;
use crate::crd::pattern;
use crate::error::Cause;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What keeps a schema from being structural, sorted.
pub(super) fn check(schema: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    invariants(schema, Level::Root, path, &mut causes);
    completeness(schema, path, &mut causes);
    causes.sort_by(|a, b| (&a.field, &a.message).cmp(&(&b.field, &b.message)));
    causes
}

fn is(schema: &Value, field: &str) -> bool {
    schema[field] == true
}

fn kind(schema: &Value) -> &str {
    schema["type"].as_str().unwrap_or_default()
}

fn invariants(schema: &Value, level: Level, path: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("{path}.{name}");
    let (embedded, preserve) =
        (is(schema, "x-kubernetes-embedded-resource"), is(schema, "x-kubernetes-preserve-unknown-fields"));
    let int_or_string = is(schema, "x-kubernetes-int-or-string");
    if kind(schema) == "array" && schema["items"].is_null() {
        causes.push(failure::required(&field("items"), "must be specified"));
    }
    if schema["items"].is_object() {
        invariants(&schema["items"], Level::Item, &field("items"), causes);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        invariants(property, Level::Field, &format!("{path}.properties[{name}]"), causes);
    }
    let additional = schema.get("additionalProperties").filter(|value| !value.is_null());
    if let Some(additional) = additional {
        if level == Level::Root {
            causes.push(failure::forbidden(&field("additionalProperties"), "must not be used at the root"));
        }
        if additional.is_object() {
            invariants(additional, Level::Field, &field("additionalProperties"), causes);
        }
    }
    for (other, set) in
        [("x-kubernetes-preserve-unknown-fields", preserve), ("x-kubernetes-embedded-resource", embedded)]
    {
        if int_or_string && set {
            let why = "must be false if x-kubernetes-int-or-string is true";
            causes.push(failure::invalid(&field(other), &json!(true), why));
        }
    }
    let skip_any_of = is_int_or_string(&schema["anyOf"]);
    let skip_first_all_of = is_int_or_string(&schema["allOf"][0]["anyOf"]);
    value_validation(schema, skip_any_of, skip_first_all_of, path, causes);
    if embedded && kind(schema) != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        causes.push(match kind(schema) {
            "" => failure::required(&field("type"), why),
            given => failure::invalid(&field("type"), &json!(given), why),
        });
    } else if kind(schema).is_empty() && !int_or_string && !preserve {
        let why = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        causes.push(failure::required(&field("type"), why));
    }
    if embedded && additional.is_some() {
        let why = "must not be used if x-kubernetes-embedded-resource is set";
        causes.push(failure::forbidden(&field("additionalProperties"), why));
    }
    if level == Level::Root && !matches!(kind(schema), "" | "object") {
        causes.push(failure::invalid(&field("type"), &schema["type"], "must be object at the root"));
    }
    object_fields(schema, level, embedded, path, causes);
    let no_properties = schema["properties"].as_object().is_none_or(serde_json::Map::is_empty);
    if embedded && !preserve && no_properties {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        causes.push(failure::required(&field("properties"), why));
    }
}

/// `apiVersion`, `kind` and `metadata` are what they are in every object.
fn object_fields(schema: &Value, level: Level, embedded: bool, path: &str, causes: &mut Vec<Cause>) {
    let checked = level == Level::Root || embedded;
    let properties = &schema["properties"];
    for name in ["kind", "apiVersion"] {
        if checked && properties[name].is_object() && kind(&properties[name]) != "string" {
            let path = format!("{path}.properties[{name}].type");
            causes.push(failure::invalid(&path, &json!(kind(&properties[name])), "must be string"));
        }
    }
    let metadata = &properties["metadata"];
    if !metadata.is_object() {
        return;
    }
    let path = format!("{path}.properties[metadata]");
    if checked && kind(metadata) != "object" {
        causes.push(failure::invalid(&format!("{path}.type"), &json!(kind(metadata)), "must be object"));
    }
    let only_names = metadata["properties"]
        .as_object()
        .is_none_or(|fields| fields.keys().all(|name| matches!(name.as_str(), "name" | "generateName")));
    let nothing_else = metadata.as_object().is_some_and(|fields| {
        fields.keys().all(|key| matches!(key.as_str(), "type" | "properties" | "default"))
    });
    if level == Level::Root && !(only_names && nothing_else) {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        causes.push(failure::forbidden(&path, why));
    }
}

fn is_int_or_string(any_of: &Value) -> bool {
    *any_of == json!([{"type": "integer"}, {"type": "string"}])
}

fn value_validation(
    schema: &Value,
    skip_any_of: bool,
    skip_first: bool,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    for junctor in ["anyOf", "allOf", "oneOf"] {
        if junctor == "anyOf" && skip_any_of {
            continue;
        }
        for (index, one) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            let skip = junctor == "allOf" && skip_first && index == 0;
            nested(one, skip, &format!("{path}.{junctor}[{index}]"), causes);
        }
    }
    if schema["not"].is_object() {
        nested(&schema["not"], false, &format!("{path}.not"), causes);
    }
    if let Some(text) = schema["pattern"].as_str()
        && let Err(why) = pattern::compile(text)
    {
        let why = format!("must be a valid regular expression, but isn't: {why}");
        causes.push(failure::invalid(&format!("{path}.pattern"), &json!(text), &why));
    }
}

fn nested(schema: &Value, skip_any_of: bool, path: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("{path}.{name}");
    value_validation(schema, skip_any_of, false, path, causes);
    if schema["items"].is_object() {
        nested(&schema["items"], false, &field("items"), causes);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        nested(property, false, &format!("{path}.properties[{name}]"), causes);
    }
    let text = |name: &str| schema[name].as_str().is_some_and(|text| !text.is_empty());
    let list = |name: &str| schema[name].as_array().is_some_and(|list| !list.is_empty());
    for (name, set, why) in [
        ("type", text("type") && !skip_any_of, "must be empty to be structural"),
        (
            "additionalProperties",
            schema["additionalProperties"].is_object() || schema["additionalProperties"] == true,
            "must be undefined to be structural",
        ),
        ("default", !schema["default"].is_null(), "must be undefined to be structural"),
        ("title", text("title"), "must be empty to be structural"),
        ("description", text("description"), "must be empty to be structural"),
        ("nullable", is(schema, "nullable"), "must be false to be structural"),
        (
            "x-kubernetes-preserve-unknown-fields",
            is(schema, "x-kubernetes-preserve-unknown-fields"),
            "must be false to be structural",
        ),
        (
            "x-kubernetes-embedded-resource",
            is(schema, "x-kubernetes-embedded-resource"),
            "must be false to be structural",
        ),
        (
            "x-kubernetes-int-or-string",
            is(schema, "x-kubernetes-int-or-string"),
            "must be false to be structural",
        ),
        ("x-kubernetes-list-map-keys", list("x-kubernetes-list-map-keys"), "must be empty to be structural"),
        ("x-kubernetes-list-type", text("x-kubernetes-list-type"), "must be undefined to be structural"),
        ("x-kubernetes-map-type", text("x-kubernetes-map-type"), "must be undefined to be structural"),
        ("x-kubernetes-validations", list("x-kubernetes-validations"), "must be empty to be structural"),
    ] {
        if set {
            causes.push(failure::forbidden(&field(name), why));
        }
    }
    if schema["properties"]["metadata"].is_object() {
        let path = format!("{path}.properties[metadata]");
        causes.push(failure::forbidden(&path, "must not be specified in a nested context"));
    }
}

/// Every field that is spoken of in a junctor must be specified outside of it.
fn completeness(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for junctor in ["anyOf", "allOf", "oneOf"] {
        for (index, one) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            specified(one, schema, path, &format!("{path}.{junctor}[{index}]"), causes);
        }
    }
    if schema["not"].is_object() {
        specified(&schema["not"], schema, path, &format!("{path}.not"), causes);
    }
    if schema["items"].is_object() {
        completeness(&schema["items"], &format!("{path}.items"), causes);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        completeness(property, &format!("{path}.properties[{name}]"), causes);
    }
    if schema["additionalProperties"].is_object() {
        completeness(&schema["additionalProperties"], &format!("{path}.additionalProperties"), causes);
    }
}

fn specified(nested: &Value, schema: &Value, path: &str, nested_path: &str, causes: &mut Vec<Cause>) {
    for junctor in ["anyOf", "allOf", "oneOf"] {
        for (index, one) in nested[junctor].as_array().into_iter().flatten().enumerate() {
            specified(one, schema, path, &format!("{nested_path}.{junctor}[{index}]"), causes);
        }
    }
    if nested["not"].is_object() {
        specified(&nested["not"], schema, path, &format!("{nested_path}.not"), causes);
    }
    if nested["items"].is_object() {
        let items = format!("{path}.items");
        if schema["items"].is_object() {
            specified(&nested["items"], &schema["items"], &items, &format!("{nested_path}.items"), causes);
        } else {
            let why = format!("because it is defined in {nested_path}.items");
            causes.push(failure::required(&items, &why));
        }
    }
    for (name, property) in nested["properties"].as_object().into_iter().flatten() {
        let (inner, nested_inner) =
            (format!("{path}.properties[{name}]"), format!("{nested_path}.properties[{name}]"));
        if schema["properties"][name].is_object() {
            specified(property, &schema["properties"][name], &inner, &nested_inner, causes);
        } else {
            causes.push(failure::required(&inner, &format!("because it is defined in {nested_inner}")));
        }
    }
}
