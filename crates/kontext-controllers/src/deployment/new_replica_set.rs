//! Finding the new ReplicaSet and keeping it, and the Deployment's revision, up to date.

use std::sync::Arc;

use super::{
    annotations::REVISION,
    conditions::{self, PROGRESSING},
    journal::Halt,
    revision::{advance, largest},
    sets::Sets,
    step::Step,
    sync::Sync,
};
use crate::model::{Annotations, Deployment, DeploymentStatus, ReplicaSet, ReplicaSetChange};

impl Sync<'_> {
    /// The ReplicaSets, with the new one up to date; made if it is missing and `create` is set.
    pub(super) fn sync_revision(&mut self, create: bool) -> Result<Sets, Halt> {
        let Sets { new, old } = Sets::classify(&self.deployment, &self.replica_sets);
        let revision = largest(old.iter().map(|set| &**set)) + 1;
        let new = match new {
            Some(set) => Some(self.update_new(&set, revision)?),
            None if create => {
                let set = self.create_new(&old, revision)?;
                self.replica_sets.push(Arc::clone(&set));
                Some(set)
            }
            None => None,
        };
        Ok(Sets { new, old })
    }

    fn update_new(&mut self, set: &Arc<ReplicaSet>, revision: i64) -> Result<Arc<ReplicaSet>, Halt> {
        if let Some((change, reason)) = self.outdated(set, revision) {
            let before = Arc::clone(set);
            let step = || Step::UpdateReplicaSet { replica_set: before, change, reason };
            let updated = self.journal.replica_set(step)?;
            for entry in &mut self.replica_sets {
                if entry.meta.uid == updated.meta.uid {
                    *entry = Arc::clone(&updated);
                }
            }
            return Ok(updated);
        }
        let text = set.annotations.get(REVISION).cloned().unwrap_or_default();
        let annotations = revision_change(&self.deployment, text);
        let mut status = self.deployment.status.clone();
        if self.deployment.progress_deadline().is_some() && self.deployment.condition(PROGRESSING).is_none() {
            let message = format!("Found new replica set {:?}", &*set.meta.name);
            self.set_progress(&mut status, conditions::TRUE, conditions::FOUND_NEW, message);
        }
        self.write_if_changed(status, annotations)?;
        Ok(Arc::clone(set))
    }

    /// What the new ReplicaSet lacks: annotations of the Deployment, its revision, minReadySeconds.
    fn outdated(&self, set: &ReplicaSet, revision: i64) -> Option<(ReplicaSetChange, String)> {
        let copied = self.seen.annotations.missing(&self.deployment.annotations, &set.annotations);
        let advanced = advance(&set.annotations, revision);
        let wanted = self.deployment.min_ready_seconds;
        let min_ready_seconds = (set.min_ready_seconds != wanted).then_some(wanted);
        // Upstream gives up on all annotations, also those it has copied already, if the revision is no number.
        let annotated = advanced.as_ref().is_some_and(|change| !change.is_empty() || !copied.is_empty());
        if !annotated && min_ready_seconds.is_none() {
            return None;
        }
        let mut why = Vec::new();
        if let Some(change) = advanced.as_ref().filter(|change| !change.is_empty()) {
            let before = set.annotations.get(REVISION).map_or("none", String::as_str);
            why.push(format!("revision {before} -> {}", change[REVISION]));
        }
        if !copied.is_empty() {
            let names: Vec<&str> = copied.keys().map(String::as_str).collect();
            why.push(format!("the deployment's annotations {}", names.join(", ")));
        }
        if let Some(seconds) = min_ready_seconds {
            why.push(format!("minReadySeconds {} -> {seconds}", set.min_ready_seconds));
        }
        let mut annotations = copied;
        annotations.extend(advanced.unwrap_or_default());
        Some((ReplicaSetChange { replicas: None, min_ready_seconds, annotations }, why.join("; ")))
    }

    pub(super) fn set_progress(
        &self,
        status: &mut DeploymentStatus,
        state: &str,
        reason: &str,
        message: String,
    ) {
        let condition = conditions::new(PROGRESSING, state, reason, message, self.seen.now);
        conditions::set(&mut status.conditions, condition);
    }

    pub(super) fn write_if_changed(
        &mut self,
        status: DeploymentStatus,
        annotations: Annotations,
    ) -> Result<(), Halt> {
        if annotations.is_empty() && status == self.deployment.status {
            return Ok(());
        }
        self.write_status(status, annotations)
    }
}

/// The revision annotation, if the Deployment has another one.
pub(super) fn revision_change(deployment: &Deployment, revision: String) -> Annotations {
    if deployment.annotations.get(REVISION).map_or("", String::as_str) == revision {
        return Annotations::new();
    }
    [(REVISION.to_owned(), revision)].into()
}
