//! kubectl cannot tell the in-memory server from the real one: the same sessions, the same words.
//!
//! A session is a file of commands and of what they say, as a person sees it in a terminal (`sessions/*.session`). What it
//! holds was recorded on the real API server; the tests play it on both servers and compare every word, with only
//! times, uids, versions and random names replaced.
//!
//! `KONTEXT_RECORD_SESSIONS=1 cargo test -p kontext-testbed --test kubectl_sessions real` writes what the real server
//! says now into the files.

#![allow(clippy::print_stderr, reason = "a skipped session, and a kubelet that fails, must be seen")]

mod kubelet;
mod normalise;
mod play;
mod session;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use kontext_testbed::{Assets, Server, UpstreamManager, on_both_servers};
use session::Session;
use tokio::task::JoinHandle;

/// Plays the session of this name in a namespace that is named as the session.
async fn plays(server: Server, name: &str) -> Result<()> {
    plays_beside(server, name, false).await
}

/// Where upstream's manager and a kubelet are at work, or nobody is.
async fn plays_beside(server: Server, name: &str, controllers: bool) -> Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl_sessions/sessions");
    let path = folder.join(format!("{name}.session"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let expected = Session::parse(&text).with_context(|| format!("read {}", path.display()))?;
    let Some(assets) = Assets::locate()?.filter(|assets| assets.binary("kubectl").is_ok()) else {
        if std::env::var("KONTEXT_REQUIRE_CONTROL_PLANE").is_ok_and(|wish| wish == "1") {
            bail!(
                "{name}: no kubectl, and KONTEXT_REQUIRE_CONTROL_PLANE=1: cargo xtask control-plane builds it"
            );
        }
        let _ =
            writeln!(std::io::stderr(), "{name}: skipped: no kubectl (cargo xtask control-plane builds it)");
        return Ok(());
    };
    let kubeconfig = server.kubeconfig("alice").await?;
    let _controllers =
        if controllers { Some(Controllers::start(&server, &assets, name).await?) } else { None };
    let played = play::play(&expected, name, &assets, &kubeconfig).await?;
    if server.real().is_some() && std::env::var_os("KONTEXT_RECORD_SESSIONS").is_some() {
        return std::fs::write(&path, played.to_string())
            .with_context(|| format!("write {}", path.display()));
    }
    let differences = expected.differences(&played);
    if !differences.is_empty() {
        bail!(
            "{name}: {} of {} commands differ\n{}",
            differences.len(),
            played.steps.len(),
            differences.join("\n")
        );
    }
    Ok(())
}

/// Upstream's manager, and what plays the nodes.
struct Controllers {
    _manager: UpstreamManager,
    kubelet: JoinHandle<()>,
}

impl Controllers {
    async fn start(server: &Server, assets: &Assets, namespace: &str) -> Result<Self> {
        let names = [
            "deployment-controller",
            "replicaset-controller",
            "statefulset-controller",
            "job-controller",
            "endpointslice-controller",
            "garbage-collector-controller",
            "namespace-controller",
            "serviceaccount-controller",
        ];
        let user = "system:kube-controller-manager";
        let manager = UpstreamManager::builder().controllers(&names).limits(500.0, 500);
        let manager = manager.start(assets, &server.kubeconfig(user).await?)?;
        Ok(Self { _manager: manager, kubelet: kubelet::play(server.client("kubelet").await?, namespace) })
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        self.kubelet.abort();
    }
}

macro_rules! sessions {
    ($($(#[$attribute:meta])* $name:ident)+) => {
        on_both_servers! {$(
            $(#[$attribute])*
            async fn $name(server: Server) -> Result<()> {
                plays(server, &stringify!($name).replace('_', "-")).await
            }
        )+}
    };
}

sessions! {
    every_kind_is_created_from_its_minimal_manifest
    objects_are_read_in_every_form
    changes_are_applied_and_patched
    objects_are_deleted
    mistakes_are_told
    things_are_described
    the_server_tells_what_it_serves
}

on_both_servers! {
    each with its own server:
    /// client-go's informers, upstream's loops and its garbage collector: the same rollout ends in the same state.
    async fn upstream_plays_its_loops(server: Server) -> Result<()> {
        plays_beside(server, "upstream-plays-its-loops", true).await
    }
}
