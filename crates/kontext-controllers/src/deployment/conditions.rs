//! A Deployment's conditions: types, reasons and the rules of replacing one.

use jiff::Timestamp;

use crate::model::{Condition, ReplicaSet, whole_seconds};

pub(super) const AVAILABLE: &str = "Available";
pub(super) const PROGRESSING: &str = "Progressing";
pub(super) const REPLICA_FAILURE: &str = "ReplicaFailure";

pub(super) const TRUE: &str = "True";
pub(super) const FALSE: &str = "False";
pub(super) const UNKNOWN: &str = "Unknown";

pub(super) const MINIMUM_AVAILABLE: &str = "MinimumReplicasAvailable";
pub(super) const MINIMUM_UNAVAILABLE: &str = "MinimumReplicasUnavailable";
pub(super) const PAUSED: &str = "DeploymentPaused";
pub(super) const RESUMED: &str = "DeploymentResumed";
pub(super) const FOUND_NEW: &str = "FoundNewReplicaSet";
pub(super) const NEW_CREATED: &str = "NewReplicaSetCreated";
pub(super) const NEW_AVAILABLE: &str = "NewReplicaSetAvailable";
pub(super) const UPDATED: &str = "ReplicaSetUpdated";
pub(super) const CREATE_ERROR: &str = "ReplicaSetCreateError";
pub(super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";

pub(super) fn new(kind: &str, status: &str, reason: &str, message: String, now: Timestamp) -> Condition {
    let now = Some(whole_seconds(now));
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        last_update: now,
        last_transition: now,
        reason: reason.to_owned(),
        message,
    }
}

/// Puts a condition in place of the one of its type. With the same status and reason nothing happens, not even a new
/// message; with the same status the time of transition stays.
pub(super) fn set(conditions: &mut Vec<Condition>, mut condition: Condition) {
    if let Some(present) = conditions.iter().find(|present| present.kind == condition.kind) {
        if present.status == condition.status && present.reason == condition.reason {
            return;
        }
        if present.status == condition.status {
            condition.last_transition = present.last_transition;
        }
    }
    remove(conditions, &condition.kind);
    conditions.push(condition);
}

pub(super) fn remove(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|condition| condition.kind != kind);
}

/// A ReplicaSet's failure, as a condition of the Deployment.
pub(super) fn failure_of(set: &ReplicaSet) -> Option<Condition> {
    let failure = set.condition(REPLICA_FAILURE)?;
    Some(Condition { last_update: failure.last_transition, ..failure.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::at;

    fn condition(status: &str, reason: &str, second: i64) -> Condition {
        new(PROGRESSING, status, reason, format!("at {second}"), at(second))
    }

    #[test]
    fn setting_a_condition_keeps_what_did_not_change() {
        let mut conditions = vec![new(AVAILABLE, TRUE, "x", String::new(), at(0)), condition(TRUE, "A", 0)];
        set(&mut conditions, condition(TRUE, "A", 5));
        assert_eq!(conditions[1], condition(TRUE, "A", 0), "same status and reason");
        set(&mut conditions, condition(TRUE, "B", 6));
        assert_eq!((conditions[1].last_transition, conditions[1].last_update), (Some(at(0)), Some(at(6))));
        set(&mut conditions, condition(FALSE, "B", 7));
        assert_eq!(conditions[1], condition(FALSE, "B", 7));
        remove(&mut conditions, PROGRESSING);
        assert_eq!(conditions.len(), 1);
    }
}
