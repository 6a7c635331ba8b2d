//! `kontext apiserver`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Args;
use kontext_apiserver::{ApiServer, Served, SimulatedKubelet};

use crate::{access, output, signals};

/// The file within a temporary directory.
const KUBECONFIG: &str = "kubeconfig";

/// Serve the Kubernetes API from memory, for tries and tests of controllers
///
/// It forgets everything when it ends, and everybody may do everything: so it listens on loopback only.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    bind: SocketAddr,

    /// Where to write a kubeconfig [default: a temporary file that goes with the server]
    #[arg(long, value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,

    /// The users in the kubeconfig, a context each; the first is current
    #[arg(long = "user", value_name = "NAME", default_values_t = ["kubernetes-admin".to_owned()])]
    users: Vec<String>,

    /// Also play scheduler and kubelets: pods become Running and Ready
    #[arg(long)]
    simulate_kubelet: bool,

    /// How many nodes are played
    #[arg(long, value_name = "N", default_value_t = 1, requires = "simulate_kubelet", value_parser = clap::value_parser!(u16).range(1..))]
    nodes: u16,

    /// Also delete what is owned by deleted objects, and what is left in deleted namespaces
    #[arg(long)]
    garbage_collector: bool,
}

/// Serves until SIGINT or SIGTERM.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    access::install_crypto();
    let stop = signals::stop()?;
    let server = ApiServer::builder().collect_garbage(options.garbage_collector).start().await;
    let served = server.serve(options.bind).await?;
    let users: Vec<&str> = options.users.iter().map(String::as_str).collect();
    // Removed when it goes out of scope.
    let directory = tempfile::tempdir()?;
    let kubeconfig = options.write_kubeconfig.unwrap_or_else(|| directory.path().join(KUBECONFIG));
    served.write_kubeconfig(&kubeconfig, &users)?;
    let kubelet = if options.simulate_kubelet {
        let builder = SimulatedKubelet::builder(server.client_for("system:kubelet"));
        Some(builder.nodes(options.nodes.into()).start().await?)
    } else {
        None
    };
    output::say(&format!("serving {}\n{}\n", served.url(), export(&kubeconfig)))?;
    stop.cancelled().await;
    if let Some(kubelet) = kubelet {
        kubelet.stop().await;
    }
    end(served).await?;
    Ok(ExitCode::SUCCESS)
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
}
