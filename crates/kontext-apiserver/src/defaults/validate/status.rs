//! What `/status` refuses. It looks at the status alone: the rest of the object is what is stored.

use serde_json::Value;

use super::rules::not_negative;
use super::{Errors, csi};
use crate::defaults::value::text;
use crate::object;

/// Everything that is wrong with a status.
pub(super) fn status(errors: &mut Errors, group: &str, kind: &str, new: &Value) {
    let status = new.get("status").unwrap_or(&Value::Null);
    let replicas = "status.replicas";
    match (group, kind) {
        ("apps", "Deployment") => {
            let counts = [
                "observedGeneration",
                "replicas",
                "updatedReplicas",
                "readyReplicas",
                "availableReplicas",
                "unavailableReplicas",
                "terminatingReplicas",
                "collisionCount",
            ];
            not_negative(errors, "status", status, &counts);
            let parts = ["updatedReplicas", "readyReplicas", "availableReplicas"];
            parts.iter().for_each(|part| at_most(errors, status, part, "replicas", replicas));
            at_most(errors, status, "availableReplicas", "readyReplicas", "readyReplicas");
        }
        ("apps", "ReplicaSet") | ("", "ReplicationController") => {
            let counts = [
                "replicas",
                "fullyLabeledReplicas",
                "readyReplicas",
                "availableReplicas",
                "observedGeneration",
                "terminatingReplicas",
            ];
            not_negative(errors, "status", status, &counts);
            let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
            parts.iter().for_each(|part| at_most(errors, status, part, "replicas", replicas));
            at_most(errors, status, "availableReplicas", "readyReplicas", "readyReplicas");
        }
        ("apps", "StatefulSet") => {
            let counts = [
                "replicas",
                "readyReplicas",
                "currentReplicas",
                "updatedReplicas",
                "availableReplicas",
                "observedGeneration",
                "collisionCount",
            ];
            not_negative(errors, "status", status, &counts);
            let parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
            parts.iter().for_each(|part| at_most(errors, status, part, "replicas", replicas));
            at_most(errors, status, "availableReplicas", "readyReplicas", "status.readyReplicas");
        }
        ("apps", "DaemonSet") => {
            let counts = [
                "currentNumberScheduled",
                "numberMisscheduled",
                "desiredNumberScheduled",
                "numberReady",
                "observedGeneration",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberUnavailable",
                "collisionCount",
            ];
            not_negative(errors, "status", status, &counts);
        }
        ("autoscaling", "HorizontalPodAutoscaler") => {
            not_negative(errors, "status", status, &["currentReplicas", "desiredReplicas"]);
        }
        ("policy", "PodDisruptionBudget") => {
            let counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
            not_negative(errors, "status", status, &counts);
        }
        ("batch", "Job") => {
            not_negative(
                errors,
                "status",
                status,
                &["active", "succeeded", "failed", "ready", "terminating"],
            );
        }
        ("", "Namespace") => {
            let deleting = object::is_deleting(new);
            let (wanted, when) =
                if deleting { ("Terminating", "is not empty") } else { ("Active", "is empty") };
            if text(status, "phase") != wanted {
                let why = format!("may only be '{wanted}' if `deletionTimestamp` {when}");
                errors.invalid("status.Phase", &Value::from(text(status, "phase")), &why);
            }
        }
        ("", "Service") => {
            let ingress = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
            let kind = new.pointer("/spec/type").and_then(Value::as_str).unwrap_or_default();
            if ingress.is_some_and(|list| !list.is_empty()) && kind != "LoadBalancer" {
                let why = "may only be used when `spec.type` is 'LoadBalancer'";
                errors.forbidden("status.loadBalancer.ingress", why);
            }
        }
        ("storage.k8s.io", "VolumeAttachment") => csi::attachment_status(errors, status),
        _ => {}
    }
}

/// One count is not more than another.
fn at_most(errors: &mut Errors, status: &Value, part: &str, whole: &str, shown: &str) {
    let count = |name: &str| status.get(name).and_then(Value::as_i64).unwrap_or_default();
    if count(part) > count(whole) {
        let why = format!("cannot be greater than {shown}");
        errors.invalid(format!("status.{part}"), &Value::from(count(part)), &why);
    }
}
