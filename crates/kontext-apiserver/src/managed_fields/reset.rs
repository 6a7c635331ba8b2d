//! What a write through one door of a kind cannot change (Kubernetes 1.36, the registry strategies' reset fields):
//! main writes leave the status alone, writes of the status leave the rest alone.

use super::path::PathElement;
use crate::kinds::Resource;

/// The paths that are reset, with everything below them.
pub(super) fn reset_fields(resource: &Resource, subresource: &str) -> Vec<Vec<PathElement>> {
    if !resource.rules.status_split {
        return Vec::new();
    }
    let paths: &[&[&str]] = match (subresource, resource.storage_group.as_str(), resource.plural.as_str()) {
        ("" | "finalize", ..) => &[&["status"]],
        ("status", "apps", "deployments") => &[&["spec"], &["metadata", "labels"]],
        ("status", "", "pods") => {
            &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
        }
        ("status", "admissionregistration.k8s.io" | "flowcontrol.apiserver.k8s.io", _) => {
            &[&["spec"], &["metadata"]]
        }
        ("status", ..) if resource.custom.is_some() => &[&["spec"], &["metadata"]],
        ("status", ..) => &[&["spec"]],
        _ => &[],
    };
    paths.iter().map(|path| path.iter().map(|name| PathElement::field(name)).collect()).collect()
}
