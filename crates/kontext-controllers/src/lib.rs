//! The main workload controller loops of Kubernetes, with context plumbed.
//!
//! Each loop is observe -> decide -> act. What is here is the pure half: [`model`] is what the loops see, the shared
//! machinery ([`expectations`], [`stale`], [`claim`], [`ranking`], [`slow_start`], [`template`], [`availability`]) and the
//! loops' decisions ([`replicaset`], [`deployment`]) take plain values, the time among them, and return actions with
//! their reasons. Nothing here reads a clock, a cache or a server.
//!
//! The behaviour is that of Kubernetes 1.36. Where upstream has a quirk, the doc comment beside it says whether it is
//! kept (users can see it) or corrected.

pub mod availability;
pub mod claim;
mod cluster;
pub mod deployment;
mod describe;
pub mod events;
pub mod expectations;
mod failure;
mod informers;
pub mod manager;
mod metrics;
pub mod model;
mod names;
mod own_status;
pub mod ranking;
pub mod recorder;
pub mod replicaset;
pub mod slow_start;
pub mod stale;
pub mod template;
mod watch;

#[cfg(test)]
mod fixtures;

pub use failure::{Failure, FailureKind};
