//! `pods/binding`: puts a pod onto a node. Nobody owns what it writes.

use http::StatusCode;
use serde_json::{Value, json};

use super::eviction::set_condition;
use super::success;
use crate::admission::Operation;
use crate::error::ApiError;
use crate::kinds::Resource;
use crate::object;
use crate::service::call::Reply;
use crate::service::write::{Prepared, commit, decode_object, encoded, normalize};
use crate::service::{Call, admission};
use crate::store::Key;

/// Binds the pod to the node that the body names.
pub(in crate::service) async fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let mut binding = decode_object(encoded(call), "", "v1", "Binding")?;
    super::in_namespace(&mut binding, &target.namespace)?;
    admission::namespace_accepts(call, &target.name)?;
    let asking = call.admission(Operation::Create, &target.name)?;
    if let Some(asking) = &asking {
        super::track(call, &mut binding, "", "Binding")?;
        binding = asking.mutate(Some(binding), None, &|_| {}).await?.unwrap_or_default();
    }
    if object::name(&binding) != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    let node = node_of(&binding)?;
    if let Some(asking) = &asking {
        asking.validate(Some(&binding), None).await?;
    }
    let conflict = |why: String| {
        let mut error = ApiError::conflict(resource, &target.name, &why);
        error.message = format!("Operation cannot be fulfilled on pods/binding \"{}\": {why}", target.name);
        error.details = Some(json!({"name": target.name, "kind": "pods/binding"}));
        error
    };
    let (_, changed) = commit(call, &Key::new(&target.namespace, &target.name), |old| {
        preconditions(resource, &target.name, &binding, old)?;
        if object::is_deleting(old) {
            return Err(conflict(format!(
                "pod {} is being deleted, cannot be assigned to a host",
                target.name
            )));
        }
        let current = object::text(old, &["spec", "nodeName"]);
        if !current.is_empty() {
            return Err(conflict(format!("pod {} is already assigned to node {current:?}", target.name)));
        }
        if old["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
            return Err(conflict(format!("pod {} has non-empty .spec.schedulingGates", target.name)));
        }
        let mut new = old.clone();
        object::child(&mut new, "spec").insert("nodeName".to_owned(), json!(node));
        object::child(&mut new, "status").remove("nominatedNodeName");
        merge(&mut new, &binding, "annotations");
        merge(&mut new, &binding, "labels");
        let condition = json!({"type": "PodScheduled", "status": "True"});
        set_condition(&mut new, condition, &object::seconds(call.now));
        normalize(resource, &mut new);
        Ok(Prepared::Write(new))
    })?;
    Ok(Reply::json(StatusCode::CREATED, &success(), changed))
}

/// The node that the binding names.
fn node_of(binding: &Value) -> Result<String, ApiError> {
    let target = &binding["target"];
    let text = |field: &str| target[field].as_str().unwrap_or_default();
    // Errors of validation that the real server does not dress up as such.
    let wrong = |why: String| Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", why));
    if !matches!(text("kind"), "" | "Node") {
        let kind = text("kind");
        return wrong(format!(
            "target.kind: Unsupported value: {kind:?}: supported values: \"Node\", \"<empty>\""
        ));
    }
    if text("name").is_empty() {
        return wrong("target.name: Required value".to_owned());
    }
    Ok(text("name").to_owned())
}

/// A uid or version in the binding is a precondition on the pod.
fn preconditions(resource: &Resource, name: &str, binding: &Value, old: &Value) -> Result<(), ApiError> {
    let key = format!("/registry/pods/{}/{name}", object::namespace(old));
    let (uid, version) = (object::uid(binding), object::resource_version(binding));
    if !uid.is_empty() && uid != object::uid(old) {
        return Err(ApiError::uid_conflict(resource, name, uid, object::uid(old), &key));
    }
    if !version.is_empty() && version != object::resource_version(old) {
        return Err(ApiError::version_conflict(resource, name, version, object::resource_version(old), &key));
    }
    Ok(())
}

/// Copies labels or annotations over.
fn merge(pod: &mut Value, binding: &Value, field: &str) {
    let Some(added) = binding["metadata"][field].as_object().filter(|added| !added.is_empty()) else {
        return;
    };
    let present = object::metadata(pod).entry(field).or_insert_with(|| json!({}));
    if let Some(present) = present.as_object_mut() {
        present.extend(added.clone());
    }
}
