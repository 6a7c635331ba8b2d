//! What the Deployment loop does with watch events: queue keys, with causes.

use std::sync::Arc;

use kontext::{
    Cause, Weight,
    informer::{Delta, Handler, Seen},
};

use super::{annotations::REVISION, shared::Shared};
use crate::{
    informers::{DEPLOYMENTS, REPLICA_SETS, owned_by},
    model::{Annotations, Deployment, Pod, ReplicaSet, Strategy},
    names::DEPLOYMENT_CONTROLLER,
    watch::{matching, owned_change, resolve},
};

/// Events of Deployments.
pub(crate) struct DeploymentEvents(pub(crate) Arc<Shared>);

/// Events of ReplicaSets.
pub(crate) struct SetEvents(pub(crate) Arc<Shared>);

/// Events of pods: only their end matters, and only to the strategy Recreate.
pub(crate) struct PodEvents(pub(crate) Arc<Shared>);

impl Handler<Deployment> for DeploymentEvents {
    fn handle(&self, delta: Delta<'_, Deployment>, seen: Seen<'_>) {
        let shared = &self.0;
        match delta {
            Delta::Added { new, initial } => {
                shared.queue.add(&new.meta.key(), self.added(new, initial, seen));
            }
            Delta::Updated { old, new } => {
                let resync = old.meta.resource_version == new.meta.resource_version;
                let cause = if resync { None } else { self.updated(old, new, seen) };
                shared.queue.add(&new.meta.key(), cause);
            }
            Delta::Deleted { last, .. } => {
                let key = last.meta.key();
                shared.own_statuses.forget(&key);
                shared.intents.forget(&last.meta.uid);
                shared.queue.add(&key, shared.causes.deleted(DEPLOYMENTS, &last.meta, seen));
            }
        }
    }
}

impl DeploymentEvents {
    fn added(&self, deployment: &Deployment, initial: bool, seen: Seen<'_>) -> Option<Cause> {
        if initial {
            self.0.intents.found(self.0.causes.observer(), DEPLOYMENTS, &deployment.meta, seen.raw?);
            return self.0.causes.found(DEPLOYMENTS, &deployment.meta, seen);
        }
        let mut cause = self.0.causes.written(DEPLOYMENTS, None, &deployment.meta, seen)?;
        cause.weight = Weight::Intent;
        self.0.intents.written(&deployment.meta, &cause);
        Some(cause)
    }

    fn updated(&self, old: &Deployment, new: &Deployment, seen: Seen<'_>) -> Option<Cause> {
        if self.is_own_status_write(old, new) {
            // The revision annotation counts for the generation; the wish is the same.
            self.0.intents.carry(&old.meta, &new.meta);
            return None;
        }
        let mut cause = self.0.causes.written(
            DEPLOYMENTS,
            Some((old.raw.as_str(), old.meta.generation)),
            &new.meta,
            seen,
        )?;
        if cause.changes.touches_spec() {
            cause.weight = Weight::Intent;
            self.0.intents.written(&new.meta, &cause);
        } else {
            self.0.intents.carry(&old.meta, &new.meta);
        }
        Some(cause)
    }

    /// Only status and revision changed, and to what the loop wrote.
    fn is_own_status_write(&self, old: &Deployment, new: &Deployment) -> bool {
        let others = |annotations: &Annotations| -> Vec<(String, String)> {
            let others = annotations.iter().filter(|(key, _)| *key != REVISION);
            others.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        // Annotations count for a Deployment's generation, so that it tells nothing of the spec alone.
        self.0.own_statuses.is_own(&new.meta.key(), &new.status)
            && old.raw.has_spec_of(&new.raw)
            && old.meta.labels == new.meta.labels
            && old.meta.deleted == new.meta.deleted
            && others(&old.annotations) == others(&new.annotations)
    }
}

impl Handler<ReplicaSet> for SetEvents {
    fn handle(&self, delta: Delta<'_, ReplicaSet>, seen: Seen<'_>) {
        match delta {
            Delta::Added { new, initial } => self.added(new, initial, seen),
            Delta::Updated { old, new } => self.updated(old, new, seen),
            Delta::Deleted { last, .. } => self.deleted(last, seen),
        }
    }
}

impl SetEvents {
    fn owner(&self, set: &ReplicaSet) -> Option<Arc<Deployment>> {
        resolve(&self.0.deployments, "Deployment", &set.meta.namespace, set.meta.controller.as_ref())
    }

    fn added(&self, set: &ReplicaSet, initial: bool, seen: Seen<'_>) {
        if set.meta.is_deleting() {
            return self.deleted(set, seen);
        }
        let cause = || {
            if initial {
                return None;
            }
            let mut cause = self.0.causes.written(REPLICA_SETS, None, &set.meta, seen)?;
            owned_change(&mut cause, DEPLOYMENT_CONTROLLER);
            Some(cause)
        };
        if set.meta.controller.is_some() {
            if let Some(deployment) = self.owner(set) {
                self.0.queue.add(&deployment.meta.key(), cause());
            }
        } else {
            self.queue_matching(set, &cause);
        }
    }

    fn queue_matching(&self, set: &ReplicaSet, cause: &dyn Fn() -> Option<Cause>) {
        // Without labels it matches nothing, whatever the selectors say.
        if set.meta.labels.is_empty() {
            return;
        }
        for deployment in matching(&self.0.deployments, &set.meta, |deployment: &Deployment| {
            deployment.selector.as_ref().ok()
        }) {
            self.0.queue.add(&deployment.meta.key(), cause());
        }
    }

    fn updated(&self, old: &ReplicaSet, new: &ReplicaSet, seen: Seen<'_>) {
        if old.meta.resource_version == new.meta.resource_version {
            return;
        }
        let cause = || {
            let mut cause = self.0.causes.written(
                REPLICA_SETS,
                Some((old.raw.as_str(), old.meta.generation)),
                &new.meta,
                seen,
            )?;
            owned_change(&mut cause, DEPLOYMENT_CONTROLLER);
            Some(cause)
        };
        let controller_changed = old.meta.controller != new.meta.controller;
        if controller_changed && let Some(deployment) = self.owner(old) {
            self.0.queue.add(&deployment.meta.key(), cause());
        }
        if new.meta.controller.is_some() {
            if let Some(deployment) = self.owner(new) {
                self.0.queue.add(&deployment.meta.key(), cause());
            }
        } else if controller_changed || old.meta.labels != new.meta.labels {
            self.queue_matching(new, &cause);
        }
    }

    fn deleted(&self, set: &ReplicaSet, seen: Seen<'_>) {
        let own = self.0.deleting.lock().remove(&set.meta.uid);
        if let Some(deployment) = self.owner(set) {
            let cause = self.0.causes.deleted(REPLICA_SETS, &set.meta, seen);
            let weight = if own { Weight::Progress } else { Weight::Disturbance };
            self.0.queue.add(&deployment.meta.key(), cause.map(|cause| Cause { weight, ..cause }));
        }
    }
}

impl Handler<Pod> for PodEvents {
    fn handle(&self, delta: Delta<'_, Pod>, seen: Seen<'_>) {
        let Delta::Deleted { last: pod, .. } = delta else { return };
        let namespace = &pod.meta.namespace;
        let Some(set) = resolve(&self.0.sets, "ReplicaSet", namespace, pod.meta.controller.as_ref()) else {
            return;
        };
        let Some(deployment) =
            resolve(&self.0.deployments, "Deployment", namespace, set.meta.controller.as_ref())
        else {
            return;
        };
        if deployment.strategy != Strategy::Recreate {
            return;
        }
        // A Recreate rollout goes on exactly when the last pod of all its ReplicaSets is gone.
        let sets = self.0.sets.indexed(&owned_by(&deployment.meta.uid));
        if sets.iter().all(|set| self.0.pods.indexed(&owned_by(&set.meta.uid)).is_empty()) {
            self.0.queue.add(&deployment.meta.key(), self.0.causes.pod_deleted(pod, seen));
        }
    }
}
