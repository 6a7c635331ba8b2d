//! What the ReplicaSet loop does with watch events: queue keys, with causes; note what was expected.

use std::{sync::Arc, time::Duration};

use kontext::{
    Cause, Weight,
    informer::{Delta, Handler, Seen},
};

use super::shared::Shared;
use crate::{
    informers::REPLICA_SETS,
    model::{Object, Pod, ReplicaSet},
    watch::{matching, resolve},
};

/// Events of ReplicaSets.
pub(crate) struct SetEvents(pub(crate) Arc<Shared>);

/// Events of pods.
pub(crate) struct PodEvents(pub(crate) Arc<Shared>);

impl Handler<ReplicaSet> for SetEvents {
    fn handle(&self, delta: Delta<'_, ReplicaSet>, seen: Seen<'_>) {
        match delta {
            Delta::Added { new, initial } => {
                let cause = self.added(new, initial, seen);
                self.0.queue.add(&new.meta.key(), cause);
            }
            Delta::Updated { old, new } => {
                let cause = if old.meta.resource_version == new.meta.resource_version {
                    None
                } else {
                    self.updated(old, new, seen)
                };
                self.0.queue.add(&new.meta.key(), cause);
            }
            Delta::Deleted { last, .. } => {
                let key = last.meta.key();
                self.0.forget(&key, Some(&last.meta.uid));
                self.0.intents.forget(&last.meta.uid);
                self.0.queue.add(&key, self.0.causes.deleted(REPLICA_SETS, &last.meta, seen));
            }
        }
    }
}

impl SetEvents {
    fn added(&self, set: &ReplicaSet, initial: bool, seen: Seen<'_>) -> Option<Cause> {
        if initial {
            self.0.intents.found(self.0.causes.observer(), REPLICA_SETS, &set.meta, seen.raw?);
            return self.0.causes.found(REPLICA_SETS, &set.meta, seen);
        }
        let mut cause = self.0.causes.written(REPLICA_SETS, None, &set.meta, seen)?;
        cause.weight = Weight::Intent;
        self.0.intents.written(&set.meta, &cause);
        Some(cause)
    }

    fn updated(&self, old: &ReplicaSet, new: &ReplicaSet, seen: Seen<'_>) -> Option<Cause> {
        let status_only = old.meta.generation == new.meta.generation
            && old.annotations == new.annotations
            && old.meta.labels == new.meta.labels
            && old.meta.controller == new.meta.controller
            && old.meta.deleted == new.meta.deleted;
        if status_only && self.0.own_statuses.is_own(&new.meta.key(), &new.status) {
            return None;
        }
        let mut cause = self.0.causes.written(
            REPLICA_SETS,
            Some((old.raw.as_str(), old.meta.generation)),
            &new.meta,
            seen,
        )?;
        if cause.changes.touches_spec() {
            cause.weight = Weight::Intent;
            self.0.intents.written(&new.meta, &cause);
        }
        Some(cause)
    }
}

impl Handler<Pod> for PodEvents {
    fn handle(&self, delta: Delta<'_, Pod>, seen: Seen<'_>) {
        match delta {
            Delta::Added { new, initial } => self.added(new, initial, seen),
            Delta::Updated { old, new } => self.updated(old, new, seen),
            Delta::Deleted { old, last, .. } => self.deleted(last, !old.is_active(), seen),
        }
    }
}

impl PodEvents {
    fn owner(&self, pod: &Pod) -> Option<Arc<ReplicaSet>> {
        resolve(&self.0.sets, "ReplicaSet", &pod.meta.namespace, pod.meta.controller.as_ref())
    }

    fn added(&self, pod: &Pod, initial: bool, seen: Seen<'_>) {
        if pod.meta.is_deleting() {
            return self.deleted(pod, true, seen);
        }
        let cause = || if initial { None } else { self.0.causes.pod_created(pod, seen) };
        if pod.meta.controller.is_some() {
            if let Some(set) = self.owner(pod) {
                let key = set.meta.key();
                self.0.expectations.lock().creation_observed(&key, &pod.meta.uid);
                self.0.queue.add(&key, cause());
            }
            return;
        }
        self.queue_matching(pod, &|| cause().map(disturbance));
    }

    /// An orphan may be adopted by any ReplicaSet that matches.
    fn queue_matching(&self, pod: &Pod, cause: &dyn Fn() -> Option<Cause>) {
        for set in matching(&self.0.sets, &pod.meta, |set: &ReplicaSet| set.selector.as_ref().ok()) {
            self.0.queue.add(&set.meta.key(), cause());
        }
    }

    fn updated(&self, old: &Pod, new: &Pod, seen: Seen<'_>) {
        if old.meta.resource_version == new.meta.resource_version {
            return;
        }
        let labels_changed = old.meta.labels != new.meta.labels;
        if new.meta.is_deleting() {
            self.deleted(new, !old.is_active(), seen);
            if labels_changed && old.meta.controller != new.meta.controller {
                // Whoever the pod belonged to before has to know too; the same owner must not be told twice.
                self.deleted(old, !old.is_active(), seen);
            }
            return;
        }
        let change = || self.0.causes.pod_changed(old, new, seen);
        let controller_changed = old.meta.controller != new.meta.controller;
        if controller_changed && let Some(set) = self.owner(old) {
            self.0.queue.add(&set.meta.key(), change().map(disturbance));
        }
        if new.meta.controller.is_some() {
            let Some(set) = self.owner(new) else { return };
            let key = set.meta.key();
            let disturbed = labels_changed || (old.is_active() && !new.is_active());
            self.0.queue.add(&key, change().map(|cause| if disturbed { disturbance(cause) } else { cause }));
            if !old.ready && new.ready && set.min_ready_seconds > 0 {
                let seconds = u64::from(set.min_ready_seconds.unsigned_abs());
                self.0.queue.add_after(&key, Duration::from_secs(seconds));
            }
        } else if labels_changed || controller_changed {
            self.queue_matching(new, &|| change().map(disturbance));
        }
    }

    /// A pod is going, or gone. `known` where it did not count as a replica before already.
    fn deleted(&self, pod: &Pod, known: bool, seen: Seen<'_>) {
        let Some(set) = self.owner(pod) else { return };
        let key = set.meta().key();
        let awaited = self.0.expectations.lock().deletion_observed(&key, &pod.meta.key());
        // The first sign of a deletion that the loop did not ask for is why it makes another pod.
        let first_sign = !awaited && !known;
        let cause = self.0.causes.pod_deleted(pod, seen);
        self.0.queue.add(&key, cause.map(|cause| if first_sign { disturbance(cause) } else { cause }));
    }
}

fn disturbance(cause: Cause) -> Cause {
    Cause { weight: Weight::Disturbance, ..cause }
}
