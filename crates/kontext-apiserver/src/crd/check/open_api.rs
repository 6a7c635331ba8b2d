//! The rules that an `openAPIV3Schema` must keep, structural ones apart.

use serde_json::{Value, json};

use super::structural;
use crate::crd::failure;
use crate::crd::prune;
use crate::crd::schema::Schema;
use crate::crd::validate;
use crate::error::Cause;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// What a root schema may say where the status is a subresource, as Go names the fields.
const ALLOWED_AT_ROOT: &str = "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]";

/// Those that it may not say.
const FORBIDDEN_AT_ROOT: [&str; 17] = [
    "id",
    "$schema",
    "$ref",
    "default",
    "enum",
    "maxProperties",
    "minProperties",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "additionalProperties",
    "nullable",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
];

/// Fields that no schema may have, each with what is said about it.
const UNSUPPORTED: [&str; 7] =
    ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref", "$schema"];

/// Checks the schema of a version; `path` is that of the field `schema`.
pub(super) fn check(schema: &Value, has_status: bool, path: &str, causes: &mut Vec<Cause>) {
    let path = format!("{path}.openAPIV3Schema");
    let before = causes.len();
    if has_status {
        root_under_status(schema, &path, causes);
    }
    if schema["nullable"] == true {
        causes.push(failure::forbidden(&format!("{path}.nullable"), "nullable cannot be true at the root"));
    }
    let structural = structural::check(schema, &path);
    if structural.is_empty() {
        let parsed = Schema::parse(schema);
        defaults(schema, &parsed, true, &path, causes);
    }
    causes.extend(structural);
    let at = At { root: true, ..At::default() };
    node(schema, at, &path, causes);
    if causes.len() == before
        && let Some(field) = nested_unsupported(schema)
    {
        let why = format!("OpenAPIV3Schema '{field}' is not supported");
        causes.push(failure::invalid(&path, &json!(""), &why));
    }
}

fn nested_unsupported(schema: &Value) -> Option<&'static str> {
    UNSUPPORTED.into_iter().find(|field| *field == "$schema" && schema.get(*field).is_some())
}

fn root_under_status(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    if schema["type"] != "object" {
        let why = r#"only "object" is allowed as the type at the root of the schema if the status subresource is enabled"#;
        causes.push(failure::invalid(&format!("{path}.type"), &schema["type"], why));
        return;
    }
    let set = |field: &&str| {
        schema.get(*field).is_some_and(|value| !value.is_null() && *value != false && *value != "")
    };
    if FORBIDDEN_AT_ROOT.iter().any(set) {
        let why = format!(
            "only {ALLOWED_AT_ROOT} fields are allowed at the root of the schema if the status subresource is enabled"
        );
        causes.push(failure::invalid(path, schema, &why));
    }
}

/// Where a schema stands.
#[derive(Clone, Copy, Default)]
struct At<'a> {
    root: bool,
    inside_metadata: bool,
    /// Why there may be no defaults.
    no_defaults: Option<&'a str>,
}

fn node(schema: &Value, at: At<'_>, path: &str, causes: &mut Vec<Cause>) {
    if !schema.is_object() {
        return;
    }
    plain_rules(schema, at, path, causes);
    list_rules(schema, path, causes);
    map_rules(schema, path, causes);
    cel_rules(schema, path, causes);
    let inner = At { root: false, ..at };
    if let Some(additional) = schema.get("additionalProperties").filter(|value| !value.is_null()) {
        let some = schema["properties"].as_object().is_some_and(|properties| !properties.is_empty());
        if some && *additional != true {
            let why = "additionalProperties and properties are mutual exclusive";
            causes.push(failure::forbidden(&format!("{path}.additionalProperties"), why));
        }
        let mut inner = inner;
        if at.inside_metadata {
            inner.no_defaults = Some("inside additionalProperties applying to object metadata");
        }
        node(additional, inner, &format!("{path}.additionalProperties"), causes);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let mut inner = inner;
        let meta = matches!(name.as_str(), "metadata" | "kind" | "apiVersion");
        let reason = format!("in top-level {name}");
        if meta && (at.root || schema["x-kubernetes-embedded-resource"] == true) {
            inner.inside_metadata = true;
            if at.root {
                inner.no_defaults = Some(&reason);
            }
        }
        node(property, inner, &format!("{path}.properties[{name}]"), causes);
    }
    node(&schema["not"], inner, &format!("{path}.not"), causes);
    for junctor in ["allOf", "oneOf", "anyOf"] {
        for (index, one) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            node(one, inner, &format!("{path}.{junctor}[{index}]"), causes);
        }
    }
    node(&schema["items"], inner, &format!("{path}.items"), causes);
}

fn plain_rules(schema: &Value, at: At<'_>, path: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("{path}.{name}");
    let given = schema["type"].as_str().unwrap_or_default();
    if !given.is_empty() && !TYPES.contains(&given) {
        causes.push(failure::unsupported(&field("type"), &json!(given), &TYPES.map(str::to_owned)));
    }
    if let (Some(reason), Some(_)) = (at.no_defaults, schema.get("default").filter(|value| !value.is_null()))
    {
        causes.push(failure::forbidden(&field("default"), &format!("must not be set {reason}")));
    }
    for name in &UNSUPPORTED[..6] {
        let set = match &schema[*name] {
            Value::Null => false,
            Value::Object(fields) => !fields.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => true,
        };
        if set {
            causes.push(failure::forbidden(&field(name), &format!("{name} is not supported")));
        }
    }
    if given == "null" {
        causes.push(failure::forbidden(
            &field("type"),
            "type cannot be set to null, use nullable as an alternative",
        ));
    }
    if schema["items"].is_array() {
        causes.push(failure::forbidden(&field("items"), "items must be a schema object and not an array"));
    }
    if at.inside_metadata && schema["x-kubernetes-embedded-resource"] == true {
        let why = "must not be used inside of resource meta";
        causes.push(failure::forbidden(&field("x-kubernetes-embedded-resource"), why));
    }
    if schema["uniqueItems"] == true {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        causes.push(failure::forbidden(&field("uniqueItems"), why));
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        let why = "must be true or undefined";
        causes.push(failure::invalid(&field("x-kubernetes-preserve-unknown-fields"), &json!(false), why));
    }
}

fn must_be_type(schema: &Value, wanted: &str, because: &str, path: &str, causes: &mut Vec<Cause>) -> bool {
    let given = schema["type"].as_str().unwrap_or_default();
    let why = format!("must be {wanted} if {because} is specified");
    match given {
        "" => causes.push(failure::required(&format!("{path}.type"), &why)),
        given if given == wanted => return true,
        given => causes.push(failure::invalid(&format!("{path}.type"), &json!(given), &why)),
    }
    false
}

fn map_rules(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(kind) = schema["x-kubernetes-map-type"].as_str() else { return };
    must_be_type(schema, "object", "x-kubernetes-map-type", path, causes);
    if !matches!(kind, "atomic" | "granular") {
        let known = ["atomic".to_owned(), "granular".to_owned()];
        causes.push(failure::unsupported(&format!("{path}.x-kubernetes-map-type"), &json!(kind), &known));
    }
}

fn list_rules(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("{path}.{name}");
    let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let kind = schema["x-kubernetes-list-type"].as_str();
    let items = &schema["items"];
    if let Some(kind) = kind {
        if must_be_type(schema, "array", "x-kubernetes-list-type", path, causes) && kind == "set" {
            set_items(items, path, causes);
        }
        if !matches!(kind, "atomic" | "set" | "map") {
            let known = ["atomic".to_owned(), "set".to_owned(), "map".to_owned()];
            causes.push(failure::unsupported(&field("x-kubernetes-list-type"), &json!(kind), &known));
        }
    }
    if !keys.is_empty() && kind != Some("map") {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        causes.push(match kind {
            None => failure::required(&field("x-kubernetes-list-type"), why),
            Some(kind) => failure::invalid(&field("x-kubernetes-list-type"), &json!(kind), why),
        });
    }
    if matches!(kind, Some("set" | "map")) && items["nullable"] == true {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {}", kind.unwrap_or_default());
        causes.push(failure::forbidden(&field("items.nullable"), &why));
    }
    if kind == Some("map") {
        map_list(schema, &keys, path, causes);
    }
}

fn set_items(items: &Value, path: &str, causes: &mut Vec<Cause>) {
    let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
    match items["type"].as_str() {
        Some("array") if !matches!(items["x-kubernetes-list-type"].as_str(), None | Some("atomic")) => {
            let path = format!("{path}.items.x-kubernetes-list-type");
            causes.push(failure::invalid(&path, &items["x-kubernetes-list-type"], why));
        }
        Some("object") if items["x-kubernetes-map-type"] != "atomic" => {
            let path = format!("{path}.items.x-kubernetes-map-type");
            causes.push(failure::invalid(&path, &items["x-kubernetes-list-type"], why));
        }
        _ => {}
    }
}

fn map_list(schema: &Value, keys: &[&str], path: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("{path}.{name}");
    let items = &schema["items"];
    if keys.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        causes.push(failure::required(&field("x-kubernetes-list-map-keys"), why));
    }
    if !items.is_object() {
        causes
            .push(failure::required(&field("items"), "must have a schema if x-kubernetes-list-type is map"));
        return;
    }
    if items["type"] != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        causes.push(failure::invalid(&field("items.type"), &items["type"], why));
        return;
    }
    for (index, key) in keys.iter().enumerate() {
        let invalid = |why: &str| failure::invalid(&field("x-kubernetes-list-map-keys"), &json!(keys), why);
        let property = &items["properties"][*key];
        let at = |name: &str| format!("{path}.items.properties[{key}].{name}");
        if property.is_object() {
            if matches!(property["type"].as_str(), Some("array" | "object")) {
                let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                causes.push(failure::invalid(&at("type"), &items["type"], why));
            }
            let required =
                items["required"].as_array().is_some_and(|required| required.contains(&json!(key)));
            if !required && property["default"].is_null() {
                let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
                causes.push(failure::required(&at("default"), why));
            }
            if property["nullable"] == true {
                let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
                causes.push(failure::forbidden(&at("nullable"), why));
            }
        } else {
            causes.push(invalid("entries must all be names of item properties"));
        }
        if keys[..index].contains(key) {
            causes.push(invalid("must not contain duplicate entries"));
        }
    }
}

fn cel_rules(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (index, rule) in schema["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
        let path = |field: &str| format!("{path}.x-kubernetes-validations[{index}].{field}");
        let text = |field: &str| rule[field].as_str().unwrap_or_default();
        let (body, message) = (text("rule").trim(), text("message").trim());
        let lines = |text: &str| text.contains(['\n', '\r']);
        if body.is_empty() {
            causes.push(failure::required(&path("rule"), "rule is not specified"));
        } else if !text("message").is_empty() && message.is_empty() {
            causes.push(failure::invalid(
                &path("message"),
                &rule["message"],
                "must be non-empty if specified",
            ));
        } else if lines(message) {
            causes.push(failure::invalid(&path("message"), &rule["message"], "must not contain line breaks"));
        } else if lines(body) && message.is_empty() {
            let why = "message must be specified if rule contains line breaks";
            causes.push(failure::required(&path("message"), why));
        }
        let reasons =
            ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
        if !text("reason").is_empty() && !reasons.contains(&text("reason")) {
            causes.push(failure::unsupported(&path("reason"), &rule["reason"], &reasons.map(str::to_owned)));
        }
    }
}

/// Defaults must be what the schema allows: pruned and valid.
fn defaults(written: &Value, schema: &Schema, root: bool, path: &str, causes: &mut Vec<Cause>) {
    if let Some(default) = schema.default.as_ref().filter(|_| !root) {
        let path = format!("{path}.default");
        let mut pruned = default.clone();
        prune::prune(&mut pruned, schema, schema.embedded);
        if pruned != *default {
            causes.push(failure::invalid(&path, default, "must not have unknown fields"));
        }
        causes.extend(validate::validate(schema, default, None, &path));
    }
    if let Some(items) = schema.items.as_deref() {
        defaults(&written["items"], items, false, &format!("{path}.items"), causes);
    }
    for (name, property) in &schema.properties {
        let metadata = root && matches!(name.as_str(), "metadata" | "kind" | "apiVersion");
        if !metadata {
            defaults(
                &written["properties"][name],
                property,
                false,
                &format!("{path}.properties[{name}]"),
                causes,
            );
        }
    }
}
