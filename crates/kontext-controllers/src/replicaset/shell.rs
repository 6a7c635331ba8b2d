//! The ReplicaSet loop's I/O: observe, decide, act.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use kontext::{
    Action, Context, Intent, ObjectRef,
    informer::Store,
    queue::Key,
    runner::{Next, Reconciler},
};
use tracing::{debug, warn};

use super::{
    Candidates, Decision, Observed, StatusInput, action, decide, requeue_after, shared::Shared,
    sort_candidates, status,
};
use crate::{
    Failure, FailureKind,
    claim::{adoption_patch, may_adopt, release_patch},
    cluster::{At, Cluster, Written},
    events::Event,
    expectations::{LiveList, Verdict},
    informers::{PODS, REPLICA_SETS, orphans_of, owned_by},
    metrics::LoopMetrics,
    model::{Pod, ReplicaSet, ReplicaSetStatus, ResourceVersion, Selector, Text},
    ranking::Neighbours,
    recorder::{Recorder, Subject},
    slow_start::SlowStart,
    stale::Stale,
    template::pod_from_template,
};

/// How often, and after which pause, a pod is looked for whose deletion got no answer.
const GOING_TRIES: u32 = 3;
const GOING_PAUSE: Duration = Duration::from_millis(500);

/// Whether a pod is there now.
enum Created {
    Surely,
    Perhaps,
}

/// The ReplicaSet loop.
pub(crate) struct ReplicaSetLoop {
    pub(crate) cluster: Cluster,
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    pub(crate) metrics: LoopMetrics,
}

impl Reconciler for ReplicaSetLoop {
    type Error = Failure;

    async fn reconcile(&self, context: Context, key: &Key) -> Result<Next, Failure> {
        if let Err(stale) = self.check_cache(key) {
            debug!(replicaset = &**key, %stale, "waiting for the cache");
            return Ok(Next::CacheBehind);
        }
        let Some(set) = self.sets().object(key) else {
            self.shared.forget(key, None);
            return Ok(Next::Done);
        };
        // Asked before the pods are read, or one could arrive in between.
        let mut expectations = self.shared.expectations.lock().verdict(key, Timestamp::now());
        if let Verdict::Uncertain { .. } = expectations {
            expectations = self.resolve_uncertain(&context, key, &set).await?;
        }
        let selector = match &set.selector {
            Ok(selector) => selector,
            Err(error) => {
                // Trying again would not make it better; the next change of the object will.
                warn!(replicaset = &**key, %error, "the selector is not of the right form");
                return Ok(Next::Done);
            }
        };
        let candidates = self.candidates(&set, selector);
        let terminating = candidates.terminating;
        let active = self.claim(&context, &set, candidates).await?;
        let now = Timestamp::now();
        let decision = self.decide(&set, &active, expectations, now);
        if let Some(why) = &decision.skipped {
            debug!(replicaset = &**key, why, "nothing done");
        }
        let managed = self.manage(&context, key, &set, &active, decision).await;
        let manage_error = managed.as_ref().err().map(|failure| failure.message.clone());
        let manage_error = manage_error.as_deref();
        let input = StatusInput { replica_set: &set, active: &active, terminating, manage_error, now };
        let current = self.write_status(&context, key, &input).await?;
        managed?;
        Ok(requeue_after(&input, &current, Timestamp::now()).map_or(Next::Done, Next::After))
    }

    fn is_routine(&self, failure: &Failure) -> bool {
        failure.kind == FailureKind::Conflict
    }

    fn object(&self, key: &str) -> ObjectRef {
        match self.sets().object(key) {
            Some(set) => reference(&set),
            None => {
                let (namespace, name) = key.split_once('/').unwrap_or(("", key));
                ObjectRef::new("ReplicaSet", Some(namespace), name).with_api_version("apps/v1")
            }
        }
    }

    fn intent(&self, key: &str) -> Option<Intent> {
        let (set, observer) = (self.sets().object(key)?, self.shared.causes.observer());
        self.shared.intents.standing(observer, REPLICA_SETS, &set.meta, set.raw.as_str())
    }
}

fn reference(set: &ReplicaSet) -> ObjectRef {
    crate::watch::reference(REPLICA_SETS, &set.meta)
}

impl ReplicaSetLoop {
    fn sets(&self) -> &Store<ReplicaSet> {
        &self.shared.sets
    }

    /// The cache must not be older than what this loop wrote last. Upstream fails such a sync and retries it through
    /// the limiter; the event that the cache is waiting for wakes the key just as well, and costs nothing of the budget.
    fn check_cache(&self, key: &str) -> Result<(), Stale> {
        let seen = |resource: &'static str| {
            let version = match resource {
                "pods" => self.shared.pods.resource_version(),
                _ => self.shared.sets.resource_version(),
            };
            Some(ResourceVersion::new(&version))
        };
        self.shared.guard.lock().check(key, seen).inspect_err(|stale| self.metrics.stale(stale.resource))
    }

    /// Creates whose outcome is not known: what the server has is what counts.
    async fn resolve_uncertain(
        &self,
        context: &Context,
        key: &str,
        set: &ReplicaSet,
    ) -> Result<Verdict, Failure> {
        let live = self.cluster.live_pods(context, &set.meta.namespace).await?;
        let ours: Vec<Text> = live
            .items
            .iter()
            .filter(|pod| pod.meta.is_controlled_by(&set.meta.uid))
            .map(|pod| Text::clone(&pod.meta.uid))
            .collect();
        let resource_version = ResourceVersion::new(&live.metadata.resource_version);
        let mut expectations = self.shared.expectations.lock();
        let cached = self.shared.pods.indexed(&owned_by(&set.meta.uid));
        let cache_at = ResourceVersion::new(&self.shared.pods.resource_version());
        let live = LiveList { resource_version: &resource_version, pods: &ours };
        let seen = |uid: &str| cached.iter().any(|pod| &*pod.meta.uid == uid);
        Ok(expectations.resolve_uncertain(key, live, Some(&cache_at), seen, Timestamp::now()))
    }

    fn candidates(&self, set: &ReplicaSet, selector: &Selector) -> Candidates {
        let own = self.shared.pods.indexed(&owned_by(&set.meta.uid));
        let orphans = self.shared.pods.indexed(&orphans_of(&set.meta.namespace));
        sort_candidates(set, selector, own.into_iter().chain(orphans))
    }

    /// Adopts and releases: the active pods that are the ReplicaSet's afterwards. One failure does not stop the
    /// others, but fails the reconcile before anything is created or deleted.
    async fn claim(
        &self,
        context: &Context,
        set: &Arc<ReplicaSet>,
        candidates: Candidates,
    ) -> Result<Vec<Arc<Pod>>, Failure> {
        let Candidates { mut kept, adopt, release, .. } = candidates;
        let mut failures: Vec<Failure> = Vec::new();
        let may = if adopt.is_empty() { Ok(()) } else { self.may_adopt(context, set).await };
        for (pod, reason) in adopt {
            let adopted = match &may {
                Ok(()) => self.adopt(context, set, &pod, reason).await,
                Err(failure) => Err(failure.clone()),
            };
            match adopted {
                Ok(()) => kept.push(pod),
                Err(failure) if failure.kind == FailureKind::NotFound => {}
                Err(failure) => {
                    let text = format!("can't adopt Pod {} ({}): {failure}", pod.meta.key(), pod.meta.uid);
                    failures.push(Failure::new(failure.kind, text));
                }
            }
        }
        for (pod, reason) in release {
            let started = context.start(&reference(set), action::RELEASE_POD).because(reason);
            let started = started.decided_by(&crate::watch::reference(PODS, &pod.meta));
            let body = release_patch(&set.meta.uid, &pod.meta.uid);
            match self.cluster.patch(&started, at(&pod), &body).await {
                Ok(written) => self.wrote(set, "pods", &written.version()),
                // Gone, or another object under its name: nothing is left to release.
                Err(failure) if failure.is_gone_or_invalid() => {}
                Err(failure) => failures.push(failure),
            }
        }
        Failure::all(failures).map(|()| kept)
    }

    /// The adoption guard: at most once a reconcile, and only where something is to be adopted.
    async fn may_adopt(&self, context: &Context, set: &ReplicaSet) -> Result<(), Failure> {
        let at = At::object(REPLICA_SETS, &set.meta.namespace, &set.meta.name);
        let live: ReplicaSet = self.cluster.fetch(context, at).await?;
        may_adopt("ReplicaSet", &set.meta, &live.meta)
            .map_err(|error| Failure::new(FailureKind::Other, error.to_string()))
    }

    async fn adopt(
        &self,
        context: &Context,
        set: &ReplicaSet,
        pod: &Pod,
        reason: &'static str,
    ) -> Result<(), Failure> {
        let started = context.start(&reference(set), action::ADOPT_POD).because(reason);
        let started = started.decided_by(&crate::watch::reference(PODS, &pod.meta));
        let body = adoption_patch(&set.as_owner(), &pod.meta.uid);
        let written = self.cluster.patch(&started, at(pod), &body).await?;
        self.wrote(set, "pods", &written.version());
        Ok(())
    }

    fn decide(
        &self,
        set: &ReplicaSet,
        active: &[Arc<Pod>],
        expectations: Verdict,
        now: Timestamp,
    ) -> Decision {
        let excess = active.len() > usize::try_from(set.replicas).unwrap_or(0);
        let related = if excess { self.related(set) } else { Vec::new() };
        let neighbours = Neighbours::count(related.iter().map(|pod| &**pod));
        decide(&Observed { replica_set: set, active, expectations, neighbours: &neighbours, now })
    }

    /// Pods of all ReplicaSets with the same controller: old and new pods of a Deployment spread over nodes together.
    fn related(&self, set: &ReplicaSet) -> Vec<Arc<Pod>> {
        let Some(owner) = &set.meta.controller else { return Vec::new() };
        let siblings = self.sets().indexed(&owned_by(&owner.uid));
        siblings.iter().flat_map(|sibling| self.shared.pods.indexed(&owned_by(&sibling.meta.uid))).collect()
    }

    async fn manage(
        &self,
        context: &Context,
        key: &Key,
        set: &ReplicaSet,
        active: &[Arc<Pod>],
        decision: Decision,
    ) -> Result<(), Failure> {
        if decision.creates > 0 {
            self.shared.expectations.lock().expect_creations(key, decision.creates, Timestamp::now());
            return self.create_pods(context, key, set, &decision).await;
        }
        if decision.deletes.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now();
        let keys: Vec<Text> = decision.deletes.iter().map(|delete| delete.pod.meta.key()).collect();
        self.shared.expectations.lock().expect_deletions(key, keys, now);
        self.metrics.deleting(active, &decision.deletes, now);
        // All at once, without slow start: a delete that fails does no harm.
        let deletes = decision
            .deletes
            .iter()
            .map(|delete| self.delete_pod(context, key, set, &delete.pod, &delete.reason));
        join_all(deletes).await.into_iter().collect()
    }

    /// In batches of 1, 2, 4, …, so that a quota or a broken webhook fails one call and not five hundred.
    async fn create_pods(
        &self,
        context: &Context,
        key: &Key,
        set: &ReplicaSet,
        decision: &Decision,
    ) -> Result<(), Failure> {
        let body = pod_from_template(&set.template_json(), &set.as_owner())
            .map_err(|error| Failure::new(FailureKind::Other, error.to_string()));
        let mut batches = SlowStart::new(decision.creates);
        while let Some(batch) = batches.next() {
            let creates = (0..batch).map(|_| async {
                let body = body.as_ref().map_err(Clone::clone)?;
                self.create_pod(context, key, set, body, &decision.create_reason).await
            });
            let results = join_all(creates).await;
            let failed = results.iter().filter(|result| result.is_err()).count();
            let uncertain = results.iter().any(|result| matches!(result, Ok(Created::Perhaps)));
            let failure = results.into_iter().find_map(Result::err);
            if failure.is_some() || uncertain {
                // What failed and what was not tried will never be seen. A server that does not answer gets no more.
                self.shared.expectations.lock().creations_failed(key, failed + batches.left());
                return failure.map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    /// The example of the KEP "Controller Context Propagation".
    async fn create_pod(
        &self,
        context: &Context,
        key: &Key,
        set: &ReplicaSet,
        body: &serde_json::Value,
        reason: &str,
    ) -> Result<Created, Failure> {
        let wrapped = context.start(&reference(set), action::CREATE_POD).because(reason.to_owned());
        let created =
            self.cluster.create::<Written>(&wrapped, At::collection(PODS, &set.meta.namespace), body).await;
        match created {
            Ok(pod) => {
                self.wrote(set, "pods", &pod.version());
                self.tell(wrapped.context(), set, Event::pod_created(&pod.metadata.name));
                Ok(Created::Surely)
            }
            // A timed-out create is no error: the pod may come yet. Its expectation stays, and the next reconcile asks
            // the server which pods there are.
            Err(failure) if failure.kind == FailureKind::Uncertain => {
                warn!(replicaset = &**key, %failure, "the outcome of creating a pod is not known");
                self.shared.expectations.lock().creation_uncertain(key);
                self.shared.queue.add_after(key, self.shared.uncertain_recheck);
                Ok(Created::Perhaps)
            }
            // Nothing can be created here any more; the expectation keeps us from trying until it expires.
            Err(failure) if failure.kind == FailureKind::NamespaceTerminating => Ok(Created::Surely),
            Err(failure) => {
                self.tell(wrapped.context(), set, Event::pod_not_created(&failure.message));
                Err(failure)
            }
        }
    }

    async fn delete_pod(
        &self,
        context: &Context,
        key: &Key,
        set: &ReplicaSet,
        pod: &Pod,
        reason: &str,
    ) -> Result<(), Failure> {
        let started = context.start(&reference(set), action::DELETE_POD).because(reason.to_owned());
        match self.cluster.delete(&started, at(pod)).await {
            Ok(()) => {
                self.tell(started.context(), set, Event::pod_deleted(&pod.meta.name));
                Ok(())
            }
            // Whether it was done is not known; another pod must not go in its place.
            Err(failure) if failure.kind == FailureKind::Uncertain && self.is_going(&started, pod).await => {
                Ok(())
            }
            Err(failure) => {
                self.shared.expectations.lock().deletion_observed(key, &pod.meta.key());
                if failure.kind == FailureKind::NotFound {
                    return Ok(());
                }
                self.tell(started.context(), set, Event::pod_not_deleted(&failure.message));
                Err(Failure::new(failure.kind, format!("unable to delete pods: {failure}")))
            }
        }
    }

    /// Whether the server has deleted the pod, or begun to.
    async fn is_going(&self, started: &Action, pod: &Pod) -> bool {
        for _ in 0..GOING_TRIES {
            match self.cluster.fetch::<Pod>(started.context(), at(pod)).await {
                Ok(live) => return live.meta.uid != pod.meta.uid || live.meta.is_deleting(),
                Err(failure) if failure.kind == FailureKind::NotFound => return true,
                // The connection that lost the answer to the deletion may be down a moment longer.
                Err(_) => tokio::time::sleep(GOING_PAUSE).await,
            }
        }
        false
    }

    /// Writes the status where it changed; on any failure once more onto the object as it is live, with the same
    /// numbers. The status as it is afterwards.
    async fn write_status(
        &self,
        context: &Context,
        key: &Key,
        input: &StatusInput<'_>,
    ) -> Result<ReplicaSetStatus, Failure> {
        let set = input.replica_set;
        let Some(new) = status(input) else { return Ok(input.compute()) };
        let started = context.start(&reference(set), action::UPDATE_STATUS).because(new.reason);
        self.shared.own_statuses.expect(key, &new.status);
        let at_status = At::status(REPLICA_SETS, &set.meta.namespace, &set.meta.name);
        let mut written =
            self.cluster.replace::<ReplicaSet>(&started, at_status, &set.status_body(&new.status)).await;
        if let Err(failure) = &written {
            debug!(replicaset = &**key, %failure, "writing the status again onto the live object");
            let at = At::object(REPLICA_SETS, &set.meta.namespace, &set.meta.name);
            let live: ReplicaSet = self.cluster.fetch(started.context(), at).await?;
            if live.meta.uid != set.meta.uid {
                let text = format!("replicaset {key} was deleted and created again meanwhile");
                return Err(Failure::new(FailureKind::NotFound, text));
            }
            written = self.cluster.replace(&started, at_status, &live.status_body(&new.status)).await;
        }
        let written = written?;
        self.wrote(set, "replicasets", &written.meta.resource_version);
        Ok(new.status)
    }

    fn wrote(&self, set: &ReplicaSet, resource: &'static str, version: &ResourceVersion) {
        self.shared.guard.lock().wrote(&set.meta.key(), &set.meta.uid, resource, version);
    }

    fn tell(&self, context: &Context, set: &ReplicaSet, event: Event) {
        self.recorder.record(context, &Subject::of(REPLICA_SETS, &set.meta), event);
    }
}

fn at(pod: &Pod) -> At<'_> {
    At::object(PODS, &pod.meta.namespace, &pod.meta.name)
}
