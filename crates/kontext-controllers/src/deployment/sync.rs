//! The order of one sync.

use std::sync::Arc;

use super::{
    Observed,
    annotations::{DESIRED_REPLICAS, ROLLBACK_TO, number},
    conditions::{self, PROGRESSING},
    journal::{Halt, Journal},
    sets::Sets,
    status,
    step::{Done, Next, Requeue, Step, StepResult},
};
use crate::{
    Failure, FailureKind,
    describe::Changes,
    events::Event,
    model::{Annotations, Deployment, DeploymentStatus, ReplicaSet, Strategy},
};

pub(super) struct Sync<'a> {
    pub(super) seen: &'a Observed<'a>,
    pub(super) journal: Journal<'a>,
    /// As observed, or as the last write returned it.
    pub(super) deployment: Arc<Deployment>,
    /// As observed, with what finding the new ReplicaSet created or updated.
    pub(super) replica_sets: Vec<Arc<ReplicaSet>>,
    pub(super) swallowed: Option<Failure>,
}

impl<'a> Sync<'a> {
    pub(super) fn new(seen: &'a Observed<'a>, results: &'a [StepResult]) -> Self {
        Self {
            seen,
            journal: Journal::new(results),
            deployment: Arc::clone(seen.deployment),
            replica_sets: seen.replica_sets.to_vec(),
            swallowed: None,
        }
    }

    pub(super) fn run(mut self) -> Next {
        let ended = self.sync();
        self.finish(ended)
    }

    pub(super) fn finish(self, ended: Result<Requeue, Halt>) -> Next {
        let swallowed = self.swallowed;
        match ended {
            Err(Halt::Pending(step)) => Next::Step(*step),
            Err(Halt::Failed(failure) | Halt::Unfit(failure)) => {
                Next::Done(Done { result: Err(failure), swallowed, requeue: Requeue::Never })
            }
            Ok(requeue) => {
                let requeue = if swallowed.is_some() { Requeue::RateLimited } else { requeue };
                Next::Done(Done { result: Ok(()), swallowed, requeue })
            }
        }
    }

    fn sync(&mut self) -> Result<Requeue, Halt> {
        let deployment = Arc::clone(&self.deployment);
        match &deployment.selector {
            Ok(selector) if selector.is_empty() => return self.refuse_to_select_all(),
            Ok(_) => {}
            Err(error) => {
                let text =
                    format!("deployment {} has an invalid label selector: {error}", deployment.meta.key());
                return Err(Halt::Failed(Failure::new(FailureKind::Other, text)));
            }
        }
        if deployment.meta.is_deleting() {
            let sets = self.sync_revision(false)?;
            return self.write_plain_status(&sets);
        }
        self.pause_or_resume()?;
        if deployment.paused {
            return self.scale_and_status();
        }
        if deployment.annotations.get(ROLLBACK_TO).is_some_and(|text| text.parse::<i64>().is_ok()) {
            return self.rollback();
        }
        if self.is_scaling_event()? {
            return self.scale_and_status();
        }
        match &deployment.strategy {
            Strategy::Recreate => self.recreate(),
            Strategy::RollingUpdate { .. } => self.rolling(),
            Strategy::Unknown(kind) => {
                let text = format!("unexpected deployment strategy type: {kind}");
                Err(Halt::Failed(Failure::new(FailureKind::Other, text)))
            }
        }
    }

    fn refuse_to_select_all(&mut self) -> Result<Requeue, Halt> {
        self.event(|| {
            let text = "This deployment is selecting all pods. A non-empty selector is required.";
            Event::warning("SelectingAll", text)
        })?;
        let mut status = self.deployment.status.clone();
        if status.observed_generation < self.deployment.meta.generation {
            status.observed_generation = self.deployment.meta.generation;
            let written = self.write_status(status, Annotations::new());
            self.swallow(written)?;
        }
        Ok(Requeue::Never)
    }

    /// Says in the condition `Progressing` that the Deployment was paused or resumed, so that the time it stood still
    /// does not count against its deadline.
    fn pause_or_resume(&mut self) -> Result<(), Halt> {
        let reason = self.deployment.condition(PROGRESSING).map(|condition| condition.reason.as_str());
        if self.deployment.progress_deadline().is_none() || reason == Some(conditions::TIMED_OUT) {
            return Ok(());
        }
        let (reason, message) = match (self.deployment.paused, reason == Some(conditions::PAUSED)) {
            (true, false) => (conditions::PAUSED, "Deployment is paused"),
            (false, true) => (conditions::RESUMED, "Deployment is resumed"),
            _ => return Ok(()),
        };
        let mut status = self.deployment.status.clone();
        let now = self.seen.now;
        let condition = conditions::new(PROGRESSING, conditions::UNKNOWN, reason, message.to_owned(), now);
        conditions::set(&mut status.conditions, condition);
        self.write_status(status, Annotations::new())
    }

    /// The wanted size differs from the one the active ReplicaSets remember.
    fn is_scaling_event(&mut self) -> Result<bool, Halt> {
        let sets = self.sync_revision(false)?;
        let wanted = self.deployment.replicas;
        let differs =
            |set: &ReplicaSet| number(set, DESIRED_REPLICAS).is_some_and(|desired| desired != wanted);
        Ok(sets.all().any(|set| set.is_active() && differs(set)))
    }

    /// Paused, or scaled: sizes only, no rollout.
    fn scale_and_status(&mut self) -> Result<Requeue, Halt> {
        let sets = self.sync_revision(false)?;
        self.scale(&sets)?;
        let rollback_pending =
            self.deployment.annotations.get(ROLLBACK_TO).is_some_and(|text| text.parse::<i64>().is_ok());
        if self.deployment.paused && !rollback_pending {
            self.clean_up(&sets)?;
        }
        self.write_plain_status(&sets)
    }

    /// Status without the condition `Progressing`.
    fn write_plain_status(&mut self, sets: &Sets) -> Result<Requeue, Halt> {
        let status = status::calculate(&self.deployment, sets, self.seen.now);
        if status != self.deployment.status {
            self.write_status(status, Annotations::new())?;
        }
        Ok(Requeue::Never)
    }

    /// Status of a rollout; if nothing changed, when its deadline is.
    ///
    /// It is computed from the ReplicaSets as they were before this sync scaled them, as upstream does.
    pub(super) fn write_rollout_status(&mut self, sets: &Sets) -> Result<Requeue, Halt> {
        let status = status::rollout(&self.deployment, sets, self.seen.now);
        if status == self.deployment.status {
            return Ok(status::requeue_stuck(&self.deployment, &status, self.seen.now));
        }
        self.write_status(status, Annotations::new())?;
        Ok(Requeue::Never)
    }

    pub(super) fn write_status(
        &mut self,
        status: DeploymentStatus,
        annotations: Annotations,
    ) -> Result<(), Halt> {
        let deployment = Arc::clone(&self.deployment);
        self.deployment = self.journal.deployment(|| {
            let reason = describe(&deployment, &status, &annotations);
            Step::UpdateStatus { deployment, status, annotations, reason }
        })?;
        Ok(())
    }

    pub(super) fn event(&mut self, event: impl FnOnce() -> Event) -> Result<(), Halt> {
        let sent = self.journal.done(|| Step::Event(event()));
        // An Event that could not be sent changes nothing.
        match sent {
            Err(Halt::Failed(_)) => Ok(()),
            other => other,
        }
    }

    /// Lets the sync go on after a failure, which is remembered.
    pub(super) fn swallow<T: Default>(&mut self, result: Result<T, Halt>) -> Result<T, Halt> {
        match result {
            Err(Halt::Failed(failure)) => {
                self.swallowed.get_or_insert(failure);
                Ok(T::default())
            }
            other => other,
        }
    }
}

fn describe(deployment: &Deployment, new: &DeploymentStatus, annotations: &Annotations) -> String {
    let old = &deployment.status;
    let mut changes = Changes::default();
    for (key, value) in annotations {
        let name = key.rsplit('/').next().unwrap_or(key);
        match deployment.annotations.get(key) {
            Some(before) => changes.say(format!("{name} {before} -> {value}")),
            None => changes.say(format!("{name} {value}")),
        }
    }
    changes.number("replicas", old.replicas, new.replicas);
    changes.number("updated", old.updated_replicas, new.updated_replicas);
    changes.number("ready", old.ready_replicas, new.ready_replicas);
    changes.number("available", old.available_replicas, new.available_replicas);
    changes.number("unavailable", old.unavailable_replicas, new.unavailable_replicas);
    changes.optional("terminating", old.terminating_replicas, new.terminating_replicas);
    changes.number("observed generation", old.observed_generation, new.observed_generation);
    changes.optional("collisions", old.collision_count, new.collision_count);
    changes.conditions(&old.conditions, &new.conditions);
    changes.finish().unwrap_or_else(|| "no change".to_owned())
}
