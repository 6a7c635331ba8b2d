//! `pods/eviction`: a delete that asks the disruption budgets first.

use http::StatusCode;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::object;
use crate::service::Call;
use crate::service::call::Reply;
use crate::service::write::{decode_object, delete_object, delete_options, encoded};
use crate::store::Key;

/// Evicts the pod, if its budget allows.
pub(in crate::service) async fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let eviction = decode_object(encoded(call), "policy", "v1", "Eviction")?;
    let name = object::name(&eviction);
    if !name.is_empty() && name != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let options = delete_options(call, &eviction["deleteOptions"])?;
    let pod = call
        .shared
        .store
        .find(resource.table, &Key::new(&target.namespace, &target.name))
        .ok_or_else(|| ApiError::not_found(resource, &target.name))?;
    if !needs_no_budget(&pod.value()) {
        spend_budget(call, &pod.value())?;
    }
    let outcome = delete_object(call, resource, &target.namespace, &target.name, &options).await?;
    let success =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(Reply::json(StatusCode::CREATED, &success, outcome.changed))
}

/// A pod that is done, not started, or ending disrupts nothing.
fn needs_no_budget(pod: &Value) -> bool {
    object::is_deleting(pod)
        || matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Pending"))
}

/// Takes one disruption from the budget of a pod.
fn spend_budget(call: &Call<'_>, pod: &Value) -> Result<(), ApiError> {
    let shared = call.shared;
    let registry = shared.registry();
    let Some(budgets) = registry.find("policy", "v1", "poddisruptionbudgets") else { return Ok(()) };
    for _ in 0..16 {
        let all = shared
            .store
            .snapshot(budgets.table, &call.target.namespace, None, None)
            .map_err(|_| ApiError::internal("the current state is always there"))?;
        let matching: Vec<_> = all
            .objects
            .into_iter()
            .map(|(key, stored)| (key, stored.value(), stored))
            .filter(|(_, budget, _)| selects(&budget["spec"]["selector"], &pod["metadata"]["labels"]))
            .collect();
        let (key, budget, stored) = match matching.as_slice() {
            [] => return Ok(()),
            [one] => one,
            _ => {
                return Err(ApiError::internal(
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                ));
            }
        };
        let allowed = budget["status"]["disruptionsAllowed"].as_i64().unwrap_or_default();
        if allowed <= 0 {
            return Err(refused(object::name(budget), budget));
        }
        if call.dry_run()? {
            return Ok(());
        }
        let mut new = budget.clone();
        let status = object::child(&mut new, "status");
        status.insert("disruptionsAllowed".to_owned(), json!(allowed - 1));
        let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
        disrupted[&call.target.name] = json!(object::seconds(call.now));
        if shared.store.replace(budgets.table, key, stored, new).is_ok() {
            return Ok(());
        }
    }
    Err(ApiError::internal("the disruption budget changes too fast"))
}

fn refused(name: &str, budget: &Value) -> ApiError {
    let count = |field: &str| budget["status"][field].as_i64().unwrap_or_default();
    let cause = json!({
        "reason": "DisruptionBudget",
        "message": format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            count("desiredHealthy"), count("currentHealthy")
        ),
    });
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    .with_cause(cause)
}

/// Whether a LabelSelector object selects these labels; an empty one selects everything, none selects nothing.
fn selects(selector: &Value, labels: &Value) -> bool {
    if selector.is_null() {
        return false;
    }
    let value = |key: &str| labels.get(key).and_then(Value::as_str);
    let labels_match = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, wanted)| value(key) == wanted.as_str());
    labels_match
        && selector["matchExpressions"].as_array().into_iter().flatten().all(|expression| {
            let found = value(expression["key"].as_str().unwrap_or_default());
            let listed = || {
                expression["values"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|v| v.as_str() == found && found.is_some())
            };
            match expression["operator"].as_str() {
                Some("In") => listed(),
                Some("NotIn") => !listed(),
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => false,
            }
        })
}
