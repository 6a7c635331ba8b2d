//! The work queue, whose entries are the ledger: adding a key merges its causes, taking it takes them.
//!
//! The behaviour towards the loops is client-go's: a waiting key is queued once; a key added while it is being
//! processed is queued again when it is done, so that one key is never processed twice at a time; retries are
//! limited per key and over all keys; of several delays for one key the earliest holds. An idle key has no entry
//! and takes no memory.

mod limiter;
mod metrics;
mod state;

use std::sync::Arc;

use jiff::Timestamp;
use kontext_core::{Attribution, Cause, CauseSet, Changes, EventKind, ObjectRef, Weight};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Duration, Instant, sleep_until},
};

pub use limiter::{Limiter, Limits};
pub use metrics::{QueueMetricFamilies, QueueMetrics};
use state::State;

/// A key of the queue: `namespace/name`.
pub type Key = Arc<str>;

/// A key taken from the queue, with everything that was observed for it since it was taken before.
///
/// Hand it back with [`WorkQueue::done`], [`WorkQueue::retry`] or one of the other ways; dropping it without
/// (as by a panic) counts as done, so that a key can never be stuck.
#[derive(Debug)]
pub struct Taken {
    /// The key.
    pub key: Key,
    /// Its causes.
    pub causes: CauseSet,
    /// How long it waited.
    pub waited: Duration,
    lease: Lease,
}

#[derive(Debug)]
struct Lease {
    queue: WorkQueue,
    key: Key,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let shared = &self.queue.0;
        shared.state.lock().done(&self.key, Instant::now());
        shared.ready.notify_one();
    }
}

/// A rate-limited work queue of keys with their causes.
#[derive(Clone, Debug)]
pub struct WorkQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ready: Notify,
}

impl WorkQueue {
    /// An empty queue.
    pub fn new(limits: Limits, metrics: QueueMetrics) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State::new(Limiter::new(limits), metrics)),
            ready: Notify::new(),
        }))
    }

    /// Queues `key`, and records why. Without a cause the key is looked at again for the state's sake alone, as
    /// after an initial list or a resync.
    pub fn add(&self, key: &Key, cause: Option<Cause>) {
        self.0.state.lock().add(key, cause.into_iter().collect(), Instant::now());
        self.0.ready.notify_one();
    }

    /// Queues `key` after `delay`, with a timer as cause; of several delays for one key the earliest holds.
    pub fn add_after(&self, key: &Key, delay: Duration) {
        let now = Instant::now();
        self.0.state.lock().add_at(key, now + delay, Some(EventKind::Timer), now);
        self.0.ready.notify_one();
    }

    /// Gives the causes of a failed reconcile back and queues its key as the limits allow.
    pub fn retry(&self, taken: Taken) {
        let now = Instant::now();
        let mut state = self.0.state.lock();
        let delay = state.limit(&taken.key, now);
        state.give_back(&taken.key, taken.causes);
        state.add_at(&taken.key, now + delay, Some(EventKind::Retry), now);
        drop(state);
        drop(taken.lease);
    }

    /// Queues the key of a succeeded reconcile again as the limits allow: it asked for another look soon.
    pub fn requeue(&self, taken: Taken) {
        let now = Instant::now();
        let mut state = self.0.state.lock();
        let delay = state.limit(&taken.key, now);
        state.add_at(&taken.key, now + delay, Some(EventKind::Requeue), now);
        drop(state);
        drop(taken.lease);
    }

    /// Nothing was done, because the cache is not there yet: the causes stay with the key for its next event, which the
    /// cache will bring, or for `at_latest`. It counts as no failure and takes nothing of the retries' budget.
    pub fn wait(&self, taken: Taken, at_latest: Duration) {
        let now = Instant::now();
        let mut state = self.0.state.lock();
        state.give_back(&taken.key, taken.causes);
        state.add_at(&taken.key, now + at_latest, None, now);
        drop(state);
        drop(taken.lease);
    }

    /// A reconcile succeeded, or is given up: its key starts afresh.
    pub fn done(&self, taken: Taken) {
        self.0.state.lock().forget(&taken.key);
        drop(taken.lease);
    }

    /// How often in a row the key failed.
    pub fn failures(&self, key: &Key) -> u32 {
        self.0.state.lock().failures(key)
    }

    /// The next key, when there is one; `None` once the queue is shut down. Cancel-safe: nothing is taken by a
    /// future that is dropped.
    pub async fn take(&self) -> Option<Taken> {
        loop {
            let notified = self.0.ready.notified();
            let next = {
                let now = Instant::now();
                let mut state = self.0.state.lock();
                if state.is_shut_down() {
                    // Whoever waits beside us has to learn it too.
                    self.0.ready.notify_one();
                    return None;
                }
                let taken = state.take(now);
                let more = state.has_ready();
                let next = state.next_due();
                drop(state);
                if more {
                    self.0.ready.notify_one();
                }
                if let Some((key, causes, waited)) = taken {
                    let lease = Lease { queue: self.clone(), key: key.clone() };
                    return Some(Taken { key, causes, waited, lease });
                }
                next
            };
            match next {
                Some(due) => tokio::select! {
                    () = notified => {}
                    () = sleep_until(due) => {}
                },
                None => notified.await,
            }
        }
    }

    /// Ends [`take`](Self::take) for all workers. Keys that wait are dropped; their state is in the cluster.
    pub fn shut_down(&self) {
        self.0.state.lock().shut_down();
        self.0.ready.notify_one();
    }

    /// Brings the gauges of work under way up to date; call it before metrics are read.
    pub fn observe_unfinished(&self) {
        self.0.state.lock().observe_unfinished(Instant::now());
    }

    /// Keys that wait to be taken now.
    pub fn len(&self) -> usize {
        self.0.state.lock().len()
    }

    /// Whether no key waits to be taken now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing waits, is retried or is being processed. Timers for later do not count.
    pub fn is_idle(&self) -> bool {
        self.0.state.lock().is_idle()
    }
}

/// The cause that a timer, retry or requeue is.
fn own_cause(event: EventKind, key: &str) -> Cause {
    let (namespace, name) =
        key.split_once('/').map_or((None, key), |(namespace, name)| (Some(namespace), name));
    Cause {
        event,
        object: Arc::new(ObjectRef::new("", namespace, name)),
        attribution: Attribution::NoWrite,
        changes: Changes::default(),
        seen: Timestamp::now(),
        weight: Weight::Progress,
    }
}

#[cfg(test)]
mod tests;
