//! The stage: API server on loopback, the real loops as its client, kubelets that are played.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use kontext::{Policy, telemetry::OtelSpans};
use kontext_apiserver::{ApiServer, KubeletHandle, Served, SimulatedKubelet};
use kontext_controllers::manager::{Config, Handle, LoopConfig, LoopName, Manager, RunError};
use kube::config::{KubeConfigOptions, Kubeconfig};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a pod takes to start and to end, so that a rollout can be watched.
const STARTUP: Duration = Duration::from_millis(350);
const TERMINATION: Duration = Duration::from_millis(250);
/// How long each part may take to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// The users of the kubeconfig that is left behind; the first is current.
const USERS: [&str; 4] = ["alice", "bob", "ci", "kubernetes-admin"];

type Ended = Result<(), RunError>;

/// Everything that runs while the story is told.
pub(super) struct Stage {
    served: Served,
    directory: TempDir,
    kubelet: KubeletHandle,
    loops: Handle,
    running: JoinHandle<()>,
    ended: Mutex<Option<oneshot::Receiver<Ended>>>,
    stop: CancellationToken,
}

impl Stage {
    pub(super) async fn set(speed: f64) -> anyhow::Result<Self> {
        let server = ApiServer::builder().collect_garbage(true).start().await;
        let served = server.serve(([127, 0, 0, 1], 0).into()).await?;
        let directory = tempfile::Builder::new().prefix("kontext-demo-").tempdir()?;
        served.write_kubeconfig(&directory.path().join("kubeconfig"), &USERS)?;
        let kubelet = SimulatedKubelet::builder(server.client_for("system:kubelet"))
            .nodes(3)
            .startup_latency(STARTUP.div_f64(speed))
            .termination_latency(TERMINATION.div_f64(speed))
            .start()
            .await?;
        let config = Config {
            cluster: config(&served, "kontext-controller-manager").await?,
            policy: Arc::new(Policy::new()),
            telemetry: Arc::new(OtelSpans::new()),
            loops: LoopName::ALL.iter().copied().map(LoopConfig::new).collect(),
            namespace: None,
            grace: Duration::from_secs(1),
        };
        let manager = Manager::new(config, &mut Registry::default())?;
        let (stop, loops) = (CancellationToken::new(), manager.handle());
        let (tell, ended) = oneshot::channel();
        let run = manager.run(stop.child_token());
        let running = tokio::spawn(async move {
            // Nobody asks any more once the stage is cleared.
            let _ = tell.send(run.await);
        });
        Ok(Self { served, directory, kubelet, loops, running, ended: Mutex::new(Some(ended)), stop })
    }

    /// A client of a user's own, over HTTPS.
    pub(super) async fn client(&self, user: &str) -> anyhow::Result<kube::Client> {
        Ok(kube::Client::try_from(config(&self.served, user).await?)?)
    }

    /// How a user reaches the server.
    pub(super) async fn access(&self, user: &str) -> anyhow::Result<kube::Config> {
        config(&self.served, user).await
    }

    pub(super) fn url(&self) -> String {
        self.served.url()
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// Cancelled when the stage is cleared.
    pub(super) fn stopping(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Waits until the loops work.
    pub(super) async fn ready(&self) {
        self.loops.synced().await;
    }

    /// Waits until the loops end by themselves, which they should not.
    pub(super) async fn failed(&self) -> anyhow::Error {
        let ended = self.ended.lock().take();
        let ended = match ended {
            Some(ended) => ended.await,
            None => std::future::pending().await,
        };
        match ended {
            Ok(Err(error)) => anyhow::Error::new(error).context("the loops failed"),
            Ok(Ok(())) | Err(_) => anyhow::anyhow!("the loops ended unexpectedly"),
        }
    }

    /// Ends all of it, in order and within bounds.
    pub(super) async fn clear(self) {
        self.stop.cancel();
        let late = |part: &'static str| move |_| tracing::warn!(part, "did not end in time");
        let _ = timeout(PATIENCE, self.running).await.map_err(late("the loops"));
        let _ = timeout(PATIENCE, self.kubelet.stop()).await.map_err(late("the kubelets"));
        let ended = timeout(PATIENCE, self.served.shutdown()).await.map_err(late("the API server"));
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the API server ended badly");
        }
    }
}

async fn config(served: &Served, user: &str) -> anyhow::Result<kube::Config> {
    let kubeconfig = Kubeconfig::from_yaml(&served.kubeconfig(&[user]))?;
    kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .context("the server's own kubeconfig")
}
