//! The Deployment loop, without its I/O.
//!
//! Upstream's sync reads and writes in turn: whether the next write is made depends on how the last one went. So the
//! decision is a function of what was observed *and of the results so far*:
//!
//! ```text
//! let mut results = Vec::new();
//! let done = loop {
//!     match deployment::next(&observed, &results) {
//!         Next::Step(step) => results.push(act(step).await),   // one API call or Event; never retried here
//!         Next::Done(done) => break done,
//!     }
//! };
//! ```
//!
//! [`next`] replays the results through straight-line code and returns the first step that has none yet, so the code reads
//! like the sync it describes, nothing is kept between calls, and any point of a sync can be tested with a list of
//! results. A sync has few steps; replaying costs microseconds.
//!
//! Before the first call the shell claims the ReplicaSets with [`claim_selector`] and [`crate::claim`].
//!
//! Quirks of upstream (Kubernetes 1.36) and what became of them:
//! - Kept: an error while old ReplicaSets are scaled down in a rolling update does not fail the sync; the status is still
//!   written. *Corrected*: it is reported as [`Done::swallowed`] and the key is retried. Upstream waits for the next
//!   event, which after a server error may never come.
//! - Kept: history cleanup looks only at the first ReplicaSets in excess; an annotation `revision` that is no number keeps
//!   annotations from being copied.
//! - Corrected: writes of one sync follow each other by resourceVersion. Upstream writes from its stale copy a second
//!   time and gets a conflict; the result is the same, one failed call earlier.
//! - Corrected: if the only active ReplicaSet has the wanted size but a stale `desired-replicas` annotation, the annotation
//!   is refreshed. Upstream leaves it, takes every later sync for a scaling event and never starts the next rollout.

mod annotations;
mod arithmetic;
mod cleanup;
mod conditions;
mod create;
mod handlers;
mod journal;
mod new_replica_set;
mod recreate;
mod revision;
mod rollback;
mod rolling;
mod scale;
mod sets;
mod shared;
mod shell;
mod status;
mod step;
mod sync;

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

pub use annotations::{
    AnnotationRules, DESIRED_REPLICAS, MAX_REPLICAS, REVISION, REVISION_HISTORY, ROLLBACK_TO,
};
pub use arithmetic::{FencepostError, Fenceposts};
pub(crate) use handlers::{DeploymentEvents, PodEvents, SetEvents};
pub use sets::is_new;
pub(crate) use shared::Shared;
pub(crate) use shell::DeploymentLoop;
pub use step::{Done, Next, Requeue, Step, StepResult, action};

use crate::model::{Deployment, ReplicaSet, Selector, Text};

/// What the loop saw.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The Deployment, from the cache.
    pub deployment: &'a Arc<Deployment>,
    /// Its ReplicaSets, after claiming.
    pub replica_sets: &'a [Arc<ReplicaSet>],
    /// How many pods that are neither Succeeded nor Failed each ReplicaSet has, by its UID. Terminating pods count.
    /// Looked at by strategy Recreate only.
    pub unfinished_pods: &'a HashMap<Text, usize>,
    /// The one moment this sync computes with.
    pub now: Timestamp,
    /// Which annotations are copied to ReplicaSets.
    pub annotations: &'a AnnotationRules,
}

/// The selector to claim ReplicaSets with, or `None` if nothing must be claimed: a selector `{}` would claim everything,
/// a broken one says nothing. [`next`] then reports why.
#[must_use]
pub fn claim_selector(deployment: &Deployment) -> Option<&Selector> {
    deployment.selector.as_ref().ok().filter(|selector| !selector.is_empty())
}

/// The next step of a sync, given the results of all steps before it.
#[must_use]
pub fn next(observed: &Observed<'_>, results: &[StepResult]) -> Next {
    sync::Sync::new(observed, results).run()
}

#[cfg(test)]
mod tests;
