//! The work queue's metrics, under the names that people graph already.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Label `name`: which queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    name: String,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The `workqueue_*` metrics of all queues of a process; make one, register it, and take each queue's from it.
#[derive(Clone, Debug)]
pub struct QueueMetricFamilies {
    depth: Family<Name, Gauge>,
    adds: Family<Name, Counter>,
    retries: Family<Name, Counter>,
    waited: Family<Name, Histogram, fn() -> Histogram>,
    worked: Family<Name, Histogram, fn() -> Histogram>,
    unfinished: Family<Name, Seconds>,
    longest: Family<Name, Seconds>,
}

/// client-go's buckets: ten powers of ten from 10 ns, in seconds.
fn buckets() -> Histogram {
    Histogram::new((0..10).map(|power| 1e-8 * 10_f64.powi(power)))
}

impl Default for QueueMetricFamilies {
    fn default() -> Self {
        Self {
            depth: Family::default(),
            adds: Family::default(),
            retries: Family::default(),
            waited: Family::new_with_constructor(buckets),
            worked: Family::new_with_constructor(buckets),
            unfinished: Family::default(),
            longest: Family::default(),
        }
    }
}

impl QueueMetricFamilies {
    /// Registers all of them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("workqueue_depth", "Current depth of workqueue", self.depth.clone());
        registry.register("workqueue_adds", "Total number of adds handled by workqueue", self.adds.clone());
        registry.register(
            "workqueue_retries",
            "Total number of retries handled by workqueue",
            self.retries.clone(),
        );
        registry.register(
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested",
            self.waited.clone(),
        );
        registry.register(
            "workqueue_work_duration_seconds",
            "How long in seconds processing an item from workqueue takes",
            self.worked.clone(),
        );
        registry.register(
            "workqueue_unfinished_work_seconds",
            "Seconds of work in progress that work_duration has not observed yet",
            self.unfinished.clone(),
        );
        registry.register(
            "workqueue_longest_running_processor_seconds",
            "Seconds that the longest running processor has been running",
            self.longest.clone(),
        );
    }

    /// The metrics of the queue `name`.
    pub fn queue(&self, name: &str) -> QueueMetrics {
        let name = Name { name: name.to_owned() };
        QueueMetrics {
            depth: self.depth.get_or_create(&name).clone(),
            adds: self.adds.get_or_create(&name).clone(),
            retries: self.retries.get_or_create(&name).clone(),
            waited: self.waited.get_or_create(&name).clone(),
            worked: self.worked.get_or_create(&name).clone(),
            unfinished: self.unfinished.get_or_create(&name).clone(),
            longest: self.longest.get_or_create(&name).clone(),
        }
    }
}

/// The metrics of one queue.
#[derive(Clone, Debug)]
pub struct QueueMetrics {
    pub(super) depth: Gauge,
    pub(super) adds: Counter,
    pub(super) retries: Counter,
    pub(super) waited: Histogram,
    pub(super) worked: Histogram,
    pub(super) unfinished: Seconds,
    pub(super) longest: Seconds,
}

impl Default for QueueMetrics {
    /// Metrics that nobody registered.
    fn default() -> Self {
        QueueMetricFamilies::default().queue("")
    }
}
