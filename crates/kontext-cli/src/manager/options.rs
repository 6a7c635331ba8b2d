//! The flags; they bear upstream's names where kube-controller-manager has them.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use kontext_controllers::manager::{LoopConfig, LoopName};

use super::{controllers::Selection, leader::LeaderOptions};
use crate::{duration, telemetry::LogOptions};

/// Run the ReplicaSet and Deployment loops with context, in place of upstream's
///
/// Run kube-controller-manager beside it with --controllers=*,-deployment-controller,-replicaset-controller.
/// Spans are exported where OTEL_EXPORTER_OTLP_ENDPOINT says so (OTLP over HTTP).
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The cluster to control [default: the service account of the pod this runs in]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Control this namespace only [default: all]
    #[arg(long)]
    pub namespace: Option<String>,

    /// The loops to run: * for all, NAME for that one, -NAME for all but that one; an exact name goes before *
    #[arg(long, value_name = "LIST", default_value = "*", allow_hyphen_values = true)]
    pub controllers: Selection,

    /// Whether context is propagated: with off there are no annotations and no headers, and the loops do the same
    #[arg(long, value_name = "SWITCH", default_value = "on")]
    pub context: Switch,

    /// ReplicaSets reconciled at a time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_replicaset_syncs: u16,

    /// Deployments reconciled at a time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrent_deployment_syncs: u16,

    /// Requests a second in the long run, for each loop; 0 for no limit
    ///
    /// Upstream's 20 make the client the bottleneck of every rollout. The API server guards itself by priority and
    /// fairness; this limit is there for a loop that has run wild.
    #[arg(long, value_name = "QPS", default_value_t = 500.0, value_parser = qps)]
    pub kube_api_qps: f32,

    /// Requests at once, for each loop
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub kube_api_burst: u32,

    /// How long reconciles under way may go on after SIGTERM
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub shutdown_grace: Duration,

    /// Where /healthz, /livez, /readyz and /metrics are served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = "Health and metrics")]
    pub bind_address: IpAddr,

    /// Its port, plain HTTP; 0 serves nothing
    #[arg(long, value_name = "PORT", default_value_t = 10357, help_heading = "Health and metrics")]
    pub http_port: u16,

    /// Leader election.
    #[command(flatten)]
    pub leader: LeaderOptions,

    /// Logs.
    #[command(flatten)]
    pub logs: LogOptions,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

impl Options {
    /// How one loop is run.
    pub fn loop_config(&self, name: LoopName) -> LoopConfig {
        let mut config = LoopConfig::new(name);
        match name {
            LoopName::ReplicaSet => config.workers = self.concurrent_replicaset_syncs.into(),
            LoopName::Deployment => config.workers = self.concurrent_deployment_syncs.into(),
            _ => {}
        }
        config.qps = self.kube_api_qps;
        config.burst = self.kube_api_burst;
        config
    }

    pub(super) fn http_address(&self) -> Option<SocketAddr> {
        (self.http_port != 0).then(|| SocketAddr::new(self.bind_address, self.http_port))
    }
}

fn qps(text: &str) -> Result<f32, String> {
    let qps = text.parse().ok().filter(|qps: &f32| qps.is_finite() && *qps >= 0.0);
    qps.ok_or_else(|| "a number of requests a second, 0 for no limit".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        let arguments = std::iter::once(&"x").chain(arguments);
        Line::try_parse_from(arguments).map(|line| line.options).map_err(|error| error.to_string())
    }

    #[test]
    fn without_flags_it_runs_all_loops_with_context_and_leader_election() {
        let options = parse(&[]).expect("the defaults work");
        assert_eq!(options.controllers.selected(), LoopName::ALL);
        assert_eq!(options.context, Switch::On);
        assert!(options.leader.leader_elect);
        assert_eq!(options.leader.timing().expect("in order"), kontext::leader::Timing::default());
        assert_eq!(options.http_address(), Some(([127, 0, 0, 1], 10357).into()));
    }

    #[test]
    fn each_loop_has_its_own_workers_and_the_same_budget() {
        let options = parse(&["--concurrent-replicaset-syncs=7", "--kube-api-qps=50", "--kube-api-burst=60"]);
        let options = options.expect("good flags");
        let told: Vec<_> = LoopName::ALL
            .iter()
            .map(|name| options.loop_config(*name))
            .map(|one| (one.name.alias(), one.workers, one.qps, one.burst))
            .collect();
        assert_eq!(told, [("deployment", 5, 50.0, 60), ("replicaset", 7, 50.0, 60)]);
    }

    #[test]
    fn flags_take_upstreams_forms() {
        let options =
            parse(&["--leader-elect=false", "--controllers=*,-deployment", "-v=4", "--http-port=0"]);
        let options = options.expect("good flags");
        assert!(!options.leader.leader_elect);
        assert_eq!(options.controllers.selected(), [LoopName::ReplicaSet]);
        assert_eq!(options.logs.verbosity, 4);
        assert_eq!(options.http_address(), None);
        assert!(parse(&["--leader-elect"]).expect("good flags").leader.leader_elect);
        assert_eq!(parse(&["--context=off"]).expect("good flags").context, Switch::Off);
    }

    #[test]
    fn wrong_values_are_refused_with_what_would_be_right() {
        for (arguments, expected) in [
            (["--controllers=job-controller"], "known are"),
            (["--kube-api-qps=-1"], "0 for no limit"),
            (["--concurrent-deployment-syncs=0"], "not in 1"),
            (["--context=maybe"], "possible values: on, off"),
            (["--shutdown-grace=10"], "write it as 15s"),
            (["--logging-format=xml"], "possible values: text, json"),
        ] {
            let error = parse(&arguments).expect_err(arguments[0]);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn lease_times_that_do_not_go_together_are_refused() {
        let options = parse(&["--leader-elect-lease-duration=5s"]).expect("good flags");
        let error = options.leader.timing().expect_err("shorter than the renew deadline").to_string();
        assert!(
            error.contains("--leader-elect-lease-duration") && error.contains("renew deadline (10s)"),
            "{error}"
        );
    }
}
