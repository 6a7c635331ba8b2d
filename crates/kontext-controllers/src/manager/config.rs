//! What a manager is told.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use kontext::{Policy, Telemetry};
use thiserror::Error;

use crate::names::{DEPLOYMENT_CONTROLLER, REPLICA_SET_CONTROLLER};

/// A loop that this manager can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LoopName {
    /// `deployment-controller`.
    Deployment,
    /// `replicaset-controller`.
    ReplicaSet,
}

impl LoopName {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Deployment, Self::ReplicaSet];

    /// As `--controllers` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => DEPLOYMENT_CONTROLLER,
            Self::ReplicaSet => REPLICA_SET_CONTROLLER,
        }
    }

    /// The short form that `--controllers` takes too.
    pub fn alias(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::ReplicaSet => "replicaset",
        }
    }
}

impl fmt::Display for LoopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No loop has this name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("there is no controller {name:?} here; known are {}", known())]
pub struct UnknownLoop {
    /// The name asked for.
    pub name: String,
}

fn known() -> String {
    LoopName::ALL.iter().map(|name| format!("{name} ({})", name.alias())).collect::<Vec<_>>().join(", ")
}

impl FromStr for LoopName {
    type Err = UnknownLoop;

    fn from_str(text: &str) -> Result<Self, UnknownLoop> {
        let found = Self::ALL.iter().find(|name| name.name() == text || name.alias() == text);
        found.copied().ok_or_else(|| UnknownLoop { name: text.to_owned() })
    }
}

/// How one loop is run.
#[derive(Clone, Debug)]
pub struct LoopConfig {
    /// Which.
    pub name: LoopName,
    /// Reconciles at a time.
    pub workers: usize,
    /// Requests a second in the long run; no limit where not positive. Each loop has a budget of its own.
    pub qps: f32,
    /// Requests at once.
    pub burst: u32,
}

impl LoopConfig {
    /// The loop with upstream's 5 workers and without a limit of requests.
    pub fn new(name: LoopName) -> Self {
        Self { name, workers: 5, qps: 0.0, burst: 0 }
    }
}

/// What a manager is told.
#[derive(Clone)]
pub struct Config {
    /// The cluster. kube's own retries are switched off: a create that is sent again may be done twice, and the
    /// work queue retries anyway.
    pub cluster: kube::Config,
    /// What is propagated.
    pub policy: Arc<Policy>,
    /// Who listens.
    pub telemetry: Arc<dyn Telemetry>,
    /// The loops to run.
    pub loops: Vec<LoopConfig>,
    /// One namespace; all where `None`.
    pub namespace: Option<String>,
    /// How long reconciles under way may go on after a stop.
    pub grace: Duration,
}

/// Why a manager cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// No loop is enabled.
    #[error("no controller is enabled; name at least one in --controllers")]
    NoLoop,
    /// A loop would have no worker.
    #[error("{0} would have no worker; it takes at least 1")]
    NoWorker(LoopName),
    /// The client cannot be made of the configuration.
    #[error("no client can be made for the API server: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// Why a running manager ended by itself.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// A part of it panicked.
    #[error("{part} ended unexpectedly: {reason}")]
    Ended {
        /// Which part.
        part: &'static str,
        /// Why.
        reason: String,
    },
}
