//! The runner: workers take keys with their causes from the work queue, and reconcile them in a context.

mod metrics;

use std::{fmt::Display, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use kontext_core::{Context, Controller, Intent, ObjectRef, Policy, Telemetry};
use tokio::{
    task::JoinSet,
    time::{Duration, Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

pub use metrics::{RunnerMetricFamilies, RunnerMetrics};

use crate::queue::{Key, Taken, WorkQueue};

/// What to do with a key whose reconcile succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing until something changes.
    Done,
    /// Look again after a while, or earlier when something changes.
    After(Duration),
    /// Look again as soon as the queue's limits allow.
    Soon,
    /// Nothing was done: the cache does not show yet what was written last. Look again when it brings something.
    CacheBehind,
}

/// A control loop: brings one object, named by its key, to the state that it should have.
pub trait Reconciler: Send + Sync + 'static {
    /// Why a reconcile failed.
    type Error: Display + Send;

    /// One reconcile. Every API call is made within `context` or an action started from it.
    fn reconcile(
        &self,
        context: Context,
        key: &Key,
    ) -> impl Future<Output = Result<Next, Self::Error>> + Send;

    /// Whether this failure is an everyday matter that the retry mends, such as a conflict: it is logged as a warning
    /// only when it comes again and again.
    fn is_routine(&self, _error: &Self::Error) -> bool {
        false
    }

    /// The object of a key, as far as it is known.
    fn object(&self, key: &str) -> ObjectRef;

    /// Who wrote the spec of the object as it is now, where known.
    fn intent(&self, key: &str) -> Option<Intent>;
}

/// How a loop is run.
pub struct Runner {
    /// Its name and kind.
    pub controller: Arc<Controller>,
    /// Where its keys come from.
    pub queue: WorkQueue,
    /// Reconciles at a time.
    pub workers: usize,
    /// Retries in a row before a key is given up until something changes; for ever where `None`.
    pub max_retries: Option<u32>,
    /// What is propagated.
    pub policy: Arc<Policy>,
    /// Who listens.
    pub telemetry: Arc<dyn Telemetry>,
    /// Metrics.
    pub metrics: RunnerMetrics,
    /// How long reconciles under way may go on after a stop before they are cancelled.
    pub grace: Duration,
}

/// When a key whose cache was behind is looked at again at the latest; usually its event comes within milliseconds.
const CACHE_BEHIND: Duration = Duration::from_millis(500);
/// How often in a row a routine failure is not worth a warning.
const ROUTINE: u32 = 5;
/// How long cancelled reconciles may take to unwind before they are dropped.
const UNWIND: Duration = Duration::from_secs(1);

impl Runner {
    /// Runs the workers until `stop`. Then no key is taken any more; reconciles under way finish, or are
    /// cancelled after the grace, and dropped where they do not heed that.
    pub async fn run(self, reconciler: impl Reconciler, stop: CancellationToken) {
        let cancelled = CancellationToken::new();
        let shared = Arc::new((self, reconciler));
        let mut workers = JoinSet::new();
        shared.0.metrics.max_workers.set(i64::try_from(shared.0.workers).unwrap_or(i64::MAX));
        for _ in 0..shared.0.workers {
            let (shared, cancelled) = (shared.clone(), cancelled.clone());
            workers.spawn(async move {
                let (runner, reconciler) = &*shared;
                while let Some(taken) = runner.queue.take().await {
                    runner.process(reconciler, taken, &cancelled).await;
                }
            });
        }
        let runner = &shared.0;
        tokio::select! {
            () = stop.cancelled() => {}
            // Workers end with the queue only: this one panicked outside of a reconcile. Whoever runs us has to know.
            Some(ended) = workers.join_next() => {
                error!(controller = &*runner.controller.name, ?ended, "a worker ended unexpectedly, stopping");
            }
        }
        runner.queue.shut_down();
        let all_done = async { while workers.join_next().await.is_some() {} };
        tokio::pin!(all_done);
        tokio::select! {
            () = &mut all_done => return,
            () = sleep(runner.grace) => {}
        }
        warn!(controller = &*runner.controller.name, grace = ?runner.grace, "reconciles still under way, cancelling them");
        cancelled.cancel();
        tokio::select! {
            () = all_done => {}
            () = sleep(UNWIND) => {
                error!(controller = &*runner.controller.name, "reconciles did not heed their cancellation, dropped");
            }
        }
    }

    async fn process(&self, reconciler: &impl Reconciler, mut taken: Taken, cancelled: &CancellationToken) {
        let began = Instant::now();
        self.metrics.active.inc();
        let known = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let intent = if self.policy.is_on() { reconciler.intent(&taken.key) } else { None };
            (reconciler.object(&taken.key), intent)
        }));
        let Ok((object, intent)) = known else {
            self.metrics.active.dec();
            self.metrics.panics.inc();
            self.metrics.failed();
            error!(
                controller = &*self.controller.name,
                key = &*taken.key,
                "looking the object up panicked, will be retried"
            );
            return self.queue.retry(taken);
        };
        let mut causes = std::mem::take(&mut taken.causes);
        causes.name_own(&object);
        let context = Context::builder(self.controller.clone(), object)
            .causes(causes)
            .intent(intent)
            .policy(self.policy.clone())
            .telemetry(self.telemetry.clone())
            .cancellation(cancelled.child_token())
            .build();
        let reconcile = AssertUnwindSafe(reconciler.reconcile(context.clone(), &taken.key)).catch_unwind();
        let result = reconcile.await;
        if let Ok(Ok(_)) = &result {
            context.close();
        }
        self.metrics.active.dec();
        self.metrics.took.observe(began.elapsed().as_secs_f64());
        let mut routine = false;
        let error = match result {
            Ok(Ok(next)) => {
                self.metrics.succeeded(next);
                let key = taken.key.clone();
                match next {
                    Next::Soon => self.queue.requeue(taken),
                    Next::CacheBehind => {
                        taken.causes = context.causes().clone();
                        self.queue.wait(taken, CACHE_BEHIND);
                    }
                    Next::Done => self.queue.done(taken),
                    Next::After(delay) => {
                        self.queue.add_after(&key, delay);
                        self.queue.done(taken);
                    }
                }
                return;
            }
            Ok(Err(error)) => {
                routine = reconciler.is_routine(&error) && self.queue.failures(&taken.key) < ROUTINE;
                error.to_string()
            }
            Err(panic) => {
                self.metrics.panics.inc();
                format!("panicked: {}", panic_message(&*panic))
            }
        };
        self.metrics.failed();
        if cancelled.is_cancelled() {
            context.close();
            return self.queue.done(taken);
        }
        context.failed(&error);
        context.close();
        self.tell(&context, &taken, &error, routine);
        taken.causes = context.causes().clone();
        if self.max_retries.is_some_and(|max| self.queue.failures(&taken.key) >= max) {
            self.queue.done(taken);
        } else {
            self.queue.retry(taken);
        }
    }

    fn tell(&self, context: &Context, taken: &Taken, error: &str, routine: bool) {
        let object = context.object();
        let failures = self.queue.failures(&taken.key);
        let given_up = self.max_retries.is_some_and(|max| failures >= max);
        let what = if given_up {
            "reconcile failed, given up until something changes"
        } else {
            "reconcile failed, will be retried"
        };
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    controller = &*self.controller.name,
                    controllerGroup = &*self.controller.group,
                    controllerKind = &*self.controller.kind,
                    namespace = object.namespace.as_deref(),
                    name = &*object.name,
                    reconcileID = context.reconcile_id(),
                    trace_id = %context.traceparent().trace_id,
                    failures,
                    error,
                    "{what}"
                )
            };
        }
        if routine { tell!(debug) } else { tell!(warn) }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests;
