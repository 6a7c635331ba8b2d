//! kubectl cannot tell the in-memory server from the real one: the same sessions, the same words.
//!
//! A session is a file of commands and of what they say, as a person sees it in a terminal (`sessions/*.session`). What it
//! holds was recorded on the real API server; the tests play it on both servers and compare every word, with only
//! times, uids, versions and random names replaced.
//!
//! `KONTEXT_RECORD_SESSIONS=1 cargo test -p kontext-testbed --test kubectl_sessions real` writes what the real server
//! says now into the files.

mod normalise;
mod play;
mod session;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use kontext_testbed::{Assets, Server, on_both_servers};
use session::Session;

/// Plays the session of this name in a namespace that is named as the session.
async fn plays(server: Server, name: &str) -> Result<()> {
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
        eprintln!("{name}: skipped: no kubectl (cargo xtask control-plane builds it)");
        return Ok(());
    };
    let kubeconfig = server.kubeconfig("alice").await?;
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
