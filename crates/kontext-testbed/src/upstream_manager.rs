//! Upstream's kube-controller-manager, to compare with and to run beside ours.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{Assets, Process, Usage};

/// A running kube-controller-manager. It ends when this is dropped.
#[derive(Debug)]
pub struct UpstreamManager {
    process: Process,
}

/// Options of an [`UpstreamManager`].
#[derive(Debug, Clone)]
#[must_use]
pub struct UpstreamManagerBuilder {
    controllers: Vec<String>,
    queries_per_second: f32,
    burst: u32,
    flags: Vec<String>,
}

impl UpstreamManager {
    /// A manager that would run all controllers that are on by default, with upstream's limits (20/s, burst 30).
    pub fn builder() -> UpstreamManagerBuilder {
        UpstreamManagerBuilder {
            controllers: vec!["*".into()],
            queries_per_second: 20.0,
            burst: 30,
            flags: Vec::new(),
        }
    }

    /// The process: its log, what it has used.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it and returns what it had used.
    pub fn stop(self) -> Result<Usage> {
        self.process.stop()
    }
}

impl UpstreamManagerBuilder {
    /// The controllers to run, by upstream's names and syntax: `deployment-controller`, `*`, `-replicaset-controller`.
    pub fn controllers(mut self, names: &[&str]) -> Self {
        self.controllers = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The limit of requests per second and how many may come at once. Upstream gives each controller a client of its
    /// own with these limits.
    pub fn limits(mut self, queries_per_second: f32, burst: u32) -> Self {
        self.queries_per_second = queries_per_second;
        self.burst = burst;
        self
    }

    /// Adds a flag of kube-controller-manager, after ours.
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Starts it as the user of `kubeconfig`, without leader election and without a port. It is at work as soon as
    /// its caches are filled; what it does tells.
    pub fn start(self, assets: &Assets, kubeconfig: &Path) -> Result<UpstreamManager> {
        let folder = tempfile::Builder::new().prefix("kontext-testbed-manager-").tempdir();
        let folder = folder.context("make a folder for kube-controller-manager")?;
        let mut command = Command::new(assets.binary("kube-controller-manager")?);
        command.arg(format!("--kubeconfig={}", kubeconfig.display()));
        command.arg(format!("--controllers={}", self.controllers.join(",")));
        command.arg(format!("--kube-api-qps={}", self.queries_per_second));
        command.arg(format!("--kube-api-burst={}", self.burst));
        command.args(["--leader-elect=false", "--secure-port=0"]).args(self.flags);
        Ok(UpstreamManager { process: Process::start("kube-controller-manager", folder, &command)? })
    }
}
