//! The servers that are compared, each as processes with their memory.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::{Method, StatusCode};
use kontext_testbed::{Process, RealServer};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::objects::NAMESPACE;
use crate::wire::Target;

/// A fraction of the shortest start that is measured.
const POLL: Duration = Duration::from_micros(500);
const WITHIN: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Real,
    Ours,
}

impl Side {
    const ALL: [Self; 2] = [Self::Real, Self::Ours];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Ours => "kontext",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|side| side.name() == name);
        found.with_context(|| format!("there is no side {name:?}; known are {:?}", Self::ALL.map(Self::name)))
    }
}

enum Processes {
    Real(Box<RealServer>),
    Ours(Process),
}

/// A server with the namespace that the load is put into.
pub(crate) struct Running {
    processes: Processes,
    pub(crate) target: Target,
}

impl Running {
    /// Starts a server and tells how long it took to the first answer.
    pub(crate) async fn start(side: Side, command: &str) -> Result<(Self, Duration)> {
        let (running, took) = match side {
            Side::Real => real().await?,
            Side::Ours => ours(command).await?,
        };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let mut connection = running.target.connect().await?;
        let path = "/api/v1/namespaces";
        connection.ask(Method::POST, path, "application/json", &namespace, StatusCode::CREATED).await?;
        Ok((running, took))
    }

    /// The processor time that the server has used so far: what a busy machine does not change much.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let seconds = match &self.processes {
            Processes::Real(server) => {
                server.etcd().usage()?.cpu_seconds + server.api_server().usage()?.cpu_seconds
            }
            Processes::Ours(process) => process.usage()?.cpu_seconds,
        };
        Ok(Duration::from_secs_f64(seconds))
    }

    /// The resident memory of all processes that make up the server, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        match &self.processes {
            Processes::Real(server) => {
                Ok(resident(server.etcd().id())? + resident(server.api_server().id())?)
            }
            Processes::Ours(process) => resident(process.id()),
        }
    }
}

async fn real() -> Result<(Running, Duration)> {
    let start = Instant::now();
    // Ready says the server; the first answer to a user comes with it.
    let server = RealServer::builder().start().await?;
    let took = start.elapsed();
    let file = server.kubeconfig("alice")?;
    let target = target(&file).await?;
    Ok((Running { processes: Processes::Real(Box::new(server)), target }, took))
}

async fn ours(command: &str) -> Result<(Running, Duration)> {
    let folder = tempfile::Builder::new().prefix("kontext-bench-").tempdir()?;
    let file = folder.path().join("kubeconfig");
    let mut words = command.split_whitespace();
    let mut server = Command::new(words.next().context("the command of our server is empty")?);
    server.args(words).args(["--bind", "127.0.0.1:0", "--write-kubeconfig"]).arg(&file);
    let start = Instant::now();
    let process = Process::start("kontext-apiserver", folder, &server)?;
    loop {
        process.check()?;
        if file.exists()
            && let Ok(target) = target(&file).await
            && let Ok(mut connection) = target.connect().await
            && connection.ask(Method::GET, "/version", "", &Value::Null, StatusCode::OK).await.is_ok()
        {
            return Ok((Running { processes: Processes::Ours(process), target }, start.elapsed()));
        }
        if start.elapsed() > WITHIN {
            bail!("no answer after {WITHIN:?}\n{}", process.log_tail(20));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn target(kubeconfig: &Path) -> Result<Target> {
    let parsed = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(parsed.clone(), &KubeConfigOptions::default()).await?;
    Target::new(&config, &parsed)
}

fn resident(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process without memory")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}
