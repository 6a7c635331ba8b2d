use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    availability::{is_available, next_availability},
    describe::Changes,
    model::{Condition, Pod, ReplicaSet, ReplicaSetStatus},
};

const REPLICA_FAILURE: &str = "ReplicaFailure";

/// What the status is computed from.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput<'a> {
    /// The ReplicaSet.
    pub replica_set: &'a ReplicaSet,
    /// Its active pods as they were before acting.
    pub active: &'a [Arc<Pod>],
    /// How many of its pods are being deleted.
    pub terminating: usize,
    /// The error of creating or deleting, if there was one. A create of unknown outcome is none.
    pub manage_error: Option<&'a str>,
    /// The moment the sync computes with.
    pub now: Timestamp,
}

/// A status to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStatus {
    /// The status.
    pub status: ReplicaSetStatus,
    /// What changes: "ready 1 -> 2".
    pub reason: String,
}

impl StatusInput<'_> {
    /// The status as it should be.
    #[must_use]
    pub fn compute(&self) -> ReplicaSetStatus {
        let set = self.replica_set;
        let count =
            |counts: &dyn Fn(&Pod) -> bool| to_i32(self.active.iter().filter(|pod| counts(pod)).count());
        ReplicaSetStatus {
            replicas: to_i32(self.active.len()),
            fully_labeled_replicas: count(&|pod| pod.meta.labels.contains_all(&set.template_labels)),
            ready_replicas: count(&|pod| pod.ready),
            available_replicas: count(&|pod| is_available(pod, set.min_ready_seconds, self.now)),
            terminating_replicas: Some(to_i32(self.terminating)),
            observed_generation: set.meta.generation,
            conditions: self.conditions(),
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        let mut conditions = self.replica_set.status.conditions.clone();
        match self.manage_error {
            // Upstream never refreshes the message of a failure that stays.
            Some(_) if conditions.iter().any(|condition| condition.kind == REPLICA_FAILURE) => {}
            Some(error) => conditions.push(self.failure(error)),
            None => conditions.retain(|condition| condition.kind != REPLICA_FAILURE),
        }
        conditions
    }

    fn failure(&self, error: &str) -> Condition {
        let reason = match to_i32(self.active.len()).cmp(&self.replica_set.replicas) {
            std::cmp::Ordering::Less => "FailedCreate",
            std::cmp::Ordering::Equal => "",
            std::cmp::Ordering::Greater => "FailedDelete",
        };
        Condition {
            kind: REPLICA_FAILURE.to_owned(),
            status: "True".to_owned(),
            last_update: None,
            last_transition: Some(crate::model::whole_seconds(self.now)),
            reason: reason.to_owned(),
            message: error.to_owned(),
        }
    }
}

/// The status to write, or `None` if it is right already.
#[must_use]
pub fn status(input: &StatusInput<'_>) -> Option<NewStatus> {
    let (old, new) = (&input.replica_set.status, input.compute());
    let mut changes = Changes::default();
    changes.number("replicas", old.replicas, new.replicas);
    changes.number("fully labeled", old.fully_labeled_replicas, new.fully_labeled_replicas);
    changes.number("ready", old.ready_replicas, new.ready_replicas);
    changes.number("available", old.available_replicas, new.available_replicas);
    changes.optional("terminating", old.terminating_replicas, new.terminating_replicas);
    changes.number("observed generation", old.observed_generation, new.observed_generation);
    changes.conditions(&old.conditions, &new.conditions);
    changes.finish().map(|reason| NewStatus { status: new, reason })
}

/// When to look again: as soon as the next pod becomes available, if pods are ready and not yet available. `current` is
/// the status just computed for `input.now`; `now` is the moment of asking.
#[must_use]
pub fn requeue_after(
    input: &StatusInput<'_>,
    current: &ReplicaSetStatus,
    now: Timestamp,
) -> Option<Duration> {
    let min_ready = input.replica_set.min_ready_seconds;
    if min_ready <= 0 || current.ready_replicas == current.available_replicas {
        return None;
    }
    let next = next_availability(input.active.iter().map(|pod| &**pod), min_ready, input.now, now);
    // A pod without a transition time has no such moment, but must not be forgotten.
    Some(next.unwrap_or(Duration::from_secs(u64::from(min_ready.unsigned_abs()))))
}

fn to_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
