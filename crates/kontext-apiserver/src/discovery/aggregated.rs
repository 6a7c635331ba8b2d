//! Aggregated discovery (`apidiscovery.k8s.io/v2`): all groups with all resources in one answer.

use serde_json::{Value, json};

use crate::kinds::{Registry, Resource, Subresource};

/// The core group.
pub(super) fn core(registry: &Registry) -> Value {
    list(registry, str::is_empty)
}

/// All other groups.
pub(super) fn groups(registry: &Registry) -> Value {
    list(registry, |group| !group.is_empty())
}

fn list(registry: &Registry, wanted: impl Fn(&str) -> bool) -> Value {
    let items: Vec<Value> = registry
        .groups()
        .into_iter()
        .filter(|(group, _)| wanted(group))
        .map(|(group, versions)| {
            let versions: Vec<Value> =
                versions.iter().map(|version| self::version(registry, group, version)).collect();
            let mut metadata = json!({"creationTimestamp": null});
            if !group.is_empty() {
                metadata["name"] = json!(group);
            }
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn version(registry: &Registry, group: &str, version: &str) -> Value {
    let resources: Vec<Value> = registry
        .resources()
        .iter()
        .filter(|r| r.group == group && r.version == version)
        .map(|r| resource(r))
        .collect();
    json!({"version": version, "resources": resources, "freshness": "Current"})
}

fn resource(resource: &Resource) -> Value {
    let mut value = json!({
        "resource": resource.plural,
        "responseKind": kind(&resource.group, &resource.version, &resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    for (field, names) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !names.is_empty() {
            value[field] = json!(names);
        }
    }
    if !resource.subresources.is_empty() {
        value["subresources"] = resource.subresources.iter().map(subresource).collect();
    }
    value
}

fn subresource(subresource: &Subresource) -> Value {
    json!({
        "subresource": subresource.name,
        "responseKind": kind(&subresource.group, &subresource.version, &subresource.kind),
        "verbs": subresource.verbs,
    })
}

fn kind(group: &str, version: &str, kind: &str) -> Value {
    json!({"group": group, "version": version, "kind": kind})
}
