//! The managers that are compared, each as a process with its costs.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use kontext_testbed::{Process, RealServer, UpstreamManager, Usage};

use crate::{Limits, report::Phase};

/// How long a manager is left alone after the objects are as they should be: what it still does (Events, statuses)
/// is its cost too.
const TAIL: Duration = Duration::from_secs(2);

/// Which manager, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Upstream,
    Ours,
    OursWithoutContext,
}

impl Side {
    const ALL: [Self; 3] = [Self::Upstream, Self::Ours, Self::OursWithoutContext];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Ours => "kontext",
            Self::OursWithoutContext => "kontext-off",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|side| side.name() == name);
        found.with_context(|| format!("there is no side {name:?}; known are {:?}", Self::ALL.map(Self::name)))
    }

    pub(crate) fn start(self, server: &RealServer, kontext: &Path, limits: Limits) -> Result<Manager> {
        // The user that both are in a cluster.
        let kubeconfig = server.kubeconfig("system:kube-controller-manager")?;
        let context = match self {
            Self::Upstream => {
                let upstream = UpstreamManager::builder()
                    .controllers(&["deployment-controller", "replicaset-controller"])
                    .limits(limits.qps, limits.burst)
                    .start(server.assets(), &kubeconfig)?;
                return Ok(Manager::Upstream(upstream));
            }
            Self::Ours => "on",
            Self::OursWithoutContext => "off",
        };
        let mut command = Command::new(kontext);
        command
            .args(["controller-manager", "--leader-elect=false", "--http-port=0"])
            .arg(format!("--context={context}"))
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg(format!("--kube-api-qps={}", limits.qps))
            .arg(format!("--kube-api-burst={}", limits.burst));
        let folder = tempfile::Builder::new().prefix("kontext-bench-").tempdir().context("make a folder")?;
        Ok(Manager::Ours(Process::start("kontext controller-manager", folder, &command)?))
    }
}

/// A running manager.
pub(crate) enum Manager {
    Upstream(UpstreamManager),
    Ours(Process),
}

impl Manager {
    pub(crate) fn process(&self) -> &Process {
        match self {
            Self::Upstream(upstream) => upstream.process(),
            Self::Ours(process) => process,
        }
    }

    /// What the manager uses while `work` is done, and for a while after it.
    pub(crate) async fn measure(&self, work: impl Future<Output = Result<()>>) -> Result<Phase> {
        let before = self.usage()?;
        let started = Instant::now();
        work.await?;
        let wall = started.elapsed();
        tokio::time::sleep(TAIL).await;
        let after = self.usage()?;
        Ok(Phase {
            wall_seconds: wall.as_secs_f64(),
            cpu_seconds: after.cpu_seconds - before.cpu_seconds,
            peak_mib: after.peak_resident_bytes as f64 / f64::from(1 << 20),
        })
    }

    fn usage(&self) -> Result<Usage> {
        self.process().check()?;
        self.process().usage()
    }

    /// Ends it; ours as its user would, which must succeed.
    pub(crate) async fn end(self) -> Result<()> {
        match self {
            Self::Upstream(upstream) => upstream.stop().map(drop),
            Self::Ours(process) => match process.terminate(Duration::from_secs(20)).await? {
                0 => Ok(()),
                code => bail!("ours ended with exit code {code}\n{}", process.log_tail(20)),
            },
        }
    }
}
