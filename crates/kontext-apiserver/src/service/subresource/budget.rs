//! What disruption budgets say about evicting a pod.

use http::StatusCode;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::object;
use crate::selector;
use crate::service::Call;

/// The most pods whose disruption a budget waits to see confirmed.
const MOST_DISRUPTED: usize = 2000;

const VIOLATED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// How the eviction of a pod stands to its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Budget {
    /// There is none, or one disruption was taken from it.
    Spent,
    /// The pod is not healthy, and its budget lets unhealthy ones go.
    NotNeeded,
}

/// Takes one disruption from the budget of a pod.
pub(super) fn spend(call: &Call<'_>, pod: &Value, dry_run: bool) -> Result<Budget, ApiError> {
    let shared = call.shared;
    let registry = shared.registry();
    let Some(budgets) = registry.find("policy", "v1", "poddisruptionbudgets") else {
        return Ok(Budget::Spent);
    };
    for _ in 0..16 {
        let all = shared
            .store
            .snapshot(budgets.table, &call.target.namespace, None, None)
            .map_err(|_| ApiError::internal("the current state is always there"))?;
        let labels = &pod["metadata"]["labels"];
        let matching: Vec<_> = all
            .objects
            .into_iter()
            .map(|(key, stored)| (key, stored.value(), stored))
            .filter(|(_, budget, _)| selector::object_matches(&budget["spec"]["selector"], labels))
            .collect();
        let (key, budget, stored) = match matching.as_slice() {
            [] => return Ok(Budget::Spent),
            [one] => one,
            _ => {
                return Err(ApiError::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "",
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                ));
            }
        };
        if !is_ready(pod) && lets_unhealthy_go(budget) {
            return Ok(Budget::NotNeeded);
        }
        let Some(new) = decrement(budget, &call.target.name, &object::seconds(call.now))? else {
            return Ok(Budget::Spent);
        };
        if dry_run || shared.store.replace(budgets.table, key, stored, new).is_ok() {
            return Ok(Budget::Spent);
        }
    }
    let name = "couldn't update PodDisruptionBudget due to conflicts";
    Err(ApiError::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", format!("Timeout: {name}")).retry_after(10))
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn count(budget: &Value, field: &str) -> i64 {
    budget["status"][field].as_i64().unwrap_or_default()
}

fn lets_unhealthy_go(budget: &Value) -> bool {
    let (current, desired) = (count(budget, "currentHealthy"), count(budget, "desiredHealthy"));
    budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow" || (current >= desired && desired > 0)
}

/// The budget with one disruption less, if it allows one.
fn decrement(budget: &Value, pod: &str, now: &str) -> Result<Option<Value>, ApiError> {
    let name = object::name(budget);
    if count(budget, "observedGeneration") < object::generation(budget) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(why).retry_after(10));
    }
    let allowed = count(budget, "disruptionsAllowed");
    let disrupted = budget["status"]["disruptedPods"].as_object().map_or(0, serde_json::Map::len);
    for (wrong, why) in [
        (allowed < 0, "pdb disruptions allowed is negative"),
        (
            disrupted > MOST_DISRUPTED,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ),
    ] {
        if wrong {
            return Err(forbidden(name, why));
        }
    }
    if allowed == 0 {
        return Err(refused(why_not(name, budget)));
    }
    let mut new = budget.clone();
    if allowed == 1 {
        insufficient(&mut new, now);
    }
    let status = object::child(&mut new, "status");
    status.insert("disruptionsAllowed".to_owned(), json!(allowed - 1));
    let disrupted = status.entry("disruptedPods").or_insert_with(|| json!({}));
    disrupted[pod] = json!(now);
    Ok(Some(new))
}

/// The condition that says that no disruption is left.
fn insufficient(budget: &mut Value, now: &str) {
    let observed = budget["status"]["observedGeneration"].clone();
    let conditions = object::child(budget, "status").entry("conditions").or_insert_with(|| json!([]));
    let mut condition = json!({
        "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": "",
        "lastTransitionTime": now,
    });
    if observed.as_i64().is_some_and(|generation| generation > 0) {
        condition["observedGeneration"] = observed;
    }
    let Some(list) = conditions.as_array_mut() else { return };
    match list.iter_mut().find(|present| present["type"] == "DisruptionAllowed") {
        Some(present) => {
            if present["status"] == "False" {
                condition["lastTransitionTime"] = present["lastTransitionTime"].clone();
            }
            *present = condition;
        }
        None => list.push(condition),
    }
}

fn why_not(name: &str, budget: &Value) -> String {
    let (current, desired) = (count(budget, "currentHealthy"), count(budget, "desiredHealthy"));
    let conditions = budget["status"]["conditions"].as_array();
    let condition = conditions.into_iter().flatten().find(|c| c["type"] == "DisruptionAllowed");
    let text = |field: &str| condition.and_then(|c| c[field].as_str()).unwrap_or_default();
    let said = text("status") == "False" && !text("message").is_empty();
    if said && text("reason") == "SyncFailed" {
        format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {}",
            text("message")
        )
    } else if current <= desired {
        format!("The disruption budget {name} needs {desired} healthy pods and has {current} currently")
    } else if said {
        format!(
            "The disruption budget {name} does not allow evicting pods currently ({}): {}",
            text("reason"),
            text("message")
        )
    } else {
        format!("The disruption budget {name} does not allow evicting pods currently")
    }
}

fn refused(why: String) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", VIOLATED)
        .with_cause(json!({"reason": "DisruptionBudget", "message": why}))
}

fn forbidden(name: &str, why: &str) -> ApiError {
    let message = format!("poddisruptionbudget.policy \"{name}\" is forbidden: {why}");
    let mut error = ApiError::new(StatusCode::FORBIDDEN, "Forbidden", message);
    error.details = Some(json!({"name": name, "group": "policy", "kind": "poddisruptionbudget"}));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(status: &Value) -> Value {
        json!({"metadata": {"name": "b", "generation": 1}, "spec": {}, "status": status})
    }

    #[test]
    fn the_last_disruption_makes_the_condition_false() {
        let status = json!({"observedGeneration": 1, "disruptionsAllowed": 1});
        let new = decrement(&budget(&status), "p", "now").unwrap().unwrap();
        assert_eq!(new["status"]["disruptionsAllowed"], 0);
        assert_eq!(new["status"]["disruptedPods"], json!({"p": "now"}));
        assert_eq!(new["status"]["conditions"][0]["reason"], "InsufficientPods");
    }

    #[test]
    fn a_budget_that_is_not_synced_asks_for_patience() {
        let error = decrement(&budget(&json!({"disruptionsAllowed": 1})), "p", "now").unwrap_err();
        assert_eq!((error.code.as_u16(), error.retry_after_seconds()), (429, Some(10)));
    }

    #[test]
    fn a_budget_says_what_it_lacks() {
        let status = json!({"observedGeneration": 1, "desiredHealthy": 2, "currentHealthy": 2});
        let error = decrement(&budget(&status), "p", "now").unwrap_err();
        let cause = &error.details.unwrap()["causes"][0]["message"];
        assert_eq!(cause, "The disruption budget b needs 2 healthy pods and has 2 currently");
    }
}
