//! The settings, and how they are varied.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

/// How many Leases are renewed a second at most, whatever the number of nodes.
const RENEWALS_PER_SECOND: usize = 50;

/// Settings of a simulated kubelet.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) nodes: usize,
    pub(crate) node_prefix: String,
    pub(crate) startup_latency: Duration,
    pub(crate) init_time: Duration,
    pub(crate) ready_latency: Duration,
    pub(crate) run_time: Duration,
    pub(crate) termination_latency: Duration,
    pub(crate) jitter: f64,
    pub(crate) seed: u64,
    pub(crate) concurrency: usize,
    pub(crate) heartbeat: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            nodes: 1,
            node_prefix: "sim-node-".to_owned(),
            startup_latency: Duration::ZERO,
            init_time: Duration::ZERO,
            ready_latency: Duration::ZERO,
            run_time: Duration::ZERO,
            termination_latency: Duration::ZERO,
            jitter: 0.0,
            seed: 0,
            concurrency: 16,
            heartbeat: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Config {
    pub(super) fn node(&self, index: usize) -> String {
        format!("{}{index}", self.node_prefix)
    }

    /// A latency, longer by up to the jitter. The same for the same seed and words, in whatever order they are asked.
    pub(super) fn vary(&self, latency: Duration, words: &[&str]) -> Duration {
        if self.jitter == 0.0 || latency.is_zero() {
            return latency;
        }
        let mut hasher = DefaultHasher::new();
        (self.seed, words).hash(&mut hasher);
        // 32 bits are exact in a float.
        let share = f64::from((hasher.finish() >> 32) as u32) / f64::from(u32::MAX);
        latency.mul_f64(1.0 + self.jitter * share)
    }

    /// How often a Lease is renewed.
    pub(super) fn renew_every(&self, nodes: usize) -> Duration {
        let least = Duration::from_secs((nodes / RENEWALS_PER_SECOND) as u64);
        self.heartbeat.max(least)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("nodes", &self.nodes)
            .field("startup_latency", &self.startup_latency)
            .field("run_time", &self.run_time)
            .field("termination_latency", &self.termination_latency)
            .finish_non_exhaustive()
    }
}
