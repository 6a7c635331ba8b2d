//! Context propagation for kube-rs controllers: client layer, ledger, informers, work queue, telemetry.

pub mod informer;
pub mod queue;
pub mod runner;

pub use kontext_core::*;
