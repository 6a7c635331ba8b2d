//! Running the tools that do the work.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The workspace's folder.
///
/// `cargo run` names it anew each time. What the compiler saw may be another clone's, if they share a target folder.
pub(crate) fn workspace() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut folder = PathBuf::from(package);
    folder.pop();
    folder
}

/// The folder of what cargo builds: ours stands in it, as `debug/xtask`.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("find our own program")?;
    let folder = own.ancestors().nth(2).context("our own program is in no target folder")?;
    Ok(folder.to_owned())
}

/// The cargo that runs us, in the workspace, with nothing on its standard input.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(workspace()).stdin(Stdio::null());
    command
}

/// Runs one step with its output going where ours goes; says what it is and how long it took.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<()> {
    println!("==> {name}");
    let started = Instant::now();
    let status = command.status().with_context(|| format!("{name}: start {command:?}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    println!("==> {name}: done in {:.0} s", started.elapsed().as_secs_f32());
    Ok(())
}
