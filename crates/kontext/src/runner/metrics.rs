//! The runner's metrics, under the names of controller-runtime that people graph already.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::Next;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    controller: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameAndResult {
    controller: String,
    result: &'static str,
}

/// The `controller_runtime_*` metrics of all loops of a process.
#[derive(Clone, Debug)]
pub struct RunnerMetricFamilies {
    total: Family<NameAndResult, Counter>,
    errors: Family<Name, Counter>,
    panics: Family<Name, Counter>,
    took: Family<Name, Histogram, fn() -> Histogram>,
    active: Family<Name, Gauge>,
    max_workers: Family<Name, Gauge>,
}

/// controller-runtime's buckets, in seconds.
fn buckets() -> Histogram {
    let coarse = [1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0];
    let fine =
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
    Histogram::new(fine.into_iter().chain(coarse).chain([20.0, 25.0, 30.0, 40.0, 50.0, 60.0]))
}

impl Default for RunnerMetricFamilies {
    fn default() -> Self {
        Self {
            total: Family::default(),
            errors: Family::default(),
            panics: Family::default(),
            took: Family::new_with_constructor(buckets),
            active: Family::default(),
            max_workers: Family::default(),
        }
    }
}

impl RunnerMetricFamilies {
    /// Registers all of them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "controller_runtime_reconcile",
            "Total number of reconciliations per controller",
            self.total.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_errors",
            "Total number of reconciliation errors per controller",
            self.errors.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_panics",
            "Total number of reconciliation panics per controller",
            self.panics.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation per controller",
            self.took.clone(),
        );
        registry.register(
            "controller_runtime_active_workers",
            "Number of currently used workers per controller",
            self.active.clone(),
        );
        registry.register(
            "controller_runtime_max_concurrent_reconciles",
            "Maximum number of concurrent reconciles per controller",
            self.max_workers.clone(),
        );
    }

    /// The metrics of the loop `controller`.
    pub fn controller(&self, controller: &str) -> RunnerMetrics {
        let name = Name { controller: controller.to_owned() };
        let result = |result| {
            let labels = NameAndResult { controller: controller.to_owned(), result };
            self.total.get_or_create(&labels).clone()
        };
        RunnerMetrics {
            success: result("success"),
            requeue: result("requeue"),
            requeue_after: result("requeue_after"),
            error: result("error"),
            errors: self.errors.get_or_create(&name).clone(),
            panics: self.panics.get_or_create(&name).clone(),
            took: self.took.get_or_create(&name).clone(),
            active: self.active.get_or_create(&name).clone(),
            max_workers: self.max_workers.get_or_create(&name).clone(),
        }
    }
}

/// The metrics of one loop.
#[derive(Clone, Debug)]
pub struct RunnerMetrics {
    success: Counter,
    requeue: Counter,
    requeue_after: Counter,
    error: Counter,
    errors: Counter,
    pub(super) panics: Counter,
    pub(super) took: Histogram,
    pub(super) active: Gauge,
    pub(super) max_workers: Gauge,
}

impl RunnerMetrics {
    pub(super) fn succeeded(&self, next: Next) {
        match next {
            Next::Done => self.success.inc(),
            Next::Soon | Next::CacheBehind => self.requeue.inc(),
            Next::After(_) => self.requeue_after.inc(),
        };
    }

    pub(super) fn failed(&self) {
        self.error.inc();
        self.errors.inc();
    }
}

impl Default for RunnerMetrics {
    /// Metrics that nobody registered.
    fn default() -> Self {
        RunnerMetricFamilies::default().controller("")
    }
}
