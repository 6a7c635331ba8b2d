//! The metrics of an election, by client-go's names.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    name: String,
}

/// Whether this process leads, and how often it had to look before it could write.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    leads: Family<Labels, Gauge>,
    slow_path: Family<Labels, Counter>,
}

impl Metrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "leader_election_master_status",
            "Whether this process holds the lease: 1 if it leads, 0 if it stands by",
            self.leads.clone(),
        );
        registry.register(
            "leader_election_slowpath",
            "How often a leader had to read the lease before it could renew it",
            self.slow_path.clone(),
        );
    }

    pub(super) fn leads(&self, name: &str, leads: bool) {
        self.leads.get_or_create(&Labels { name: name.to_owned() }).set(i64::from(leads));
    }

    pub(super) fn slow_path(&self, name: &str) {
        self.slow_path.get_or_create(&Labels { name: name.to_owned() }).inc();
    }
}
