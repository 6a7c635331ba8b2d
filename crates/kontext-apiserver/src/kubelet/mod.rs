//! A simulated kubelet (and scheduler): it makes Pods of any API server start, become ready, end and go away.
//!
//! Data flow: [`watch`] (list, watch, list again) -> [`state`] (what is known and what was done; pure, with
//! [`lifecycle`] and [`schedule`]) -> [`act`] (API calls, at most [`Builder::concurrency`] at once) -> results back
//! into [`state`]. Nothing is done twice: what was done for a Pod's uid is remembered until a watch event shows it.
//! [`nodes`] keeps the nodes alive beside that.

mod act;
mod behaviour;
mod config;
mod handle;
mod lifecycle;
mod nodes;
mod run;
mod schedule;
mod state;
mod status;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::server::ApiServer;
use config::Config;

pub use handle::KubeletHandle;

/// The label of the nodes that are played, with the value `true`.
const SIMULATED: &str = "kontext.dev/simulated";

/// The nodes that a test has taken away.
type Down = Arc<Mutex<BTreeSet<String>>>;

/// A simulated kubelet (and scheduler): it makes Pods start, become ready, end and go away.
///
/// It is a client like any other, so it works against the in-memory server and against a real one. What it does:
///
/// - **Nodes** `sim-node-0` and so on are there and Ready, with capacity, addresses, and a Lease renewed every 10 s
///   (their status every five minutes). Nodes that you create with the label `kontext.dev/simulated: "true"` are played
///   too, so that a test can give them zones and taints. A node that is deleted stays away, and its Pods go 40 s later.
/// - **Scheduling** takes the node with the fewest Pods among those that fit: `unschedulable`, taints, `nodeSelector`
///   and required node affinity count, resources and Pod affinity do not. A Pod that fits nowhere gets the condition
///   `PodScheduled=False` with the scheduler's message, and another try when a node changes.
/// - **Pods** become Running and Ready, with an address; init containers run one after the other; readiness gates are
///   waited for; restart policies hold. Pods of Jobs succeed. When a Pod is deleted its deletion is finished, within its
///   grace period; a Pod with finalizers gets its last status first.
///
/// Annotations of the Pod choose otherwise, also while it runs:
///
/// | annotation | value | what the Pod does |
/// |---|---|---|
/// | `kontext.dev/sim` | `pending` | is bound and never starts (`ContainerCreating`) |
/// | | `unready` | runs and never becomes ready |
/// | | `crash`, `crash=CODE` | its containers exit (with 1) and are restarted after 10 s, 20 s, 40 s ... in `CrashLoopBackOff` |
/// | | `fail`, `fail=CODE` | its containers exit (with 1): the Pod fails, or crashes if its restart policy says so |
/// | | `succeed` | its containers exit with 0 |
/// | | `run` | runs, even as a Pod of a Job |
/// | `kontext.dev/sim-start-delay` | a duration, `5s` | so long from being bound to Running |
/// | `kontext.dev/sim-ready-delay` | a duration | so long from Running to Ready |
/// | `kontext.dev/sim-run-time` | a duration | its containers run so long before they exit or crash |
/// | `kontext.dev/sim-end-delay` | a duration | it takes so long to end; no longer than its grace period |
///
/// ```
/// # use std::time::Duration;
/// # use kontext_apiserver::ApiServer;
/// # use kube::Api;
/// # use k8s_openapi::api::core::v1::Pod;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::time::pause();
/// let server = ApiServer::builder().repeatable(1).start().await;
/// let kubelet = server.simulated_kubelet().nodes(3).startup_latency(Duration::from_secs(2)).start().await?;
/// server.load_yaml("
///   {apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: app}]}}
/// ").await?;
/// let pods: Api<Pod> = Api::default_namespaced(server.client());
/// let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
/// let running = async || pods.get("web").await.ok().filter(|pod| phase(pod) == "Running");
/// let pod = server.eventually(Duration::from_secs(10), running).await?;
/// assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some("sim-node-0"));
/// kubelet.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SimulatedKubelet;

impl SimulatedKubelet {
    /// Settings for a kubelet that acts through this client.
    pub fn builder(client: Client) -> Builder {
        Builder { client, config: Config::default() }
    }
}

impl ApiServer {
    /// Settings for a [`SimulatedKubelet`] of this server, with the server's clock and seed. It speaks as
    /// `system:kubelet`.
    pub fn simulated_kubelet(&self) -> Builder {
        let config = Config { clock: self.clock(), seed: self.seed(), ..Config::default() };
        Builder { client: self.client_for("system:kubelet"), config }
    }
}

/// Builds and starts a simulated kubelet.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    client: Client,
    config: Config,
}

impl Builder {
    /// How many nodes are made, named `sim-node-0` and so on. One by default; none where a test makes its own.
    pub fn nodes(mut self, nodes: usize) -> Builder {
        self.config.nodes = nodes;
        self
    }

    /// How long a Pod takes from being bound to Running. None by default.
    pub fn startup_latency(mut self, latency: Duration) -> Builder {
        self.config.startup_latency = latency;
        self
    }

    /// How long each init container runs. No time by default, so that nobody sees it run.
    pub fn init_time(mut self, time: Duration) -> Builder {
        self.config.init_time = time;
        self
    }

    /// How long a Pod takes from Running to Ready. None by default.
    pub fn ready_latency(mut self, latency: Duration) -> Builder {
        self.config.ready_latency = latency;
        self
    }

    /// How long the containers of a Pod that ends by itself or crashes run. No time by default.
    pub fn run_time(mut self, time: Duration) -> Builder {
        self.config.run_time = time;
        self
    }

    /// How long a deleted Pod takes to end. No time by default.
    pub fn termination_latency(mut self, latency: Duration) -> Builder {
        self.config.termination_latency = latency;
        self
    }

    /// Makes each latency longer by up to this share of it (0.5: up to half), differently for each Pod. The same seed
    /// and name give the same. None by default; times that annotations say are kept.
    pub fn jitter(mut self, share: f64) -> Builder {
        self.config.jitter = if share.is_finite() { share.clamp(0.0, 100.0) } else { 0.0 };
        self
    }

    /// What the jitter is drawn from.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.config.seed = seed;
        self
    }

    /// Where the times in statuses come from. The machine's clock by default.
    pub fn clock(mut self, clock: impl Clock) -> Builder {
        self.config.clock = Arc::new(clock);
        self
    }

    /// How many API calls may be under way at once. At least one; 16 by default.
    pub fn concurrency(mut self, calls: usize) -> Builder {
        self.config.concurrency = calls.max(1);
        self
    }

    /// How often the nodes' Leases are renewed. 10 s by default; longer where there are more than 500 nodes, so that
    /// heartbeats are at most 50 writes a second.
    pub fn heartbeat(mut self, interval: Duration) -> Builder {
        self.config.heartbeat = interval.max(Duration::from_millis(10));
        self
    }

    /// Makes the nodes and starts. Fails if the nodes cannot be made.
    pub async fn start(self) -> Result<KubeletHandle, kube::Error> {
        for index in 0..self.config.nodes {
            nodes::make(&self.client, &self.config.node(index), self.config.clock.now()).await?;
        }
        let (stop, down) = (CancellationToken::new(), Down::default());
        let task =
            tokio::spawn(run::run(self.client.clone(), self.config.clone(), down.clone(), stop.clone()));
        Ok(KubeletHandle::new(self.client, self.config.clock, down, stop, task))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}
