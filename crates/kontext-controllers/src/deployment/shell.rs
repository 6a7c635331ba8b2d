//! The Deployment loop's I/O: observe, decide, act.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use kontext::{
    Context, Intent, ObjectRef,
    queue::Key,
    runner::{Next, Reconciler},
};
use tracing::{debug, warn};

use super::{
    AnnotationRules, Done, Observed, Requeue, Step, StepResult, action, claim_selector, next, shared::Shared,
};
use crate::{
    Failure, FailureKind,
    claim::{Claim, adoption_patch, claim, may_adopt, release_patch},
    cluster::{At, Cluster},
    informers::{DEPLOYMENTS, REPLICA_SETS, orphans_of, owned_by},
    model::{Deployment, ReplicaSet, Selector, Strategy, Text},
    recorder::{Recorder, Subject},
    watch::reference,
};

/// Steps of one sync at most; more would be a loop in the decision.
const MAX_STEPS: usize = 10_000;

/// The Deployment loop.
pub(crate) struct DeploymentLoop {
    pub(crate) cluster: Cluster,
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    pub(crate) annotations: AnnotationRules,
}

impl Reconciler for DeploymentLoop {
    type Error = Failure;

    async fn reconcile(&self, context: Context, key: &Key) -> Result<Next, Failure> {
        let Some(deployment) = self.shared.deployments.object(key) else {
            debug!(deployment = &**key, "is gone");
            self.shared.own_statuses.forget(key);
            return Ok(Next::Done);
        };
        let claimed = match claim_selector(&deployment) {
            Some(selector) => self.claim(&context, &deployment, selector).await?,
            None => Vec::new(),
        };
        let unfinished_pods = self.unfinished_pods(&deployment, &claimed);
        let observed = Observed {
            deployment: &deployment,
            replica_sets: &claimed,
            unfinished_pods: &unfinished_pods,
            now: Timestamp::now(),
            annotations: &self.annotations,
        };
        let done = self.sync(&context, key, &observed).await?;
        if let Some(failure) = &done.swallowed {
            if failure.kind == FailureKind::Conflict {
                debug!(deployment = &**key, %failure, "a step failed, the sync went on and will be retried");
            } else {
                warn!(deployment = &**key, %failure, "a step failed, the sync went on and will be retried");
            }
        }
        match done.result {
            Ok(()) => Ok(match done.requeue {
                Requeue::Never => Next::Done,
                Requeue::RateLimited => Next::Soon,
                Requeue::After(delay) => Next::After(delay),
            }),
            // Nothing can be done in a namespace that is being deleted.
            Err(failure) if failure.kind == FailureKind::NamespaceTerminating => {
                debug!(deployment = &**key, %failure, "given up");
                Ok(Next::Done)
            }
            Err(failure) => Err(failure),
        }
    }

    fn is_routine(&self, failure: &Failure) -> bool {
        failure.kind == FailureKind::Conflict
    }

    fn object(&self, key: &str) -> ObjectRef {
        match self.shared.deployments.object(key) {
            Some(deployment) => reference(DEPLOYMENTS, &deployment.meta),
            None => {
                let (namespace, name) = key.split_once('/').unwrap_or(("", key));
                ObjectRef::new("Deployment", Some(namespace), name).with_api_version("apps/v1")
            }
        }
    }

    fn intent(&self, key: &str) -> Option<Intent> {
        let (deployment, observer) = (self.shared.deployments.object(key)?, self.shared.causes.observer());
        self.shared.intents.standing(observer, DEPLOYMENTS, &deployment.meta, deployment.raw.as_str())
    }
}

impl DeploymentLoop {
    /// Asks what is next, does it, and asks again with the result.
    async fn sync(&self, context: &Context, key: &Key, observed: &Observed<'_>) -> Result<Done, Failure> {
        let mut results = Vec::new();
        // Events tell of the action before them.
        let mut last = context.clone();
        while results.len() < MAX_STEPS {
            match next(observed, &results) {
                super::Next::Done(done) => return Ok(done),
                super::Next::Step(step) => {
                    results.push(self.act(context, key, observed.deployment, step, &mut last).await);
                }
            }
        }
        Err(Failure::new(FailureKind::Other, format!("the sync did not end within {MAX_STEPS} steps")))
    }

    async fn act(
        &self,
        context: &Context,
        key: &Key,
        deployment: &Deployment,
        step: Step,
        last: &mut Context,
    ) -> StepResult {
        let namespace = &*deployment.meta.namespace;
        let (Some(name), body) = (step.action(), step.body()) else {
            return self.look_up_or_tell(deployment, step, last);
        };
        let started =
            context.start(&reference(DEPLOYMENTS, &deployment.meta), name).because(step.reason().to_owned());
        *last = started.context().clone();
        let body = body.unwrap_or_default();
        let set = |result: Result<ReplicaSet, Failure>| match result {
            Ok(set) => StepResult::ReplicaSet(Arc::new(set)),
            Err(failure) => StepResult::Failed(failure),
        };
        let written = |result: Result<Deployment, Failure>| match result {
            Ok(deployment) => StepResult::Deployment(Arc::new(deployment)),
            Err(failure) => StepResult::Failed(failure),
        };
        match &step {
            Step::CreateReplicaSet { .. } => {
                set(self.cluster.create(&started, At::collection(REPLICA_SETS, namespace), &body).await)
            }
            Step::ScaleReplicaSet { replica_set, .. } | Step::UpdateReplicaSet { replica_set, .. } => {
                let at = At::object(REPLICA_SETS, namespace, &replica_set.meta.name);
                set(self.cluster.replace(&started, at, &body).await)
            }
            Step::DeleteReplicaSet { replica_set, .. } => {
                let uid = Text::clone(&replica_set.meta.uid);
                self.shared.deleting.lock().insert(Text::clone(&uid));
                let at = At::object(REPLICA_SETS, namespace, &replica_set.meta.name);
                match self.cluster.delete(&started, at).await {
                    Ok(()) => StepResult::Done,
                    Err(failure) => {
                        // Perhaps it was done, and its event is still to come: our own doing then.
                        if failure.kind != FailureKind::Uncertain {
                            self.shared.deleting.lock().remove(&uid);
                        }
                        StepResult::Failed(failure)
                    }
                }
            }
            Step::UpdateStatus { status, .. } => {
                self.shared.own_statuses.expect(key, status);
                let at = At::status(DEPLOYMENTS, namespace, &deployment.meta.name);
                written(self.cluster.replace(&started, at, &body).await)
            }
            Step::Rollback { .. } => {
                let at = At::object(DEPLOYMENTS, namespace, &deployment.meta.name);
                written(self.cluster.replace(&started, at, &body).await)
            }
            Step::FindReplicaSet { .. } | Step::Event(_) => self.look_up_or_tell(deployment, step, last),
        }
    }

    fn look_up_or_tell(&self, deployment: &Deployment, step: Step, last: &Context) -> StepResult {
        match step {
            Step::FindReplicaSet { namespace, name } => {
                match self.shared.sets.object(&format!("{namespace}/{name}")) {
                    Some(set) => StepResult::ReplicaSet(set),
                    None => {
                        let text = format!("replicaset {namespace}/{name} is not in the cache");
                        StepResult::Failed(Failure::new(FailureKind::NotFound, text))
                    }
                }
            }
            Step::Event(event) => {
                self.recorder.record(last, &Subject::of(DEPLOYMENTS, &deployment.meta), event);
                StepResult::Done
            }
            other => unreachable!("{other:?} is an action"),
        }
    }

    /// The Deployment's ReplicaSets, after adopting and releasing. One failure does not stop the others, but fails
    /// the sync before anything else is done.
    async fn claim(
        &self,
        context: &Context,
        deployment: &Arc<Deployment>,
        selector: &Selector,
    ) -> Result<Vec<Arc<ReplicaSet>>, Failure> {
        let own = self.shared.sets.indexed(&owned_by(&deployment.meta.uid));
        let orphans = self.shared.sets.indexed(&orphans_of(&deployment.meta.namespace));
        let (mut kept, mut failures) = (Vec::new(), Vec::new());
        let mut guard: Option<Result<(), Failure>> = None;
        for set in own.into_iter().chain(orphans) {
            let result = match claim(&deployment.meta, selector, &set.meta) {
                Claim::Ignore => continue,
                Claim::Keep => Ok(true),
                Claim::Adopt(reason) => {
                    if guard.is_none() {
                        guard = Some(self.may_adopt(context, deployment).await);
                    }
                    match guard.as_ref().expect("asked just now") {
                        Ok(()) => self.adopt(context, deployment, &set, reason).await,
                        Err(failure) => {
                            let text = format!(
                                "can't adopt ReplicaSet {} ({}): {failure}",
                                set.meta.key(),
                                set.meta.uid
                            );
                            Err(Failure::new(failure.kind, text))
                        }
                    }
                }
                Claim::Release(reason) => self.release(context, deployment, &set, reason).await,
            };
            match result {
                Ok(true) => kept.push(set),
                Ok(false) => {}
                Err(failure) => failures.push(failure),
            }
        }
        Failure::all(failures).map(|()| kept)
    }

    async fn may_adopt(&self, context: &Context, deployment: &Deployment) -> Result<(), Failure> {
        let at = At::object(DEPLOYMENTS, &deployment.meta.namespace, &deployment.meta.name);
        let live: Deployment = self.cluster.fetch(context, at).await?;
        may_adopt("Deployment", &deployment.meta, &live.meta)
            .map_err(|error| Failure::new(FailureKind::Other, error.to_string()))
    }

    async fn adopt(
        &self,
        context: &Context,
        deployment: &Deployment,
        set: &ReplicaSet,
        reason: &'static str,
    ) -> Result<bool, Failure> {
        let started = context
            .start(&reference(DEPLOYMENTS, &deployment.meta), action::ADOPT_REPLICA_SET)
            .because(reason)
            .decided_by(&reference(REPLICA_SETS, &set.meta));
        let body = adoption_patch(&deployment.as_owner(), &set.meta.uid);
        let at = At::object(REPLICA_SETS, &set.meta.namespace, &set.meta.name);
        match self.cluster.patch(&started, at, &body).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn release(
        &self,
        context: &Context,
        deployment: &Deployment,
        set: &ReplicaSet,
        reason: &'static str,
    ) -> Result<bool, Failure> {
        let started = context
            .start(&reference(DEPLOYMENTS, &deployment.meta), action::RELEASE_REPLICA_SET)
            .because(reason)
            .decided_by(&reference(REPLICA_SETS, &set.meta));
        let body = release_patch(&deployment.meta.uid, &set.meta.uid);
        let at = At::object(REPLICA_SETS, &set.meta.namespace, &set.meta.name);
        match self.cluster.patch(&started, at, &body).await {
            Ok(_) => Ok(false),
            Err(failure) if failure.is_gone_or_invalid() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// How many unfinished pods each ReplicaSet has; only a Recreate rollout waits for them.
    fn unfinished_pods(&self, deployment: &Deployment, sets: &[Arc<ReplicaSet>]) -> HashMap<Text, usize> {
        if deployment.strategy != Strategy::Recreate {
            return HashMap::new();
        }
        let unfinished = |set: &ReplicaSet| {
            let pods = self.shared.pods.indexed(&owned_by(&set.meta.uid));
            pods.iter().filter(|pod| !pod.is_finished()).count()
        };
        sets.iter().map(|set| (Text::clone(&set.meta.uid), unfinished(set))).collect()
    }
}
