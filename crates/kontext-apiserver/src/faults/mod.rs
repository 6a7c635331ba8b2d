//! Fault injection: what clients must survive, on demand.
//!
//! A request is described by its record; the [`Rule`]s that match it make a `Plan`, and the plan acts before and
//! after the request is carried out. What is decided is decided in `Faults::plan`, under one lock and without I/O.

mod bodies;
mod fault;
mod parse;
mod plan;
mod rule;
mod status;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;

use crate::record::RequestRecord;

pub use fault::Fault;
pub use parse::RuleError;
pub(crate) use plan::Plan;
pub use rule::Rule;

/// The faults that are in force.
///
/// ```
/// # use kontext_apiserver::{ApiServer, Rule};
/// # use kube::{Api, api::PostParams};
/// # use k8s_openapi::api::core::v1::ConfigMap;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = ApiServer::builder().repeatable(1).start().await;
/// let lost = server.faults().add(Rule::commit_then_reset().verb("create").resource("configmaps"));
///
/// let maps: Api<ConfigMap> = Api::default_namespaced(server.client_for("my-operator"));
/// let mut map = ConfigMap::default();
/// map.metadata.name = Some("settings".to_owned());
/// assert!(maps.create(&PostParams::default(), &map).await.is_err());   // the connection broke ...
/// assert!(maps.get("settings").await.is_ok());                        // ... after the write
/// assert_eq!(lost.strikes(), 1);
/// # }
/// ```
pub struct Faults {
    armed: Mutex<Vec<Armed>>,
    added: AtomicU64,
    seed: u64,
}

struct Armed {
    rule: Rule,
    random: StdRng,
    count: Arc<Count>,
}

struct Count {
    text: String,
    disarmed: AtomicBool,
    matches: AtomicU64,
    strikes: watch::Sender<u64>,
}

impl Faults {
    /// No faults; probabilities are drawn from this seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { armed: Mutex::default(), added: AtomicU64::new(0), seed }
    }

    /// Puts a rule into force, behind those that are there. A request can be struck by several.
    pub fn add(&self, rule: Rule) -> RuleHandle {
        let nth = self.added.fetch_add(1, Ordering::Relaxed);
        let count = Arc::new(Count {
            text: rule.to_string(),
            disarmed: AtomicBool::new(false),
            matches: AtomicU64::new(0),
            strikes: watch::Sender::new(0),
        });
        let random = StdRng::seed_from_u64(self.seed.wrapping_add(nth));
        self.armed.lock().push(Armed { rule, random, count: count.clone() });
        RuleHandle(count)
    }

    /// Puts all rules out of force.
    pub fn clear(&self) {
        self.armed.lock().clear();
    }

    /// What this request meets with.
    pub(crate) fn plan(&self, record: &RequestRecord) -> Plan {
        let mut all = self.armed.lock();
        if all.is_empty() {
            return Plan::default();
        }
        all.retain(|armed| !armed.is_spent());
        Plan(all.iter_mut().filter_map(|armed| armed.strike(record)).collect())
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.armed.lock().iter().map(|armed| &armed.rule)).finish()
    }
}

impl Armed {
    fn is_spent(&self) -> bool {
        self.count.disarmed.load(Ordering::Relaxed) || *self.count.strikes.borrow() >= self.rule.limit()
    }

    fn strike(&mut self, record: &RequestRecord) -> Option<(Fault, Option<u64>)> {
        if !self.rule.matches(record) {
            return None;
        }
        let matches = self.count.matches.fetch_add(1, Ordering::Relaxed) + 1;
        let due = matches > self.rule.skip
            && self.rule.probability.is_none_or(|probability| self.random.random_bool(probability));
        if !due {
            return None;
        }
        self.count.strikes.send_modify(|strikes| *strikes += 1);
        Some((self.rule.fault.clone(), self.rule.retry_after))
    }
}

/// Tells how often a rule has struck, and takes it out of force. Dropping it changes nothing.
#[derive(Clone)]
pub struct RuleHandle(Arc<Count>);

impl RuleHandle {
    /// How often the rule has struck so far.
    pub fn strikes(&self) -> u64 {
        *self.0.strikes.borrow()
    }

    /// How many requests it has matched while it was in force, whether it struck them or not.
    pub fn matches(&self) -> u64 {
        self.0.matches.load(Ordering::Relaxed)
    }

    /// Waits until the rule has struck so often. Put a `tokio::time::timeout` around it.
    pub async fn struck(&self, times: u64) {
        // The sender lives in the handle itself, so this cannot fail.
        let _ = self.0.strikes.subscribe().wait_for(|strikes| *strikes >= times).await;
    }

    /// Takes the rule out of force.
    pub fn disarm(&self) {
        self.0.disarmed.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for RuleHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleHandle({}: {} strikes)", self.0.text, self.strikes())
    }
}
