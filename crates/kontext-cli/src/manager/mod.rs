//! `kontext controller-manager`.
//!
//! ```text
//! flags -> Manager (informers, loops) -> leader election around it -> HTTP beside it -> stop: work, lease, spans
//! ```

mod controllers;
mod leader;
mod options;
mod serve;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use kontext::{
    Policy,
    leader::{LeaderElection, Timing},
    telemetry::{Metrics, OtelSpans},
};
use kontext_controllers::manager::{Config, LoopConfig, LoopName, Manager};
use prometheus_client::{metrics::info::Info, registry::Registry};
use tokio_util::sync::CancellationToken;

pub use controllers::{NoSuchController, Selection};
pub use options::{Options, Switch};

use crate::{
    access,
    exit::{self, Failure},
    signals, telemetry,
};
use serve::{Health, Served};

/// `service.name` of the spans where OTEL_SERVICE_NAME does not say another.
const SERVICE: &str = "kontext-controller-manager";

/// Runs until SIGINT or SIGTERM: then no more work is taken, what is under way ends within the grace, the lease is
/// given back, and the last spans are sent.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    access::install_crypto();
    let selected = options.controllers.selected();
    if selected.is_empty() {
        return Err(Failure::usage(
            "--controllers leaves none to run; it takes *, NAME and -NAME, separated by commas",
        ));
    }
    let timing = options.leader.timing()?;
    let cluster = access::for_daemon(options.kubeconfig.as_deref()).await?;
    let running = telemetry::start(&options.logs, SERVICE)?;
    let stop = signals::stop()?;
    let outcome = work(options, selected, timing, cluster, stop).await;
    if let Err(error) = &outcome {
        tracing::error!(error = exit::describe(error), "ending");
    }
    running.flush().await;
    outcome.map(|()| ExitCode::SUCCESS).map_err(|_| Failure::logged())
}

async fn work(
    options: Options,
    selected: Vec<LoopName>,
    timing: Timing,
    cluster: kube::Config,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut registry = Registry::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    registry.register("kontext_build", "The version that runs", Info::new(version));
    let metrics = Arc::new(Metrics::default());
    metrics.register(&mut registry);

    let server = cluster.cluster_url.to_string();
    let election = match options.leader.leader_elect {
        true => Some(options.leader.election(cluster.clone(), timing, &mut registry)?),
        false => None,
    };
    let loops: Vec<LoopConfig> = selected.into_iter().map(|name| options.loop_config(name)).collect();
    let names: Vec<&str> = loops.iter().map(|one| one.name.name()).collect();
    tracing::info!(controllers = names.join(","), server, context = %options.context, "starting");
    let config = Config {
        cluster,
        policy: Arc::new(match options.context {
            Switch::On => Policy::new(),
            Switch::Off => Policy::off(),
        }),
        telemetry: Arc::new(OtelSpans::new().with_metrics(metrics)),
        loops,
        namespace: options.namespace.clone(),
        grace: options.shutdown_grace,
    };
    let manager = Manager::new(config, &mut registry)?;
    let health = Health { caches: manager.handle(), election: election.as_ref().map(LeaderElection::status) };
    let served = match options.http_address() {
        Some(address) => Some(Served::start(address, health, registry).await?),
        None => None,
    };

    let outcome = match election {
        None => manager.run(stop).await.context("the controller manager failed"),
        Some(election) => match election.run(stop, |leading| manager.run(leading)).await {
            Ok(None) => Ok(()),
            Ok(Some(ended)) => ended.context("the controller manager failed"),
            Err(lost) => Err(lost.into()),
        },
    };
    if let Some(served) = served {
        served.end().await;
    }
    outcome
}
