//! Types from the structural OpenAPI v3 schema of a custom resource.

#![allow(dead_code, reason = "called where custom resources are registered")]

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Atom, FieldType, ListRelation, ListType, MapType, MergeType, Scalar};

/// The type of the objects of a custom resource, with `apiVersion`, `kind` and the metadata of every object.
/// `schema` is `spec.versions[].schema.openAPIV3Schema`.
pub(crate) fn from_open_api(schema: &Value) -> MergeType {
    let mut atom = atom(schema, false);
    if let Some(map) = &mut atom.map {
        complete_object(map);
    }
    MergeType::inline(atom)
}

/// Adds what every object of the API has.
fn complete_object(map: &mut MapType) {
    for field in ["apiVersion", "kind"] {
        let of = MergeType::scalar(Scalar::Text);
        map.fields.insert(field.to_owned(), FieldType { of, default: None });
    }
    let of = MergeType::named("meta.v1.ObjectMeta");
    map.fields.insert("metadata".to_owned(), FieldType { of, default: None });
}

/// `open`: a level above preserves unknown fields.
fn atom(schema: &Value, open: bool) -> Atom {
    let open = open || schema["x-kubernetes-preserve-unknown-fields"] == true;
    match schema["type"].as_str() {
        Some("object") => {
            let mut map = map(schema, open);
            if schema["x-kubernetes-embedded-resource"] == true {
                complete_object(&mut map);
            }
            Atom { map: Some(map), ..Atom::default() }
        }
        Some("array") => Atom { list: Some(list(schema, open)), ..Atom::default() },
        Some("integer" | "number") => Atom { scalar: Some(Scalar::Numeric), ..Atom::default() },
        Some("boolean") => Atom { scalar: Some(Scalar::Boolean), ..Atom::default() },
        Some("string") => {
            let plain = matches!(schema["format"].as_str(), None | Some("" | "byte"));
            let scalar = if plain { Scalar::Text } else { Scalar::Untyped };
            Atom { scalar: Some(scalar), ..Atom::default() }
        }
        // A schema without a type takes anything (int-or-string, preserved unknown fields).
        _ => Atom {
            scalar: Some(Scalar::Untyped),
            list: Some(list(schema, open)),
            map: Some(map(schema, open)),
        },
    }
}

fn map(schema: &Value, open: bool) -> MapType {
    let fields: BTreeMap<String, FieldType> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let default = property.get("default").filter(|default| !default.is_null()).cloned();
            (name.clone(), FieldType { of: MergeType::inline(atom(property, open)), default })
        })
        .collect();
    let element = match schema.get("additionalProperties") {
        Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(MergeType::deduced()),
        Some(of @ Value::Object(_)) => Some(MergeType::inline(atom(of, open))),
        _ => (open || fields.is_empty()).then(MergeType::deduced),
    };
    MapType { fields, element, atomic: schema["x-kubernetes-map-type"] == "atomic" }
}

fn list(schema: &Value, open: bool) -> ListType {
    let element = match schema.get("items") {
        Some(items @ Value::Object(_)) => MergeType::inline(atom(items, open)),
        _ => MergeType::untyped(),
    };
    let relation = match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => ListRelation::Set,
        Some("map") => ListRelation::Keys(
            schema["x-kubernetes-list-map-keys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ),
        _ => ListRelation::Atomic,
    };
    ListType { element, relation }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_structural_schema_says_how_lists_and_maps_merge() {
        let of = from_open_api(
            &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                "items": {"type": "object", "properties": {
                    "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}}}},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "colour": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "integer"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "size": {"x-kubernetes-int-or-string": true}}}}}),
        );
        let top = of.as_map().expect("map").0;
        assert!(top.declares("metadata") && top.declares("kind") && top.type_of("status").is_none());
        let spec = top.type_of("spec").and_then(MergeType::as_map).expect("map").0;
        let list = |name: &str| spec.type_of(name).expect("declared").atom().list.clone().expect("list");
        assert_eq!(list("ports").key_default("protocol"), Some(&json!("TCP")));
        assert_eq!(list("tags").relation, ListRelation::Set);
        assert!(spec.type_of("colour").and_then(MergeType::as_map).expect("map").1);
        assert!(spec.type_of("free").and_then(MergeType::as_map).expect("map").0.type_of("any").is_some());
        assert_eq!(spec.type_of("size").expect("declared").atom().scalar, Some(Scalar::Untyped));
    }

    #[test]
    fn a_schema_that_preserves_everything_is_deduced() {
        let of = from_open_api(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
        assert!(of.as_map().expect("map").0.type_of("spec").is_some());
    }
}
