//! Context propagation for kube-rs controllers: client layer, ledger, informers, work queue, telemetry.

pub mod client;
pub mod informer;
pub mod leader;
pub mod queue;
pub mod rate_limit;
pub mod runner;
pub mod telemetry;

pub use client::client;
pub use kontext_core::*;
