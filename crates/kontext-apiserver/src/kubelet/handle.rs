//! A running kubelet, and what a test does to its nodes.

use std::sync::Arc;

use kube::Client;
use kube::api::Api;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Down, nodes};
use crate::clock::Clock;

/// A running kubelet. Dropping it tells it to stop; [`KubeletHandle::stop`] also waits.
pub struct KubeletHandle {
    client: Client,
    clock: Arc<dyn Clock>,
    down: Down,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl KubeletHandle {
    pub(super) fn new(
        client: Client,
        clock: Arc<dyn Clock>,
        down: Down,
        stop: CancellationToken,
        task: JoinHandle<()>,
    ) -> Self {
        Self { client, clock, down, stop, task: Some(task) }
    }

    /// Takes a node away, as when its machine dies: its Lease is not renewed, its Pods neither start nor end. What the
    /// node lifecycle controller does 40 s later is done at once: its conditions are `Unknown`, it is tainted
    /// `node.kubernetes.io/unreachable`, its Pods are not ready. They are not evicted.
    pub async fn take_node_away(&self, name: &str) -> Result<(), kube::Error> {
        self.down.lock().insert(name.to_owned());
        let lost = nodes::lose(&self.client, name, self.clock.now()).await;
        if lost.is_err() {
            self.down.lock().remove(name);
        }
        lost
    }

    /// Brings a node back that was taken away: it is Ready, and so are its Pods that were.
    pub async fn bring_node_back(&self, name: &str) -> Result<(), kube::Error> {
        self.down.lock().remove(name);
        let node = Api::all(self.client.clone()).get(name).await?;
        nodes::revive(&self.client, &node, self.clock.now()).await
    }

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

impl std::fmt::Debug for KubeletHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeletHandle").field("taken_away", &*self.down.lock()).finish_non_exhaustive()
    }
}
