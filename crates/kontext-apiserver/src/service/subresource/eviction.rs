//! `pods/eviction`: a delete that asks the disruption budgets first.

use http::StatusCode;
use serde_json::{Value, json};

use super::budget::{self, Budget};
use super::success;
use crate::admission::Operation;
use crate::error::ApiError;
use crate::object;
use crate::service::call::Reply;
use crate::service::write::{DeleteOptions, Prepared, commit, decode_object, delete_object, encoded};
use crate::service::{Call, admission};
use crate::store::Key;

/// How often an eviction starts again because pod or budget changed meanwhile.
const ATTEMPTS: usize = 20;

/// Evicts the pod, if its budget allows.
pub(in crate::service) async fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let mut eviction = decode_object(encoded(call), "policy", "v1", "Eviction")?;
    super::wipe(&mut eviction, &target.namespace)?;
    admission::namespace_accepts(call, &target.name)?;
    let asking = call.admission(Operation::Create, &target.name)?;
    if let Some(asking) = &asking {
        super::track(call, &mut eviction, "policy", "Eviction")?;
        eviction = asking.mutate(Some(eviction), None, &|_| {}).await?.unwrap_or_default();
    }
    if object::name(&eviction) != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let options = options(call, &eviction)?;
    if let Some(asking) = &asking {
        asking.validate(Some(&eviction), None).await?;
    }
    for _ in 0..ATTEMPTS {
        match evict(call, &options).await {
            Err(error) if error.code == StatusCode::CONFLICT && options.resource_version.is_none() => {}
            Err(error) => return Err(error),
            Ok(changed) => return Ok(Reply::json(StatusCode::CREATED, &success(), changed)),
        }
    }
    Err(ApiError::modified(&target.resource, &target.name))
}

/// The options of the delete; a dry run is one whichever of the two places says so.
fn options(call: &Call<'_>, eviction: &Value) -> Result<DeleteOptions, ApiError> {
    let mut options = DeleteOptions::of_object(&eviction["deleteOptions"])?;
    options.dry_run |= call.dry_run()?;
    Ok(options)
}

/// One attempt. The answer says whether anything was written.
async fn evict(call: &Call<'_>, asked: &DeleteOptions) -> Result<bool, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let key = Key::new(&target.namespace, &target.name);
    let stored = call
        .shared
        .store
        .find(resource.table, &key)
        .ok_or_else(|| ApiError::not_found(resource, &target.name))?;
    let pod = stored.value();
    let mut options = asked.clone();
    let ended =
        object::is_deleting(&pod) || matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    // What was decided from the pod's state holds for that state only.
    let holds_for_this_state = if ended {
        false
    } else if pod["status"]["phase"] == "Pending" {
        true
    } else {
        budget::spend(call, &pod, options.dry_run)? == Budget::NotNeeded
    };
    if holds_for_this_state && options.resource_version.is_none() {
        options.resource_version = Some(object::resource_version(&pod).to_owned());
    }
    let changed = if options.dry_run { false } else { announce(call, &key, &mut options)? };
    let outcome = delete_object(call, resource, &target.namespace, &target.name, &options, None).await?;
    Ok(changed || outcome.changed)
}

/// Writes into the pod's status that it is evicted, before it is deleted.
fn announce(call: &Call<'_>, key: &Key, options: &mut DeleteOptions) -> Result<bool, ApiError> {
    let resource = &call.target.resource;
    let (stored, changed) = commit(call, key, |old| {
        options.check(resource, &call.target.name, old)?;
        let mut new = old.clone();
        let condition = json!({
            "type": "DisruptionTarget", "status": "True",
            "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
        });
        set_condition(&mut new, condition, &object::seconds(call.now));
        Ok(if new == *old { Prepared::Unchanged } else { Prepared::Write(new) })
    })?;
    if options.resource_version.is_some() {
        options.resource_version = Some(object::resource_version(&stored.value()).to_owned());
    }
    Ok(changed)
}

/// Sets a condition; its time moves with its status.
pub(super) fn set_condition(pod: &mut Value, mut condition: Value, now: &str) {
    condition["lastProbeTime"] = Value::Null;
    condition["lastTransitionTime"] = json!(now);
    let conditions = object::child(pod, "status").entry("conditions").or_insert_with(|| json!([]));
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else { return };
    match list.iter_mut().find(|present| present["type"] == condition["type"]) {
        Some(present) => {
            if present["status"] == condition["status"] {
                condition["lastTransitionTime"] = present["lastTransitionTime"].clone();
            }
            if let Some(observed) = present.get("observedGeneration") {
                condition["observedGeneration"] = observed.clone();
            }
            *present = condition;
        }
        None => list.push(condition),
    }
}
