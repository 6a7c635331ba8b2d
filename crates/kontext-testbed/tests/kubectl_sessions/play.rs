//! Plays a session: each command in bash, with kubectl, its kubeconfig and the session's namespace set.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use kontext_testbed::Assets;
use tokio::process::Command;

use crate::normalise::normalise;
use crate::session::{Session, Step};

/// No command of a session waits for anything for so long.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Plays all commands, also after one that says something unexpected: the whole session is what is compared.
pub(crate) async fn play(
    session: &Session,
    name: &str,
    assets: &Assets,
    kubeconfig: &Path,
) -> Result<Session> {
    let folder = tempfile::Builder::new().prefix("kontext-session-").tempdir()?;
    let stage = Stage { folder: folder.path(), assets, kubeconfig };
    let prepare = format!(
        "kubectl create namespace {name} && kubectl config set-context --current --namespace={name} >set-context"
    );
    let output = stage.run(&prepare).await?;
    anyhow::ensure!(output.status.success(), "prepare: {}", String::from_utf8_lossy(&output.stderr));
    let mut steps = Vec::with_capacity(session.steps.len());
    for step in &session.steps {
        let said =
            if step.command.starts_with('#') { Vec::new() } else { said(&stage.run(&step.command).await?) };
        steps.push(Step { command: step.command.clone(), said });
    }
    Ok(Session { steps })
}

struct Stage<'a> {
    folder: &'a Path,
    assets: &'a Assets,
    kubeconfig: &'a Path,
}

impl Stage<'_> {
    async fn run(&self, command: &str) -> Result<Output> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(command).current_dir(self.folder).stdin(Stdio::null()).kill_on_drop(true);
        bash.env("PATH", format!("{}:{path}", self.assets.folder().display()));
        bash.env("KUBECONFIG", self.kubeconfig).env("KUBECACHEDIR", self.folder.join("cache"));
        bash.env("TZ", "UTC").env("LC_ALL", "C");
        let output = tokio::time::timeout(TIME_LIMIT, bash.output()).await;
        output.with_context(|| format!("{command}: no end within {TIME_LIMIT:?}"))?.context("run bash")
    }
}

/// What a terminal shows, standard error marked, and the code where it is not 0.
fn said(output: &Output) -> Vec<String> {
    let lines =
        |bytes: &[u8]| -> Vec<String> { String::from_utf8_lossy(bytes).lines().map(normalise).collect() };
    let mut said = lines(&output.stdout);
    said.extend(lines(&output.stderr).into_iter().map(|line| format!("! {line}")));
    match output.status.code() {
        Some(0) => {}
        Some(code) => said.push(format!("[exit {code}]")),
        None => said.push("[killed]".to_owned()),
    }
    // A blank line would be lost at the end of the file, and nothing is said by it.
    while said.last().is_some_and(String::is_empty) {
        said.pop();
    }
    said
}
