//! Sizes outside of a rollout: the Deployment is paused, or its size was changed.

use std::{cmp::Reverse, sync::Arc};

use super::{
    annotations::{DESIRED_REPLICAS, number, sizes},
    arithmetic::{Fenceposts, max_total, proportional_sizes},
    journal::Halt,
    sets::{Sets, by_age},
    step::Step,
    sync::Sync,
};
use crate::{
    events::Event,
    model::{ReplicaSet, ReplicaSetChange, Strategy},
};

impl Sync<'_> {
    pub(super) fn scale(&mut self, sets: &Sets) -> Result<(), Halt> {
        let wanted = self.deployment.replicas;
        if let Some(only) = sets.active_or_latest() {
            let reason = || format!("scaling: {} {} -> {wanted}", only.meta.name, only.replicas);
            return self.set_size(only, wanted, true, reason).map(drop);
        }
        if let Some(new) = sets.new.as_ref().filter(|new| self.is_saturated(new)) {
            for old in sets.old.iter().filter(|set| set.is_active()) {
                let reason = || {
                    let (old, from) = (&old.meta.name, old.replicas);
                    format!("{} has all {wanted} available: old {old} {from} -> 0", new.meta.name)
                };
                self.set_size(old, 0, false, reason)?;
            }
            return Ok(());
        }
        match self.deployment.strategy {
            Strategy::RollingUpdate { .. } => self.scale_in_proportion(sets),
            _ => Ok(()),
        }
    }

    /// The new ReplicaSet is all there: nothing is rolling any more.
    fn is_saturated(&self, new: &ReplicaSet) -> bool {
        let wanted = self.deployment.replicas;
        number(new, DESIRED_REPLICAS) == Some(wanted)
            && new.replicas == wanted
            && new.status.available_replicas == wanted
    }

    /// In the middle of a rollout each ReplicaSet keeps its share, so that a bad rollout does not get all the new pods.
    fn scale_in_proportion(&mut self, sets: &Sets) -> Result<(), Halt> {
        let wanted = self.deployment.replicas;
        let allowed = if wanted > 0 { max_total(&self.deployment) } else { 0 };
        let to_add = allowed - sets.total();
        let mut active: Vec<&Arc<ReplicaSet>> = sets.all().filter(|set| set.is_active()).collect();
        // The largest gets what rounding leaves; of equal ones the younger grows and the older shrinks.
        active.sort_by(|a, b| {
            let age = by_age(a, b);
            let tie = if to_add > 0 { age.reverse() } else { age };
            Reverse(a.replicas).cmp(&Reverse(b.replicas)).then(tie)
        });
        let plain: Vec<&ReplicaSet> = active.iter().map(|set| &***set).collect();
        let sizes = proportional_sizes(&self.deployment, &plain, to_add);
        for (set, size) in active.into_iter().zip(sizes) {
            let reason = || {
                let before = set.annotations.get(DESIRED_REPLICAS).map_or("?", String::as_str);
                let (name, from) = (&set.meta.name, set.replicas);
                format!("scaling in proportion, {before} -> {wanted} wanted: {name} {from} -> {size}")
            };
            self.set_size(set, size, true, reason)?;
        }
        Ok(())
    }

    /// Brings one ReplicaSet to a size. Unless forced, a ReplicaSet of that size is left alone; forced, its annotations
    /// are brought up to date. Returns the ReplicaSet and whether its size changed.
    pub(super) fn set_size(
        &mut self,
        set: &Arc<ReplicaSet>,
        to: i32,
        force: bool,
        reason: impl FnOnce() -> String,
    ) -> Result<(Arc<ReplicaSet>, bool), Halt> {
        let from = set.replicas;
        let mut annotations = sizes(self.deployment.replicas, Fenceposts::of(&self.deployment).surge);
        annotations.retain(|key, value| set.annotations.get(key) != Some(value));
        if from == to && (!force || annotations.is_empty()) {
            return Ok((Arc::clone(set), false));
        }
        let scaled = self.journal.replica_set(|| {
            let reason = if from == to {
                format!("{} wanted now: {} stays at {to}", self.deployment.replicas, set.meta.name)
            } else {
                reason()
            };
            let replicas = (from != to).then_some(to);
            let change = ReplicaSetChange { replicas, min_ready_seconds: None, annotations };
            Step::ScaleReplicaSet { replica_set: Arc::clone(set), from, to, change, reason }
        })?;
        if from != to {
            self.event(|| Event::scaled(&set.meta.name, from, to))?;
        }
        Ok((scaled, from != to))
    }
}
