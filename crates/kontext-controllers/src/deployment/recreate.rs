//! Recreate: all old pods go, and only when the last one is gone the new ones come.

use super::{journal::Halt, sets::Sets, status::is_complete, step::Requeue, sync::Sync};

impl Sync<'_> {
    pub(super) fn recreate(&mut self) -> Result<Requeue, Halt> {
        let mut sets = self.sync_revision(false)?;
        let mut scaled = false;
        for old in sets.active_old() {
            let reason =
                || format!("recreate: old {} {} -> 0 before new pods start", old.meta.name, old.replicas);
            scaled |= self.set_size(&old, 0, false, reason)?.1;
        }
        if scaled || self.old_pods_running(&sets) {
            return self.write_rollout_status(&sets);
        }
        if sets.new.is_none() {
            sets = self.sync_revision(true)?;
        }
        if let Some(new) = &sets.new {
            let wanted = self.deployment.replicas;
            let reason = || format!("recreate: new {} {} -> {wanted}", new.meta.name, new.replicas);
            self.set_size(new, wanted, false, reason)?;
        }
        if is_complete(&self.deployment, &self.deployment.status) {
            self.clean_up(&sets)?;
        }
        self.write_rollout_status(&sets)
    }

    /// Pods that an old ReplicaSet reports, or that the cache shows under any ReplicaSet but the new one. A terminating
    /// pod still runs, one of unknown phase may.
    pub(super) fn old_pods_running(&self, sets: &Sets) -> bool {
        let is_new = |uid: &str| sets.new.as_ref().is_some_and(|new| *new.meta.uid == *uid);
        sets.old.iter().map(|set| set.status.replicas).sum::<i32>() > 0
            || self.seen.unfinished_pods.iter().any(|(uid, count)| *count > 0 && !is_new(uid))
    }
}
