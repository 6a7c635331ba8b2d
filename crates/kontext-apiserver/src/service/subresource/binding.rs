//! `pods/binding`: puts a pod onto a node. Nobody owns what it writes.

use http::StatusCode;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::object;
use crate::service::Call;
use crate::service::call::Reply;
use crate::service::write::{Prepared, commit, decode_object, encoded, normalize};
use crate::store::Key;

/// Binds the pod to the node that the body names.
pub(in crate::service) async fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let binding = decode_object(encoded(call), "", "v1", "Binding")?;
    if object::name(&binding) != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    let node = object::text(&binding, &["target", "name"]).to_owned();
    if node.is_empty() {
        // An error of validation that the real server does not dress up as one.
        return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", "target.name: Required value"));
    }
    let conflict = |why: String| {
        let mut error = ApiError::conflict(resource, &target.name, &why);
        error.message = format!("Operation cannot be fulfilled on pods/binding \"{}\": {why}", target.name);
        error.details = Some(json!({"name": target.name, "kind": "pods/binding"}));
        error
    };
    let (_, changed) = commit(call, &Key::new(&target.namespace, &target.name), |old| {
        let wanted_uid = object::uid(&binding);
        if !wanted_uid.is_empty() && wanted_uid != object::uid(old) {
            let key = format!("/registry/pods/{}/{}", target.namespace, target.name);
            return Err(ApiError::uid_conflict(resource, &target.name, wanted_uid, object::uid(old), &key));
        }
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
        let mut new = old.clone();
        object::child(&mut new, "spec").insert("nodeName".to_owned(), json!(node));
        merge_annotations(&mut new, &binding);
        scheduled(&mut new, &object::seconds(call.now));
        normalize(resource, &mut new);
        Ok(Prepared::Write(new))
    })?;
    let success =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(Reply::json(StatusCode::CREATED, &success, changed))
}

fn merge_annotations(pod: &mut Value, binding: &Value) {
    let Some(added) = binding["metadata"]["annotations"].as_object().filter(|a| !a.is_empty()) else {
        return;
    };
    let annotations = object::metadata(pod).entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.extend(added.clone());
    }
}

/// Sets the condition that says the pod has a node.
fn scheduled(pod: &mut Value, now: &str) {
    let condition =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    let conditions = object::child(pod, "status").entry("conditions").or_insert_with(|| json!([]));
    let Some(list) = conditions.as_array_mut() else { return };
    match list.iter_mut().find(|c| c["type"] == "PodScheduled") {
        Some(present) => *present = condition,
        None => list.push(condition),
    }
}
