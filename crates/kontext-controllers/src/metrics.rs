//! The loops' own metrics, under upstream's names.

use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use crate::{model::Pod, replicaset::Delete};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Resource {
    group: &'static str,
    resource: &'static str,
}

/// Metrics of the ReplicaSet loop.
#[derive(Clone, Debug)]
pub(crate) struct LoopMetrics {
    stale_skips: Family<Resource, Counter>,
    deletion_age: Histogram,
}

impl Default for LoopMetrics {
    fn default() -> Self {
        let buckets = (0..6).map(|power| 0.25 * 2_f64.powi(power));
        Self { stale_skips: Family::default(), deletion_age: Histogram::new(buckets) }
    }
}

impl LoopMetrics {
    /// Registers them.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "replicaset_controller_stale_sync_skips",
            "Syncs skipped because the cache was older than the controller's last write",
            self.stale_skips.clone(),
        );
        registry.register(
            "replicaset_controller_sorting_deletion_age_ratio",
            "Age of each ready pod that is deleted, as a ratio to the age of the youngest ready pod",
            self.deletion_age.clone(),
        );
    }

    pub(crate) fn stale(&self, resource: &'static str) {
        let group = if resource == "pods" { "" } else { "apps" };
        self.stale_skips.get_or_create(&Resource { group, resource }).inc();
    }

    /// Ready pods are about to be deleted. Upstream divides whole milliseconds and so observes whole numbers only;
    /// here the ratio is exact.
    pub(crate) fn deleting(&self, active: &[Arc<Pod>], deletes: &[Delete], now: Timestamp) {
        let age = |pod: &Pod| {
            let since = pod.ready_changed.filter(|_| pod.ready)?;
            Some(now.duration_since(since).as_secs_f64().max(0.001))
        };
        let Some(youngest) = active.iter().filter_map(|pod| age(pod)).reduce(f64::min) else { return };
        for age in deletes.iter().filter_map(|delete| age(&delete.pod)) {
            self.deletion_age.observe(age / youngest);
        }
    }
}
