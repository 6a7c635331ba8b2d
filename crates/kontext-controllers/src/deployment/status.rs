use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    arithmetic::Fenceposts,
    conditions::{self, AVAILABLE, PROGRESSING, REPLICA_FAILURE},
    sets::Sets,
    step::Requeue,
};
use crate::model::{Condition, Deployment, DeploymentStatus, condition};

/// The numbers, and the condition `Available`.
pub(super) fn calculate(deployment: &Deployment, sets: &Sets, now: Timestamp) -> DeploymentStatus {
    let sum =
        |of: &dyn Fn(&crate::model::ReplicaSetStatus) -> i32| sets.all().map(|set| of(&set.status)).sum();
    let available: i32 = sum(&|status| status.available_replicas);
    let mut status = DeploymentStatus {
        observed_generation: deployment.meta.generation,
        replicas: sum(&|status| status.replicas),
        updated_replicas: sets.new.as_ref().map_or(0, |set| set.status.replicas),
        ready_replicas: sum(&|status| status.ready_replicas),
        available_replicas: available,
        unavailable_replicas: (sets.total() - available).max(0),
        terminating_replicas: terminating(sets),
        collision_count: deployment.status.collision_count,
        conditions: deployment.status.conditions.clone(),
    };
    let enough = available >= deployment.replicas - Fenceposts::of(deployment).unavailable;
    let (state, reason, message) = if enough {
        (conditions::TRUE, conditions::MINIMUM_AVAILABLE, "Deployment has minimum availability.")
    } else {
        (conditions::FALSE, conditions::MINIMUM_UNAVAILABLE, "Deployment does not have minimum availability.")
    };
    let condition = conditions::new(AVAILABLE, state, reason, message.to_owned(), now);
    conditions::set(&mut status.conditions, condition);
    status
}

/// Pods being deleted; unknown as long as a ReplicaSet that was observed does not say. One never observed has none.
fn terminating(sets: &Sets) -> Option<i32> {
    let observed = |status: &crate::model::ReplicaSetStatus| {
        status.observed_generation != 0 || status.terminating_replicas.is_some()
    };
    sets.all()
        .map(|set| &set.status)
        .filter(|status| observed(status))
        .map(|status| status.terminating_replicas)
        .sum()
}

/// The status during a rollout: numbers, `Available`, `Progressing` and `ReplicaFailure`.
pub(super) fn rollout(deployment: &Deployment, sets: &Sets, now: Timestamp) -> DeploymentStatus {
    let mut status = calculate(deployment, sets, now);
    let current = deployment.condition(PROGRESSING);
    if deployment.progress_deadline().is_none() {
        conditions::remove(&mut status.conditions, PROGRESSING);
    } else {
        let settled = status.replicas == status.updated_replicas
            && current.is_some_and(|condition| condition.reason == conditions::NEW_AVAILABLE);
        if !settled {
            progress(deployment, sets, &mut status, now);
        }
    }
    let failure = sets.new.iter().chain(sets.all()).find_map(|set| conditions::failure_of(set));
    match failure {
        Some(failure) => conditions::set(&mut status.conditions, failure),
        None => conditions::remove(&mut status.conditions, REPLICA_FAILURE),
    }
    status
}

fn progress(deployment: &Deployment, sets: &Sets, status: &mut DeploymentStatus, now: Timestamp) {
    let subject = match &sets.new {
        Some(set) => format!("ReplicaSet {:?}", &*set.meta.name),
        None => format!("Deployment {:?}", &*deployment.meta.name),
    };
    let new = |state, reason, what: &str| {
        conditions::new(PROGRESSING, state, reason, format!("{subject} {what}"), now)
    };
    if is_complete(deployment, status) {
        let done = new(conditions::TRUE, conditions::NEW_AVAILABLE, "has successfully progressed.");
        conditions::set(&mut status.conditions, done);
    } else if is_progressing(&deployment.status, status) {
        let mut moving = new(conditions::TRUE, conditions::UPDATED, "is progressing.");
        if let Some(current) = deployment.condition(PROGRESSING) {
            if current.status == conditions::TRUE {
                moving.last_transition = current.last_transition;
            }
            // Replaced even if nothing but the time changes: the deadline counts from the last progress.
            conditions::remove(&mut status.conditions, PROGRESSING);
        }
        conditions::set(&mut status.conditions, moving);
    } else if is_timed_out(deployment, status, now) {
        let late = new(conditions::FALSE, conditions::TIMED_OUT, "has timed out progressing.");
        conditions::set(&mut status.conditions, late);
    }
}

/// Whether the rollout is over by these numbers.
pub(super) fn is_complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let wanted = deployment.replicas;
    [status.updated_replicas, status.replicas, status.available_replicas] == [wanted; 3]
        && status.observed_generation >= deployment.meta.generation
}

/// Whether the numbers moved in the right direction.
pub(super) fn is_progressing(old: &DeploymentStatus, new: &DeploymentStatus) -> bool {
    new.updated_replicas > old.updated_replicas
        || new.replicas - new.updated_replicas < old.replicas - old.updated_replicas
        || new.ready_replicas > old.ready_replicas
        || new.available_replicas > old.available_replicas
}

/// Whether the deadline has passed since the last progress.
pub(super) fn is_timed_out(deployment: &Deployment, status: &DeploymentStatus, now: Timestamp) -> bool {
    let (Some(_), Some(progress)) =
        (deployment.progress_deadline(), condition(&status.conditions, PROGRESSING))
    else {
        return false;
    };
    match progress.reason.as_str() {
        conditions::NEW_AVAILABLE => false,
        conditions::TIMED_OUT => true,
        _ => deadline(deployment, progress).is_none_or(|deadline| deadline < now),
    }
}

/// When the rollout counts as stuck; `None` if that moment is not known or out of range.
fn deadline(deployment: &Deployment, progress: &Condition) -> Option<Timestamp> {
    let seconds = SignedDuration::from_secs(i64::from(deployment.progress_deadline()?));
    progress.last_update?.checked_add(seconds).ok()
}

/// When to look again at a rollout whose status did not change: one second after its deadline.
pub(super) fn requeue_stuck(deployment: &Deployment, status: &DeploymentStatus, now: Timestamp) -> Requeue {
    let Some(progress) = deployment.condition(PROGRESSING) else { return Requeue::Never };
    if deployment.progress_deadline().is_none()
        || is_complete(deployment, status)
        || progress.reason == conditions::TIMED_OUT
    {
        return Requeue::Never;
    }
    let left = deadline(deployment, progress).map(|deadline| deadline.duration_since(now));
    match left.and_then(|left| Duration::try_from(left).ok()) {
        Some(left) if left >= Duration::from_secs(1) => Requeue::After(left + Duration::from_secs(1)),
        _ => Requeue::RateLimited,
    }
}
