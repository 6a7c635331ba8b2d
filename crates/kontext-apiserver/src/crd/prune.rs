//! Pruning, dropping of nulls and defaulting: what happens to an object between its bytes and its storage.

use serde_json::Value;

use super::schema::{Additional, Schema};
use crate::fields;

/// The fields of every Kubernetes object, which schemas need not name.
const META_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Removes what the schema does not have and returns the paths of what was removed, sorted. The fields of every object
/// stay where `root` or an embedded object begins; their metadata is checked elsewhere.
pub(super) fn prune(object: &mut Value, schema: &Schema, root: bool) -> Vec<String> {
    let mut removed = Vec::new();
    walk(object, Some(schema), At { root, preserve: false }, "", &mut removed);
    removed.sort();
    removed
}

/// What is known of a value from around it.
#[derive(Clone, Copy, Default)]
struct At {
    root: bool,
    /// It is an element of a list that keeps what is unknown.
    preserve: bool,
}

fn walk(value: &mut Value, schema: Option<&Schema>, at: At, path: &str, removed: &mut Vec<String>) {
    let preserve = at.preserve || schema.is_some_and(|schema| schema.preserve_unknown);
    let object = at.root || schema.is_some_and(|schema| schema.embedded);
    match value {
        Value::Object(fields) => fields.retain(|name, field| {
            if schema.is_some() && object && META_FIELDS.contains(&name.as_str()) {
                return true;
            }
            let inner = || if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let property = schema.and_then(|schema| schema.properties.get(name));
            match (property, schema.and_then(|schema| schema.additional.as_ref())) {
                (Some(property), _) => walk(field, Some(property), At::default(), &inner(), removed),
                (None, Some(Additional::Each(each))) => {
                    walk(field, Some(each), At::default(), &inner(), removed);
                }
                (None, _) if preserve => {}
                // Any field is fine, and what is in it is not.
                (None, Some(_)) => walk(field, None, At::default(), &inner(), removed),
                (None, None) => {
                    removed.push(inner());
                    return false;
                }
            }
            true
        }),
        Value::Array(items) => {
            let element = schema.and_then(|schema| schema.items.as_deref());
            if element.is_none() && preserve {
                return;
            }
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, element, At { root: false, preserve }, &format!("{path}[{index}]"), removed);
            }
        }
        _ => {}
    }
}

/// Removes nulls where the schema allows none and has no default to put in their place.
pub(super) fn drop_nulls(value: &mut Value, schema: Option<&Schema>) {
    match value {
        Value::Object(fields) => fields.retain(|name, field| {
            let schema = schema.and_then(|schema| schema.field(name));
            if field.is_null() && schema.is_some_and(|schema| !schema.nullable && schema.default.is_none()) {
                return false;
            }
            drop_nulls(field, schema);
            true
        }),
        Value::Array(items) => {
            let schema = schema.and_then(|schema| schema.items.as_deref());
            items.iter_mut().for_each(|item| drop_nulls(item, schema));
        }
        _ => {}
    }
}

/// Puts defaults in where fields are missing, or null and not nullable.
pub(super) fn fill_in(value: &mut Value, schema: &Schema) {
    let unwanted = |value: &Value, schema: &Schema| value.is_null() && !schema.nullable;
    match value {
        Value::Object(fields) => {
            for (name, property) in &schema.properties {
                let Some(default) = &property.default else { continue };
                if fields.get(name).is_none_or(|field| unwanted(field, property)) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, field) in fields.iter_mut() {
                if let Some(property) = schema.properties.get(name) {
                    fill_in(field, property);
                } else if let Some(Additional::Each(each)) = &schema.additional {
                    put_default(field, each);
                    fill_in(field, each);
                }
            }
        }
        Value::Array(items) => {
            let Some(element) = schema.items.as_deref() else { return };
            for item in items {
                put_default(item, element);
                fill_in(item, element);
            }
        }
        _ => {}
    }
}

fn put_default(value: &mut Value, schema: &Schema) {
    if let (Value::Null, false, Some(default)) = (&*value, schema.nullable, &schema.default) {
        *value = default.clone();
    }
}

/// Checks `apiVersion`, `kind` and `metadata` of embedded objects and removes from their metadata what no metadata has.
/// The error is the path, the value and what is wrong with it.
pub(super) fn embedded_metadata(
    value: &mut Value,
    schema: &Schema,
    path: &str,
    removed: &mut Vec<String>,
) -> Result<(), (String, Value, String)> {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                if schema.embedded {
                    match name.as_str() {
                        "apiVersion" | "kind" if !field.is_string() => {
                            return Err((inner, field.clone(), "must be a string".to_owned()));
                        }
                        "metadata" => {
                            let given = field.clone();
                            let unknown =
                                fields::metadata(field).map_err(|why| (inner.clone(), given, why))?;
                            removed.extend(unknown.into_iter().map(|field| format!("{inner}.{field}")));
                        }
                        _ => {}
                    }
                }
                if let Some(schema) = schema.field(name) {
                    embedded_metadata(field, schema, &inner, removed)?;
                }
            }
        }
        Value::Array(items) => {
            if let Some(element) = schema.items.as_deref() {
                for (index, item) in items.iter_mut().enumerate() {
                    embedded_metadata(item, element, &format!("{path}[{index}]"), removed)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(value: Value) -> Schema {
        Schema::parse(&value)
    }

    #[test]
    fn what_the_schema_does_not_have_is_removed() {
        let schema = schema(json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "size": {"type": "integer"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                "known": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "pod": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}},
        }}}}));
        let mut object = json!({
            "apiVersion": "a/v1", "kind": "K", "metadata": {"name": "n"}, "extra": 1,
            "spec": {
                "size": 1, "unknown": {}, "labels": {"any": "x"},
                "free": {"what": {"ever": 1}, "known": {"a": "", "b": ""}},
                "list": [{"a": "", "b": ""}, {"b": ""}],
                "pod": {"kind": "Pod", "metadata": {"name": "x"}, "status": {}, "spec": {"x": 1}},
            },
        });
        let removed = prune(&mut object, &schema, true);
        assert_eq!(
            removed,
            [
                "extra",
                "spec.free.known.b",
                "spec.list[0].b",
                "spec.list[1].b",
                "spec.pod.spec.x",
                "spec.pod.status",
                "spec.unknown"
            ]
        );
        assert_eq!(object["spec"]["free"], json!({"what": {"ever": 1}, "known": {"a": ""}}));
        assert_eq!(object["spec"]["pod"], json!({"kind": "Pod", "metadata": {"name": "x"}, "spec": {}}));
        assert_eq!(object["metadata"], json!({"name": "n"}));
    }

    #[test]
    fn defaults_go_in_where_fields_are_missing_or_null() {
        let schema = schema(json!({"type": "object", "properties": {
            "a": {"type": "string", "default": "A"},
            "b": {"type": "string", "default": "B"},
            "c": {"type": "string", "default": "C", "nullable": true},
            "d": {"type": "string"},
            "e": {"type": "object", "default": {}, "properties": {"f": {"type": "integer", "default": 1}}},
            "g": {"type": "array", "items": {"type": "object", "properties": {"p": {"type": "string", "default": "TCP"}}}},
            "h": {"type": "object", "additionalProperties": {"type": "integer", "default": 7}},
        }}));
        let mut object =
            json!({"b": null, "c": null, "d": null, "g": [{}, {"p": "UDP"}], "h": {"x": null, "y": 1}});
        drop_nulls(&mut object, Some(&schema));
        fill_in(&mut object, &schema);
        assert_eq!(
            object,
            json!({"a": "A", "b": "B", "c": null, "e": {"f": 1}, "g": [{"p": "TCP"}, {"p": "UDP"}], "h": {"x": 7, "y": 1}})
        );
    }

    #[test]
    fn embedded_objects_have_metadata_like_all_objects() {
        let schema = schema(json!({"type": "object", "properties": {"pod": {
            "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}}));
        let mut removed = Vec::new();
        let mut object = json!({"pod": {"kind": "Pod", "metadata": {"name": "x", "colour": 1}}});
        embedded_metadata(&mut object, &schema, "", &mut removed).unwrap();
        assert_eq!(
            (removed, &object["pod"]["metadata"]),
            (vec!["pod.metadata.colour".to_owned()], &json!({"name": "x"}))
        );
        let mut wrong = json!({"pod": {"kind": 1}});
        assert!(embedded_metadata(&mut wrong, &schema, "", &mut Vec::new()).is_err());
    }
}
