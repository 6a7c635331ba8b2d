//! The admission rules that are always on: the life of namespaces.

use serde_json::json;

use super::Call;
use crate::error::ApiError;
use crate::store::Key;

/// Namespaces that cannot be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Refuses to create in a namespace that is missing or ending.
pub(super) fn namespace_accepts(call: &Call<'_>, new_name: &str) -> Result<(), ApiError> {
    let target = call.target;
    if target.resource.custom.as_ref().is_some_and(|custom| custom.is_terminating()) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(ApiError::forbidden(&target.resource, new_name, why));
    }
    if !target.resource.namespaced {
        return Ok(());
    }
    let registry = call.shared.registry();
    let Some(namespaces) = registry.find("", "v1", "namespaces") else { return Ok(()) };
    let namespace = call
        .shared
        .store
        .find(namespaces.table, &Key::new("", &target.namespace))
        .ok_or_else(|| ApiError::not_found(namespaces, &target.namespace))?;
    if namespace.is_deleting() {
        let name = &target.namespace;
        let why = format!("unable to create new content in namespace {name} because it is being terminated");
        let cause = json!({
            "reason": "NamespaceTerminating",
            "message": format!("namespace {name} is being terminated"),
            "field": "metadata.namespace",
        });
        return Err(ApiError::forbidden(&target.resource, new_name, why).with_cause(cause));
    }
    Ok(())
}

/// Refuses to delete the namespaces that everything stands on.
pub(super) fn may_be_deleted(call: &Call<'_>, name: &str) -> Result<(), ApiError> {
    let resource = &call.target.resource;
    if resource.storage_group.is_empty() && resource.plural == "namespaces" && IMMORTAL.contains(&name) {
        return Err(ApiError::forbidden(resource, name, "this namespace may not be deleted"));
    }
    Ok(())
}
