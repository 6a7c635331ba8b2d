//! A simulated kubelet (and scheduler): it makes Pods of any API server start, become ready, end and go away.
//!
//! Data flow: [`watch`] (list, watch, list again) -> [`state`] (what is known and what was done; pure) -> [`act`]
//! (API calls, at most [`Builder::concurrency`] at once) -> results back into [`state`]. Nothing is done twice: what
//! was done for a Pod's uid is remembered until a watch event shows it.

mod act;
mod behaviour;
mod nodes;
mod run;
mod state;
mod status;
mod watch;

#[cfg(test)]
mod tests;

use std::time::Duration;

use kube::Client;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A simulated kubelet (and scheduler): it makes Pods start, become ready, end and go away.
///
/// It is a client like any other, so it works against the in-memory server and against a real one. For each Pod it
/// does what a node would do: the Pod is bound to the node with the fewest Pods, becomes Running and Ready, and when
/// it is deleted its deletion is finished. Pods of Jobs succeed. The annotation `kontext.dev/sim` chooses otherwise:
///
/// | value | what the Pod does |
/// |---|---|
/// | `pending` | is bound and never starts |
/// | `unready` | runs and never becomes ready |
/// | `crash` | its containers are in `CrashLoopBackOff` |
/// | `fail=CODE` | its containers exit with this code: the Pod fails, or crashes if its restart policy says so |
/// | `succeed` | its containers exit with 0 |
/// | `run` | runs, even as a Pod of a Job |
///
/// ```no_run
/// # async fn example(client: kube::Client) -> Result<(), kube::Error> {
/// let kubelet = kontext_apiserver::SimulatedKubelet::builder(client).nodes(3).start().await?;
/// // ... Pods start ...
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

/// Settings of a simulated kubelet.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) nodes: usize,
    pub(crate) node_prefix: String,
    pub(crate) startup_latency: Duration,
    pub(crate) run_time: Duration,
    pub(crate) termination_latency: Duration,
    pub(crate) concurrency: usize,
    pub(crate) heartbeat: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            nodes: 1,
            node_prefix: "sim-node-".to_owned(),
            startup_latency: Duration::ZERO,
            run_time: Duration::ZERO,
            termination_latency: Duration::ZERO,
            concurrency: 16,
            heartbeat: Duration::from_secs(20),
        }
    }
}

impl Config {
    pub(crate) fn node(&self, index: usize) -> String {
        format!("{}{index}", self.node_prefix)
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
    /// How many nodes there are, named `sim-node-0` and so on. At least one; one by default.
    pub fn nodes(mut self, nodes: usize) -> Builder {
        self.config.nodes = nodes.max(1);
        self
    }

    /// How long a Pod takes from being bound to Running. None by default.
    pub fn startup_latency(mut self, latency: Duration) -> Builder {
        self.config.startup_latency = latency;
        self
    }

    /// How long the containers of a Pod that ends by itself run. No time by default.
    pub fn run_time(mut self, time: Duration) -> Builder {
        self.config.run_time = time;
        self
    }

    /// How long a deleted Pod takes to end. No time by default.
    pub fn termination_latency(mut self, latency: Duration) -> Builder {
        self.config.termination_latency = latency;
        self
    }

    /// How many API calls may be under way at once. At least one; 16 by default.
    pub fn concurrency(mut self, calls: usize) -> Builder {
        self.config.concurrency = calls.max(1);
        self
    }

    /// How often the nodes are looked after: made again if they are gone, their heartbeat written. 20 s by default.
    pub fn heartbeat(mut self, interval: Duration) -> Builder {
        self.config.heartbeat = interval.max(Duration::from_millis(10));
        self
    }

    /// Makes the nodes and starts. Fails if the nodes cannot be made.
    pub async fn start(self) -> Result<KubeletHandle, kube::Error> {
        for index in 0..self.config.nodes {
            nodes::ensure(&self.client, &self.config.node(index)).await?;
        }
        let stop = CancellationToken::new();
        let task = tokio::spawn(run::run(self.client, self.config, stop.clone()));
        Ok(KubeletHandle { stop, task: Some(task) })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A running kubelet. Dropping it tells it to stop; [`KubeletHandle::stop`] also waits.
#[derive(Debug)]
pub struct KubeletHandle {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl KubeletHandle {
    /// Starts nothing more, lets the calls under way finish, and returns.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the simulated kubelet ended badly");
        }
    }
}

impl Drop for KubeletHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
