//! A rolling update: one kind of step per sync, so that each one is computed from what the last one led to.

use std::sync::Arc;

use super::{
    arithmetic::{Fenceposts, min_available, new_replicas},
    journal::Halt,
    sets::Sets,
    status::is_complete,
    step::Requeue,
    sync::Sync,
};
use crate::{Failure, FailureKind, model::ReplicaSet};

impl Sync<'_> {
    pub(super) fn rolling(&mut self) -> Result<Requeue, Halt> {
        let sets = self.sync_revision(true)?;
        let moved = self.reconcile_new(&sets)? || self.reconcile_old(&sets)?;
        if !moved && is_complete(&self.deployment, &self.deployment.status) {
            self.clean_up(&sets)?;
        }
        self.write_rollout_status(&sets)
    }

    /// Grows the new ReplicaSet as far as surge allows, or shrinks it to the wanted size.
    pub(super) fn reconcile_new(&mut self, sets: &Sets) -> Result<bool, Halt> {
        let Some(new) = &sets.new else { return Ok(false) };
        let wanted = self.deployment.replicas;
        let from = new.replicas;
        let to = if from >= wanted {
            wanted
        } else {
            new_replicas(&self.deployment, sets.total(), from)
                .map_err(|error| Halt::Failed(Failure::new(FailureKind::Other, error.to_string())))?
        };
        let surge = Fenceposts::of(&self.deployment).surge;
        let rolls = sets.old.iter().any(|set| set.is_active());
        let reason = || match (rolls, from > wanted) {
            (_, true) => format!("{wanted} wanted: new {} {from} -> {to}", new.meta.name),
            (true, false) => format!("rolling update: {wanted} wanted, surge {surge}, new {to} of {wanted}"),
            (false, false) => {
                format!("{wanted} wanted, nothing old left: new {} {from} -> {to}", new.meta.name)
            }
        };
        self.set_size(new, to, false, reason).map(|(_, scaled)| scaled)
    }

    /// Shrinks old ReplicaSets as far as availability allows: first by pods that are not available anyhow.
    pub(super) fn reconcile_old(&mut self, sets: &Sets) -> Result<bool, Halt> {
        let mut old = sets.active_old();
        let Some(new) = sets.new.as_ref().filter(|_| !old.is_empty()) else { return Ok(false) };
        let minimum = min_available(&self.deployment);
        // Pods of the new ReplicaSet that are not available yet must not make room for old ones to go.
        let budget = sets.total() - minimum - (new.replicas - new.status.available_replicas);
        if budget <= 0 {
            return Ok(false);
        }
        let scaled = self.shrink_old(sets, &mut old, budget);
        self.swallow(scaled)
    }

    fn shrink_old(&mut self, sets: &Sets, old: &mut [Arc<ReplicaSet>], budget: i32) -> Result<bool, Halt> {
        let cleaned = self.remove_unavailable(old, budget)?;
        let removed = self.remove_available(sets, old)?;
        Ok(cleaned + removed > 0)
    }

    pub(super) fn remove_unavailable(
        &mut self,
        old: &mut [Arc<ReplicaSet>],
        budget: i32,
    ) -> Result<i32, Halt> {
        let mut removed = 0;
        for set in old {
            let unavailable = set.replicas - set.status.available_replicas;
            let count = unavailable.min(budget - removed);
            if count <= 0 {
                continue;
            }
            let (from, to) = (set.replicas, set.replicas - count);
            let name = Arc::clone(set);
            let reason = || {
                format!("rolling update: old {} {from} -> {to}, {unavailable} not available", name.meta.name)
            };
            *set = self.set_size(&Arc::clone(set), to, false, reason)?.0;
            removed += count;
        }
        Ok(removed)
    }

    pub(super) fn remove_available(&mut self, sets: &Sets, old: &[Arc<ReplicaSet>]) -> Result<i32, Halt> {
        let minimum = min_available(&self.deployment);
        let available: i32 = sets.all().map(|set| set.status.available_replicas).sum();
        let spare = available - minimum;
        let mut removed = 0;
        for set in old {
            let count = set.replicas.min(spare - removed);
            if count <= 0 {
                continue;
            }
            let (from, to) = (set.replicas, set.replicas - count);
            let reason = || {
                let name = &set.meta.name;
                format!(
                    "rolling update: old {name} {from} -> {to}, {spare} above the minimum of {minimum} available"
                )
            };
            self.set_size(set, to, false, reason)?;
            removed += count;
        }
        Ok(removed)
    }
}
