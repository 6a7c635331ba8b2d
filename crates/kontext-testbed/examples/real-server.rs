//! A real control plane to try things on by hand, until Ctrl-C.
//!
//! `cargo run -p kontext-testbed --example real-server -- deployment-controller replicaset-controller` also runs
//! upstream's manager with these controllers. Everything is gone when this ends, however it ends.

#![allow(clippy::print_stdout, reason = "a command line tool talks to its user")]

use anyhow::Result;
use kontext_testbed::{RealServer, UpstreamManager};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let server = RealServer::builder().audit().start().await?;
    let controllers: Vec<String> = std::env::args().skip(1).collect();
    let manager = if controllers.is_empty() {
        None
    } else {
        let names: Vec<&str> = controllers.iter().map(String::as_str).collect();
        let user = server.kubeconfig("system:kube-controller-manager")?;
        Some(UpstreamManager::builder().controllers(&names).start(server.assets(), &user)?)
    };
    let processes =
        [Some(server.etcd()), Some(server.api_server()), manager.as_ref().map(UpstreamManager::process)];
    for process in processes.into_iter().flatten() {
        println!("# process {}, log {}", process.id(), process.log().display());
    }
    println!("export KUBECONFIG={}", server.kubeconfig("alice")?.display());
    println!("export PATH={}:$PATH", server.assets().folder().display());
    std::future::pending().await
}
