//! As much of OpenAPI as clients need to decide how they write.
//!
//! kubectl looks here whether the server validates fields and knows dry runs. The documents have the paths with their
//! parameters and no schemas: `kubectl explain` says that it cannot find the type.

use serde_json::{Map, Value, json};

use super::group_path;
use crate::kinds::{Registry, Resource};
use crate::object;

/// `/openapi/v3`: where the documents are.
pub(super) fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for (group, versions) in registry.groups() {
        for version in versions {
            let path = group_path(group, version);
            let url = format!("/openapi/v3{path}?hash=kontext-{}", env!("CARGO_PKG_VERSION"));
            paths.insert(path.trim_start_matches('/').to_owned(), json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

/// The document of one group and version.
pub(super) fn document(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut paths = Map::new();
    for resource in registry.resources().iter().filter(|r| r.group == group && r.version == version) {
        let namespace = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{}{namespace}/{}", group_path(group, version), resource.plural);
        paths.insert(
            format!("{collection}/{{name}}"),
            json!({
                "get": operation(resource, "get", &[]),
                "put": operation(resource, "put", &["dryRun", "fieldManager", "fieldValidation"]),
                "patch": operation(resource, "patch", &["dryRun", "fieldManager", "fieldValidation"]),
                "delete": operation(resource, "delete", &["dryRun"]),
            }),
        );
        paths.insert(
            collection,
            json!({
                "get": operation(resource, "list", &[]),
                "post": operation(resource, "post", &["dryRun", "fieldManager", "fieldValidation"]),
            }),
        );
    }
    if paths.is_empty() {
        return None;
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "kontext in-memory API server", "version": "v1.36.3"},
        "paths": paths,
        "components": {"schemas": schemas(registry, group, version)},
    }))
}

/// The schemas of all kinds of a version.
fn schemas(registry: &Registry, group: &str, version: &str) -> Map<String, Value> {
    let of_version = || registry.resources().iter().filter(|r| r.group == group && r.version == version);
    let mut schemas = Map::new();
    for resource in of_version().filter(|resource| resource.custom.is_none()) {
        super::schemas::add_kind(&mut schemas, group, version, &resource.api_version(), &resource.kind);
    }
    schemas.extend(of_version().filter_map(|resource| {
        let mut schema = resource.custom.as_ref()?.open_api_schema().clone();
        let properties = object::child(&mut schema, "properties");
        for field in ["apiVersion", "kind"] {
            properties.insert(field.to_owned(), json!({"type": "string"}));
        }
        let metadata = json!({"allOf": [{"$ref": super::schemas::reference_to_metadata()}]});
        properties.insert("metadata".to_owned(), metadata);
        schema["x-kubernetes-group-version-kind"] =
            json!([{"group": group, "version": version, "kind": resource.kind}]);
        Some((schema_name(resource), schema))
    }));
    if of_version().any(|resource| resource.custom.is_some()) {
        super::schemas::add_metadata(&mut schemas);
    }
    schemas
}

/// `com.example.v1.Widget`: the group backwards, the version and the kind.
fn schema_name(resource: &Resource) -> String {
    let group: Vec<&str> = resource.group.split('.').rev().collect();
    format!("{}.{}.{}", group.join("."), resource.version, resource.kind)
}

fn operation(resource: &Resource, action: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
        .collect();
    json!({
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": resource.group, "version": resource.version, "kind": resource.kind,
        },
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
    })
}
