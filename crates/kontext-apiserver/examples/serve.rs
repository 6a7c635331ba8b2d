//! Serves an in-memory API server until Ctrl-C:
//!
//! ```text
//! cargo run -p kontext-apiserver --example serve -- --bind 127.0.0.1:0 --write-kubeconfig /tmp/kubeconfig
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use kontext_apiserver::ApiServer;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "an example says what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut bind: SocketAddr = "127.0.0.1:0".parse()?;
    let mut kubeconfig: Option<PathBuf> = None;
    let mut builder = ApiServer::builder();
    let mut kubelet = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--bind" => bind = value()?.parse()?,
            "--write-kubeconfig" => kubeconfig = Some(value()?.into()),
            "--garbage-collector" => builder = builder.collect_garbage(true),
            "--simulate-kubelet" => kubelet = true,
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let server = builder.start().await;
    let served = server.serve(bind).await?;
    println!("serving {}", served.url());
    if let Some(path) = kubeconfig {
        served.write_kubeconfig(&path, &["kubernetes-admin", "alice", "bob"])?;
        println!("export KUBECONFIG={}", path.display());
    }
    let kubelet = match kubelet {
        true => Some(server.simulated_kubelet().start().await?),
        false => None,
    };
    tokio::signal::ctrl_c().await?;
    if let Some(kubelet) = kubelet {
        kubelet.stop().await;
    }
    served.shutdown().await?;
    Ok(())
}
