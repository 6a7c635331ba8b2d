//! `--leader-elect` and its relatives.

use std::{fs, time::Duration};

use clap::{ArgAction, Args};
use kontext::leader::{LeaderElection, LeaseName, Timing, unique_identity};
use prometheus_client::registry::Registry;

use crate::{duration, exit::Failure};

/// The Lease by which one of several processes works.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Leader election")]
pub struct LeaderOptions {
    /// Work only while holding the Lease; off for a single process
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub leader_elect: bool,

    /// How long others wait, after they saw the Lease change last, before they take over
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    pub leader_elect_lease_duration: Duration,

    /// How long the leader goes on without being able to renew
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub leader_elect_renew_deadline: Duration,

    /// How long to wait between two tries to get or renew the Lease
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse)]
    pub leader_elect_retry_period: Duration,

    /// The name of the Lease
    #[arg(long, value_name = "NAME", default_value = "kontext-controller-manager")]
    pub leader_elect_resource_name: String,

    /// The namespace of the Lease
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    pub leader_elect_resource_namespace: String,
}

impl LeaderOptions {
    /// The three times, checked against each other.
    pub(super) fn timing(&self) -> anyhow::Result<Timing> {
        Timing::new(
            self.leader_elect_lease_duration,
            self.leader_elect_renew_deadline,
            self.leader_elect_retry_period,
        )
        .map_err(|error| {
            Failure::usage(format!(
                "{error}; see --leader-elect-lease-duration, -renew-deadline and -retry-period"
            ))
        })
    }

    /// A candidate with a client of its own, so that renewals wait behind nothing.
    pub(super) fn election(
        &self,
        mut cluster: kube::Config,
        timing: Timing,
        registry: &mut Registry,
    ) -> anyhow::Result<LeaderElection> {
        // The election tries again by itself, and knows when it is too late.
        cluster.default_retry = false;
        let client = kube::Client::try_from(cluster)?;
        let lease = LeaseName {
            namespace: self.leader_elect_resource_namespace.clone(),
            name: self.leader_elect_resource_name.clone(),
        };
        let election = LeaderElection::new(client, lease, unique_identity(&host()), timing);
        election.register(registry);
        Ok(election)
    }
}

/// The host's name, for people who look at the Lease.
fn host() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let read = files.iter().find_map(|file| fs::read_to_string(file).ok());
    let named = read.or_else(|| std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok());
    named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
