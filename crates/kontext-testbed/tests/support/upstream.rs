//! Scenarios of behaviour, played by upstream's manager instead of ours: whether what they expect is upstream's.
//!
//! By hand, where the binaries are built (`cargo xtask control-plane`):
//!
//! ```text
//! KONTEXT_SCENARIOS_UPSTREAM=1 cargo test -p kontext-testbed --test deployments_rollout real
//! ```
//!
//! Without the filter `real` it also plays on in-memory servers, one manager each, which compares the server. Only
//! scenarios that begin with [`Scene::for_either`](super::Scene::for_either) know the variable; what they check of
//! context is left out then, since upstream's writes carry none.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use kontext_testbed::{Assets, Server, UpstreamManager};
use tokio::sync::OnceCell;

pub fn is_wanted() -> bool {
    std::env::var("KONTEXT_SCENARIOS_UPSTREAM").is_ok_and(|value| value == "1")
}

/// Upstream's manager on this server. It watches all namespaces: the shared real server has one for all scenes.
pub async fn manager(server: &Server) -> Result<Arc<UpstreamManager>> {
    static SHARED: OnceCell<Arc<UpstreamManager>> = OnceCell::const_new();
    let start = || async {
        let assets = Assets::locate()?.context("upstream's manager has to be built first")?;
        let kubeconfig = server.kubeconfig("system:kube-controller-manager").await?;
        let manager = UpstreamManager::builder()
            .controllers(&["deployment-controller", "replicaset-controller"])
            .limits(500.0, 500)
            .start(&assets, &kubeconfig)?;
        anyhow::Ok(Arc::new(manager))
    };
    match server.real() {
        Some(_) => SHARED.get_or_try_init(start).await.cloned(),
        None => start().await,
    }
}
