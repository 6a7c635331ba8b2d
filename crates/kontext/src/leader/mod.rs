//! Leader election by a `Lease`: of several candidates one works, and another takes over when it is gone.
//!
//! [`LeaderElection::run`] waits for the lease, runs the work while it renews the lease, and gives the lease back
//! when the work is done, so that a candidate that stands by takes over with its next look:
//!
//! ```no_run
//! use kontext::leader::{LeaderElection, LeaseName, Timing, unique_identity};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example(client: kube::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let lease = LeaseName { namespace: "kube-system".into(), name: "my-operator".into() };
//! let election = LeaderElection::new(client, lease, unique_identity("host-a"), Timing::default());
//! let stop = CancellationToken::new();
//! election.run(stop, |leading| async move { leading.cancelled().await }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The rules are those of client-go's `leaderelection`:
//!
//! - every write carries the resourceVersion of what was read, so that of two writers one gets a conflict;
//! - a lease has expired when its record has not changed for its duration *by this machine's monotonic clock*; the times
//!   inside the record are for people and are never compared;
//! - a leader whose last successful renewal was *sent* longer than the renew deadline ago stops by itself, which is before
//!   anybody else may see the lease as expired.
//!
//! What to do next is decided by a state machine without I/O (`candidate`); `election` carries it out.
//! The client is a plain one: a write to a Lease belongs to no reconcile and never bears a stamp.

mod candidate;
mod election;
mod identity;
mod lease;
mod metrics;
mod record;
mod timing;

#[cfg(test)]
mod tests;

pub use election::{LeaderElection, Lost, Status};
pub use identity::unique_identity;
pub use lease::LeaseName;
pub use timing::{Timing, TimingError};
