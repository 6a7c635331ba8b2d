//! Prometheus metrics.

use std::time::Duration;

use kontext_core::{Controller, Counted, Outcome, Unstamped};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

/// Seconds: what a fast API call takes, up to the default limit of a call.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    controller: String,
    action: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionName {
    controller: String,
    action: String,
}

/// Counters of what contexts do. The first two bear the names of KEP-5915.
///
/// | metric | labels | counts |
/// |---|---|---|
/// | `trace_context_annotations_injected_total` | | writes that got a new stamp |
/// | `trace_context_annotations_extracted_total` | | stamps that were read and believed |
/// | `kontext_annotations_refused_total` | `reason`: `malformed`, `copied` | stamps that were read and not believed |
/// | `kontext_unattributed_writes_total` | | writes seen that left no stamp |
/// | `kontext_unstamped_writes_total` | `reason`, see [`Unstamped`] | own writes that went without a new stamp |
/// | `kontext_unbound_requests_total` | | requests made without a context |
/// | `kontext_lookups_total` | | GETs made to learn what a write changes |
/// | `kontext_other_total` | | what a later version of the core counts and this one does not know |
/// | `kontext_actions_total` | `controller`, `action`, `outcome` | actions that ended |
/// | `kontext_action_duration_seconds` | `controller`, `action` | how long they took |
#[derive(Debug)]
pub struct Metrics {
    injected: Counter,
    extracted: Counter,
    refused: Family<Reason, Counter>,
    unattributed: Counter,
    unstamped: Family<Reason, Counter>,
    unbound: Counter,
    lookups: Counter,
    other: Counter,
    actions: Family<Ended, Counter>,
    durations: Family<ActionName, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            injected: Counter::default(),
            extracted: Counter::default(),
            refused: Family::default(),
            unattributed: Counter::default(),
            unstamped: Family::default(),
            unbound: Counter::default(),
            lookups: Counter::default(),
            other: Counter::default(),
            actions: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl Metrics {
    /// Registers all metrics; `_total` is added by the encoder.
    pub fn register(&self, registry: &mut Registry) {
        let mut counter = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        counter("trace_context_annotations_injected", "Writes that got a new stamp", &self.injected);
        counter("trace_context_annotations_extracted", "Stamps that were read and believed", &self.extracted);
        counter("kontext_unattributed_writes", "Writes seen that left no stamp", &self.unattributed);
        counter("kontext_unbound_requests", "Requests made without a context", &self.unbound);
        counter("kontext_lookups", "GETs made to learn what a write changes", &self.lookups);
        counter("kontext_other", "Counted by the core, and of a kind not known here", &self.other);
        let refused = "Stamps that were read and not believed";
        registry.register("kontext_annotations_refused", refused, self.refused.clone());
        let unstamped = "Own writes that went without a new stamp";
        registry.register("kontext_unstamped_writes", unstamped, self.unstamped.clone());
        registry.register("kontext_actions", "Actions that ended", self.actions.clone());
        let durations = "How long actions took";
        registry.register("kontext_action_duration_seconds", durations, self.durations.clone());
    }

    pub(super) fn count(&self, counted: Counted, number: u64) {
        let refused = |reason| self.refused.get_or_create(&Reason { reason }).inc_by(number);
        match counted {
            Counted::Injected => self.injected.inc_by(number),
            Counted::Extracted => self.extracted.inc_by(number),
            Counted::Malformed => refused("malformed"),
            Counted::Copied => refused("copied"),
            Counted::Unattributed => self.unattributed.inc_by(number),
            Counted::Unstamped(reason) => self.unstamped(reason).inc_by(number),
            Counted::Unbound => self.unbound.inc_by(number),
            Counted::LookedUp => self.lookups.inc_by(number),
            _ => self.other.inc_by(number),
        };
    }

    fn unstamped(&self, reason: Unstamped) -> Counter {
        self.unstamped.get_or_create_owned(&Reason { reason: reason.as_str() })
    }

    pub(super) fn action_ended(
        &self,
        controller: &Controller,
        action: &str,
        outcome: &Outcome,
        took: Duration,
    ) {
        let name = ActionName { controller: controller.name.to_string(), action: action.to_owned() };
        self.durations.get_or_create(&name).observe(took.as_secs_f64());
        let ended = Ended { controller: name.controller, action: name.action, outcome: outcome.as_str() };
        self.actions.get_or_create(&ended).inc();
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_text_has_the_names_that_the_documentation_gives() {
        let metrics = Metrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        for counted in [
            Counted::Injected,
            Counted::Extracted,
            Counted::Malformed,
            Counted::Copied,
            Counted::Unattributed,
            Counted::Unstamped(Unstamped::Unchanged),
            Counted::Unbound,
            Counted::LookedUp,
        ] {
            metrics.count(counted, 2);
        }
        let controller = Controller::new("replicaset-controller", "apps", "ReplicaSet");
        let took = Duration::from_millis(3);
        metrics.action_ended(&controller, "replicaset.CreatePod", &Outcome::Completed, took);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string takes it");
        let mut samples: Vec<&str> =
            text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket")).collect();
        samples.sort_unstable();
        expect![[r#"
            kontext_action_duration_seconds_count{controller="replicaset-controller",action="replicaset.CreatePod"} 1
            kontext_action_duration_seconds_sum{controller="replicaset-controller",action="replicaset.CreatePod"} 0.003
            kontext_actions_total{controller="replicaset-controller",action="replicaset.CreatePod",outcome="completed"} 1
            kontext_annotations_refused_total{reason="copied"} 2
            kontext_annotations_refused_total{reason="malformed"} 2
            kontext_lookups_total 2
            kontext_other_total 0
            kontext_unattributed_writes_total 2
            kontext_unbound_requests_total 2
            kontext_unstamped_writes_total{reason="unchanged"} 2
            trace_context_annotations_extracted_total 2
            trace_context_annotations_injected_total 2
        "#]]
        .assert_eq(&(samples.join("\n") + "\n"));
    }
}
