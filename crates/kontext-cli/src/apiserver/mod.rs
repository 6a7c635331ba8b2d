//! `kontext apiserver`.

mod help;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Args, builder::NonEmptyStringValueParser};
use kontext_apiserver::{ApiServer, KubeletHandle, Rule, RuleHandle, ServeError, Served};

use crate::{access, duration, exit::Failure, output, signals, telemetry};

/// The file within a temporary directory.
const KUBECONFIG: &str = "kubeconfig";

/// The process as traces name it.
const SERVICE: &str = "kontext-apiserver";

/// Serve the Kubernetes API from memory, for tries and tests of controllers
///
/// It forgets everything when it ends, and everybody may do everything: so it listens on loopback only.
/// With -v 4 it logs each write and each failure, with -v 6 every request.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = help::MORE)]
pub struct Options {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    bind: SocketAddr,

    /// Where to write a kubeconfig [default: a temporary file that goes with the server]
    #[arg(long, value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,

    /// The users in the kubeconfig, a context each; the first is current
    #[arg(long = "user", value_name = "NAME", default_values_t = ["kubernetes-admin".to_owned()], value_parser = NonEmptyStringValueParser::new())]
    users: Vec<String>,

    /// Create the objects in this file, or in the .yaml, .yml and .json files of this folder; can be repeated
    #[arg(long, value_name = "PATH")]
    load: Vec<PathBuf>,

    /// Also delete what is owned by deleted objects, and what is left in deleted namespaces
    #[arg(long)]
    garbage_collector: bool,

    /// Inject a fault, such as 503,verb=create,resource=pods,probability=0.1; can be repeated
    #[arg(long = "fault", value_name = "FAULT", value_parser = |text: &str| text.parse::<Rule>())]
    faults: Vec<Rule>,

    /// Make uids, generated names, jitter and the probabilities of faults repeatable
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    #[command(flatten)]
    kubelet: KubeletOptions,

    #[command(flatten)]
    logs: telemetry::LogOptions,
}

/// How nodes and pods are played.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Simulated kubelet")]
struct KubeletOptions {
    /// Also play scheduler and kubelets: nodes are Ready, pods run, pods of Jobs succeed
    #[arg(long)]
    simulate_kubelet: bool,

    /// How many nodes are played
    #[arg(long, value_name = "N", default_value_t = 1, requires = "simulate_kubelet", value_parser = clap::value_parser!(u16).range(1..))]
    nodes: u16,

    /// How long pods take from being bound to Running
    #[arg(long, value_name = "DURATION", default_value = "0", requires = "simulate_kubelet", value_parser = duration::parse)]
    start_latency: Duration,

    /// How long pods take from Running to Ready
    #[arg(long, value_name = "DURATION", default_value = "0", requires = "simulate_kubelet", value_parser = duration::parse)]
    ready_latency: Duration,

    /// How long the containers of pods that end by themselves run
    #[arg(long, value_name = "DURATION", default_value = "0", requires = "simulate_kubelet", value_parser = duration::parse)]
    run_time: Duration,

    /// How long deleted pods take to end
    #[arg(long, value_name = "DURATION", default_value = "0", requires = "simulate_kubelet", value_parser = duration::parse)]
    end_latency: Duration,

    /// Make each of these longer by up to this share, differently for each pod
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, requires = "simulate_kubelet", value_parser = share)]
    jitter: f64,
}

/// Serves until SIGINT or SIGTERM.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    access::install_crypto();
    let running = telemetry::start(&options.logs, SERVICE)?;
    let stop = signals::stop()?;
    let mut builder = ApiServer::builder().collect_garbage(options.garbage_collector);
    if let Some(seed) = options.seed {
        builder = builder.seed(seed);
    }
    let server = builder.start().await;
    let served = server.serve(options.bind).await.map_err(with_remedy)?;
    for path in &options.load {
        let loaded = server.load_path(path).await.with_context(|| format!("--load {}", path.display()))?;
        tracing::info!(path = %path.display(), objects = loaded.len(), "loaded");
    }
    // Removed when it goes out of scope.
    let directory = tempfile::tempdir()?;
    let kubeconfig = options.write_kubeconfig.unwrap_or_else(|| directory.path().join(KUBECONFIG));
    let users: Vec<&str> = options.users.iter().map(String::as_str).collect();
    served.write_kubeconfig(&kubeconfig, &users).map_err(with_remedy)?;
    let kubelet = options.kubelet.start(&server).await?;
    // Only what others ask for is struck.
    let faults: Vec<(String, RuleHandle)> =
        options.faults.into_iter().map(|rule| (rule.to_string(), server.faults().add(rule))).collect();
    output::say(&format!("serving {}\n{}\n", served.url(), export(&kubeconfig)))?;
    stop.cancelled().await;
    for (rule, handle) in faults {
        tracing::info!(strikes = handle.strikes(), matches = handle.matches(), "fault {rule}");
    }
    if let Some(kubelet) = kubelet {
        kubelet.stop().await;
    }
    end(served).await?;
    running.flush().await;
    Ok(ExitCode::SUCCESS)
}

impl KubeletOptions {
    async fn start(&self, server: &ApiServer) -> Result<Option<KubeletHandle>, kube::Error> {
        if !self.simulate_kubelet {
            return Ok(None);
        }
        let builder = server
            .simulated_kubelet()
            .nodes(self.nodes.into())
            .startup_latency(self.start_latency)
            .ready_latency(self.ready_latency)
            .run_time(self.run_time)
            .termination_latency(self.end_latency)
            .jitter(self.jitter);
        builder.start().await.map(Some)
    }
}

/// Says what to do about what can be mended with a flag.
fn with_remedy(error: ServeError) -> anyhow::Error {
    match error {
        ServeError::NotLoopback(address) => Failure::usage(format!(
            "--bind {address} is not a loopback address: this server lets everybody do everything, so it listens on \
             loopback only; write 127.0.0.1:{port} or [::1]:{port}",
            port = address.port()
        )),
        ServeError::Bind { address, source } => Failure::with_code(
            1,
            format!(
                "cannot listen on {address}: {source}; choose another port with --bind, or 0 for a free one"
            ),
        ),
        ServeError::Kubeconfig { path, source } => Failure::with_code(
            1,
            format!(
                "cannot write the kubeconfig {}: {source}; name a file in a folder that is there, or leave \
                 --write-kubeconfig out",
                path.display()
            ),
        ),
        error => error.into(),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.replacen("localhost:", "127.0.0.1:", 1).parse().map_err(|_| {
        format!("{text:?} is no address with a port; write it as 127.0.0.1:6443, or with port 0")
    })
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(share),
        _ => Err(format!("{text:?} is no share; write it as 0.5 for up to half as long again")),
    }
}

/// The line that makes a shell's kubectl use the server.
pub(crate) fn export(kubeconfig: &std::path::Path) -> String {
    let path = kubeconfig.to_string_lossy();
    let plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+".contains(c));
    if plain {
        format!("export KUBECONFIG={path}")
    } else {
        format!("export KUBECONFIG='{}'", path.replace('\'', r"'\''"))
    }
}

/// Ends the server; connections that go on are closed after its grace.
pub(crate) async fn end(served: Served) -> std::io::Result<()> {
    served.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_export_line_survives_a_shell() {
        assert_eq!(export(Path::new("/tmp/a/kubeconfig")), "export KUBECONFIG=/tmp/a/kubeconfig");
        assert_eq!(export(Path::new("/tmp/it's a dir/k")), r"export KUBECONFIG='/tmp/it'\''s a dir/k'");
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        assert_eq!(address("localhost:6443").map(|a| a.to_string()), Ok("127.0.0.1:6443".to_owned()));
        assert_eq!(address("[::1]:0").map(|a| a.port()), Ok(0));
        assert!(address("6443").is_err_and(|why| why.contains("127.0.0.1:6443")));
    }
}
