//! How Events end. Upstream counts none of this.

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// How a recorded Event ended; each ends exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Outcome {
    /// It was created.
    Created,
    /// It raised the count of an Event that was there.
    Counted,
    /// Its object had told too much already.
    Suppressed,
    /// Too many waited already.
    QueueFull,
    /// The API server refused it.
    Rejected,
    /// Its namespace is being deleted.
    NamespaceTerminating,
    /// The API server did not take it in 12 tries.
    GivenUp,
    /// The recorder stopped before it was sent.
    Stopped,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Counted => "counted",
            Self::Suppressed => "suppressed",
            Self::QueueFull => "queue_full",
            Self::Rejected => "rejected",
            Self::NamespaceTerminating => "namespace_terminating",
            Self::GivenUp => "given_up",
            Self::Stopped => "stopped",
        }
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    component: String,
    outcome: Outcome,
}

/// `kontext_events_total` of all recorders of a process, by component and outcome.
#[derive(Clone, Debug, Default)]
pub struct RecorderMetricFamilies(Family<Labels, Counter>);

impl RecorderMetricFamilies {
    /// Registers it.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("kontext_events", "Number of Events recorded, by how they ended", self.0.clone());
    }

    /// The metrics of the recorder of `component`.
    pub fn recorder(&self, component: &str) -> RecorderMetrics {
        RecorderMetrics { component: component.to_owned(), events: self.0.clone() }
    }
}

/// The metrics of one recorder.
#[derive(Clone, Debug)]
pub struct RecorderMetrics {
    component: String,
    events: Family<Labels, Counter>,
}

impl RecorderMetrics {
    pub(super) fn count(&self, outcome: Outcome) {
        self.add(outcome, 1);
    }

    pub(super) fn add(&self, outcome: Outcome, number: u64) {
        self.events.get_or_create(&Labels { component: self.component.clone(), outcome }).inc_by(number);
    }

    #[cfg(test)]
    pub(super) fn of(&self, outcome: Outcome) -> u64 {
        self.events.get_or_create(&Labels { component: self.component.clone(), outcome }).get()
    }
}

impl Default for RecorderMetrics {
    /// Metrics that nobody registered.
    fn default() -> Self {
        RecorderMetricFamilies::default().recorder("")
    }
}
