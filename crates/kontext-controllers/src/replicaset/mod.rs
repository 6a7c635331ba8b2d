//! The ReplicaSet loop, without its I/O.
//!
//! One reconcile is
//!
//! ```text
//! observe    expectations and stale-cache guard asked first, then candidates read from the cache
//! claim      sort_candidates(): kept, to adopt, to release           -> shell patches
//! decide     decide(): pods to create, or pods to delete, with reasons -> shell acts (slow start, all deletes at once)
//! status     status(): the new status, from the pods as they were and the error of acting -> shell writes if changed
//! requeue    requeue_after(): when the next pod becomes available
//! ```
//!
//! Quirks of upstream (Kubernetes 1.36) and what became of them:
//! - Kept: `ReplicaFailure` goes away with a sync that was skipped for expectations, and its message is not refreshed
//!   while it stays; both can be seen in the object.
//! - Kept: a create refused because the namespace is being deleted counts as done, and its expectation stays until it
//!   expires. Nothing can be created there anyhow.
//! - Corrected: status writes do not lose the context (nothing here knows a background context).
//! - Changed on purpose: a create of unknown outcome is no error; see [`crate::expectations`].

mod decide;
mod handlers;
mod observe;
mod shared;
mod shell;
mod status;

pub use decide::{BURST, Decision, Delete, Observed, decide};
pub(crate) use handlers::{PodEvents, SetEvents};
pub use observe::{Candidates, sort_candidates};
pub(crate) use shared::Shared;
pub(crate) use shell::ReplicaSetLoop;
pub use status::{NewStatus, StatusInput, requeue_after, status};

/// Names of the loop's actions.
pub mod action {
    /// Creates a pod.
    pub const CREATE_POD: &str = "replicaset.CreatePod";
    /// Deletes a pod.
    pub const DELETE_POD: &str = "replicaset.DeletePod";
    /// Becomes the controller of an orphan.
    pub const ADOPT_POD: &str = "replicaset.AdoptPod";
    /// Lets a pod go.
    pub const RELEASE_POD: &str = "replicaset.ReleasePod";
    /// Writes the status.
    pub const UPDATE_STATUS: &str = "replicaset.UpdateStatus";
    /// Reads the ReplicaSet live before adopting.
    pub const GET_FRESH: &str = "replicaset.GetFresh";
}

#[cfg(test)]
mod tests;
