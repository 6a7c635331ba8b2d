//! OpenAPI schemas of the built-in types, made of the tables that decoding and apply go by. They have no descriptions.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::protobuf::{Shape, named_fields, type_name};
use crate::schema::{self, ListKind, Omit, TypeDef};

const PREFIX: &str = "#/components/schemas/";

/// Adds the schema of a kind and of all types in it. Kinds that the tables do not have are left out.
pub(super) fn add_kind(
    schemas: &mut Map<String, Value>,
    group: &str,
    version: &str,
    api_version: &str,
    kind: &str,
) {
    let Some(name) = type_name(api_version, kind).or_else(|| schema::name_of(group, kind)) else { return };
    add_type(schemas, name);
    let Some(top) = schemas.get_mut(&public_name(name)) else { return };
    for field in ["apiVersion", "kind"] {
        top["properties"][field] = json!({"type": "string"});
    }
    top["x-kubernetes-group-version-kind"] = json!([{"group": group, "version": version, "kind": kind}]);
}

/// The metadata of all objects.
const METADATA: &str = "meta.v1.ObjectMeta";

/// Adds the metadata that all objects have.
pub(super) fn add_metadata(schemas: &mut Map<String, Value>) {
    add_type(schemas, METADATA);
}

/// Where a schema finds it.
pub(super) fn reference_to_metadata() -> String {
    format!("{PREFIX}{}", public_name(METADATA))
}

fn add_type(schemas: &mut Map<String, Value>, name: &'static str) {
    let mut wanted = BTreeSet::from([name]);
    while let Some(name) = wanted.pop_first() {
        let public = public_name(name);
        if !schemas.contains_key(&public) {
            schemas.insert(public, structure(name, &mut wanted));
        }
    }
}

/// `io.k8s.api.core.v1.Pod` of `core.v1.Pod`.
pub(super) fn public_name(name: &str) -> String {
    match name.split('.').next() {
        Some("meta") => format!("io.k8s.apimachinery.pkg.apis.{name}"),
        Some("apiextensions") => format!("io.k8s.apiextensions-apiserver.pkg.apis.{name}"),
        _ => format!("io.k8s.api.{name}"),
    }
}

fn structure(name: &'static str, wanted: &mut BTreeSet<&'static str>) -> Value {
    let definition = schema::type_named(name);
    let mut properties = Map::new();
    match (named_fields(name), definition) {
        (Some(fields), _) => {
            for (field, shape) in fields {
                let mut property = of_shape(shape, wanted);
                merge_facts(definition, field, &mut property);
                properties.insert((*field).to_owned(), property);
            }
        }
        (None, Some(definition)) => {
            for (field, facts) in &definition.fields {
                let mut property = of_type(&facts.shape, wanted);
                merge_facts(Some(definition), field, &mut property);
                properties.insert((*field).to_owned(), property);
            }
        }
        (None, None) => {}
    }
    let mut schema = json!({"type": "object", "properties": properties});
    let always = |(_, facts): &(&&str, &schema::Field)| {
        facts.omit == Omit::Never && !matches!(facts.shape, schema::Shape::Struct(_))
    };
    let required: Vec<&str> =
        definition.iter().flat_map(|d| d.fields.iter()).filter(always).map(|(name, _)| *name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if definition.is_some_and(|definition| definition.atomic) {
        schema["x-kubernetes-map-type"] = json!("atomic");
    }
    schema
}

/// How apply and strategic merge patches merge a field.
fn merge_facts(definition: Option<&TypeDef>, field: &str, property: &mut Value) {
    let Some(facts) = definition.and_then(|definition| definition.fields.get(field)) else { return };
    if property["type"] == "array" {
        match &facts.list {
            ListKind::Atomic => property["x-kubernetes-list-type"] = json!("atomic"),
            ListKind::Set => property["x-kubernetes-list-type"] = json!("set"),
            ListKind::Map(keys) => {
                property["x-kubernetes-list-type"] = json!("map");
                property["x-kubernetes-list-map-keys"] = json!(keys);
            }
        }
    }
    if facts.atomic == Some(true) {
        property["x-kubernetes-map-type"] = json!("atomic");
    }
    let strategy = &facts.strategy;
    let names =
        [("merge", strategy.merge), ("replace", strategy.replace), ("retainKeys", strategy.retain_keys)];
    let names: Vec<&str> = names.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
    if !names.is_empty() {
        property["x-kubernetes-patch-strategy"] = json!(names.join(","));
    }
    if let Some(key) = strategy.merge_key {
        property["x-kubernetes-patch-merge-key"] = json!(key);
    }
}

fn reference(name: &'static str, wanted: &mut BTreeSet<&'static str>) -> Value {
    wanted.insert(name);
    // A reference beside other facts stands in an allOf.
    json!({"allOf": [{"$ref": format!("{PREFIX}{}", public_name(name))}]})
}

fn of_shape(shape: &Shape, wanted: &mut BTreeSet<&'static str>) -> Value {
    match shape {
        Shape::Text | Shape::Quantity => json!({"type": "string"}),
        Shape::Number => json!({"type": "integer"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Bytes => json!({"type": "string", "format": "byte"}),
        Shape::Time | Shape::MicroTime => json!({"type": "string", "format": "date-time"}),
        Shape::IntOrString => json!({"type": "string", "format": "int-or-string"}),
        Shape::Raw => json!({"type": "object"}),
        Shape::Message(name) => reference(name, wanted),
        Shape::List(element) => json!({"type": "array", "items": of_shape(element, wanted)}),
        Shape::Map(element) => json!({"type": "object", "additionalProperties": of_shape(element, wanted)}),
    }
}

fn of_type(shape: &schema::Shape, wanted: &mut BTreeSet<&'static str>) -> Value {
    use schema::Shape;
    match shape {
        Shape::Text | Shape::Quantity => json!({"type": "string"}),
        Shape::Number => json!({"type": "integer"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Time => json!({"type": "string", "format": "date-time"}),
        Shape::IntOrString => json!({"type": "string", "format": "int-or-string"}),
        Shape::Opaque => json!({}),
        Shape::Struct(name) | Shape::Pointer(name) => reference(name, wanted),
        Shape::List(element) => json!({"type": "array", "items": of_type(element, wanted)}),
        Shape::Map(element) => json!({"type": "object", "additionalProperties": of_type(element, wanted)}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_a_pod_are_all_there() {
        let mut schemas = Map::new();
        add_kind(&mut schemas, "", "v1", "v1", "Pod");
        let pod = &schemas["io.k8s.api.core.v1.Pod"];
        assert_eq!(
            pod["x-kubernetes-group-version-kind"],
            json!([{"group": "", "version": "v1", "kind": "Pod"}])
        );
        let containers = &schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
        assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
        assert_eq!(
            containers["items"]["allOf"][0]["$ref"],
            "#/components/schemas/io.k8s.api.core.v1.Container"
        );
        let text = Value::Object(schemas.clone()).to_string();
        for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(schemas.contains_key(name), "{name}");
        }
    }

    #[test]
    fn a_type_that_contains_itself_is_there_once() {
        let mut schemas = Map::new();
        let group = "apiextensions.k8s.io";
        add_kind(&mut schemas, group, "v1", "apiextensions.k8s.io/v1", "CustomResourceDefinition");
        assert!(schemas.keys().any(|name| name.ends_with("JSONSchemaProps")));
    }
}
