//! Runs kubectl, as people do.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::Assets;

/// kubectl of the control plane's version, with the user and server of one kubeconfig file.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// An error where `assets` has no kubectl.
    pub fn new(assets: &Assets, kubeconfig: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self { program: assets.binary("kubectl")?, kubeconfig: kubeconfig.into() })
    }

    /// Runs it with these arguments; what it wrote to standard output. If it fails, an error with what it said.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.output(arguments).await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("kubectl {} ({}): {}", arguments.join(" "), output.status, said.trim());
        }
        String::from_utf8(output.stdout).context("kubectl writes UTF-8")
    }

    /// Runs it with these arguments, to an end of whatever kind. It is killed if the returned future is dropped.
    pub async fn output(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).env("KUBECACHEDIR", self.cache());
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
        output.with_context(|| format!("run {}", self.program.display()))
    }

    /// The kubeconfig file.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where it keeps what it learned about the server: beside the kubeconfig, not in the home of who runs the tests.
    fn cache(&self) -> PathBuf {
        self.kubeconfig.with_extension("cache")
    }
}
