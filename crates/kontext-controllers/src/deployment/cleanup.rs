//! Deleting old ReplicaSets beyond the history limit.

use std::sync::Arc;

use super::{journal::Halt, revision::revision, sets::Sets, sets::by_age, step::Step, sync::Sync};
use crate::{FailureKind, model::ReplicaSet};

impl Sync<'_> {
    /// Only the first ReplicaSets in excess are looked at, by revision; one of them that still has pods is kept and no
    /// younger one deleted in its place (as upstream).
    pub(super) fn clean_up(&mut self, sets: &Sets) -> Result<(), Halt> {
        let Some(limit) = self.deployment.revision_history_limit.filter(|limit| *limit != i32::MAX) else {
            return Ok(());
        };
        let mut alive: Vec<&Arc<ReplicaSet>> =
            sets.old.iter().filter(|set| !set.meta.is_deleting()).collect();
        let excess = alive.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        alive.sort_by(|a, b| {
            let revisions = (revision(a).unwrap_or(0), revision(b).unwrap_or(0));
            revisions.0.cmp(&revisions.1).then_with(|| by_age(a, b))
        });
        let count = alive.len();
        for set in alive.into_iter().take(excess).filter(|set| is_idle(set)) {
            let deleted = self.journal.done(|| {
                let revision =
                    revision(set).map_or_else(|| "unknown".to_owned(), |number| number.to_string());
                let reason =
                    format!("revision history: {count} old, limit {limit}; this is revision {revision}");
                Step::DeleteReplicaSet { replica_set: Arc::clone(set), reason }
            });
            match deleted {
                Err(Halt::Failed(failure)) if failure.kind == FailureKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }
}

/// Has no pods, wants none, and its controller has seen that.
fn is_idle(set: &ReplicaSet) -> bool {
    set.replicas == 0 && set.status.replicas == 0 && set.meta.generation <= set.status.observed_generation
}
