//! How to reach a cluster: kubeconfig files, and the service account of a pod.

use std::path::{Path, PathBuf};

use anyhow::Context;
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// rustls takes its cryptography from the process; without this, making a TLS client panics.
pub(crate) fn install_crypto() {
    // Fails only if it was installed before, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Which cluster, as whom, as kubectl's flags say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// The kubeconfig file.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context within it.
    pub(crate) context: Option<String>,
}

/// As kubectl does it: the file given, or those of `$KUBECONFIG`, or `~/.kube/config`, or the pod's service account.
pub(crate) async fn for_people(choice: &Choice) -> anyhow::Result<Config> {
    if let Some(path) = &choice.kubeconfig {
        return from_file(path, choice.context.as_deref()).await;
    }
    match Kubeconfig::read() {
        Ok(kubeconfig) => from_kubeconfig(kubeconfig, choice.context.as_deref()).await.context(
            "cannot use the kubeconfig ($KUBECONFIG, or ~/.kube/config); look at it with `kubectl config view`",
        ),
        // A context can only be one of a kubeconfig.
        Err(_) if choice.context.is_none() && in_pod() => in_cluster(),
        Err(error) => Err(error).context(
            "no kubeconfig to be had: give one with --kubeconfig FILE or in $KUBECONFIG (`kontext demo --keep` has one to try)",
        ),
    }
}

/// For a controller manager: the file given, or the pod's service account. Never the kubeconfig that happens to be
/// current for a person: the loops would start to act on whatever cluster that is.
pub(crate) async fn for_daemon(kubeconfig: Option<&Path>) -> anyhow::Result<Config> {
    match kubeconfig {
        Some(path) => from_file(path, None).await,
        None if in_pod() => in_cluster(),
        None => anyhow::bail!(
            "which cluster? Give --kubeconfig FILE; without it, the service account of a pod is used, and this is no pod"
        ),
    }
}

fn in_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

fn in_cluster() -> anyhow::Result<Config> {
    Config::incluster().context(
        "cannot use the service account of this pod (is automountServiceAccountToken off?); give --kubeconfig FILE instead",
    )
}

async fn from_file(path: &Path, context: Option<&str>) -> anyhow::Result<Config> {
    let file = || format!("cannot use the kubeconfig {}", path.display());
    let kubeconfig = Kubeconfig::read_from(path).with_context(file)?;
    from_kubeconfig(kubeconfig, context).await.with_context(file)
}

async fn from_kubeconfig(kubeconfig: Kubeconfig, context: Option<&str>) -> anyhow::Result<Config> {
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    if let Some(context) = context
        && !known.iter().any(|name| name == context)
    {
        anyhow::bail!("it has no context {context:?}; it has {}", known.join(", "));
    }
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    Ok(Config::from_custom_kubeconfig(kubeconfig, &options).await?)
}
