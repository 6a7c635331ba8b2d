//! `cargo xtask control-plane`: the real control plane, built from Go modules into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::assets::{self, Assets, BINARIES};
use crate::run::workspace;

/// The oldest Go that the module builds with, as its go.mod says.
const GO: (u32, u32) = (1, 26);

/// How much of a failed build's output is shown.
const TAIL_LINES: usize = 40;

#[derive(Args)]
pub(crate) struct ControlPlane {
    /// Build nothing; print the folder, or fail if it is not there
    #[arg(long)]
    print: bool,
}

impl ControlPlane {
    pub(crate) fn run(&self) -> Result<()> {
        let found = if self.print { Assets::locate()? } else { Some(built()?) };
        let Some(assets) = found else {
            let folder = assets::cache_folder()?;
            bail!(
                "the control plane is not built: run `cargo xtask control-plane` (it goes to {})",
                folder.display()
            );
        };
        for name in assets.missing() {
            eprintln!("note: there is no {name} in {}; tests that need it fail", assets.folder().display());
        }
        println!("KUBEBUILDER_ASSETS={}", assets.folder().display());
        Ok(())
    }
}

/// The control plane; builds it if it is not there.
pub(crate) fn built() -> Result<Assets> {
    if let Some(assets) = Assets::locate()? {
        return Ok(assets);
    }
    let go = go_version()?;
    let folder = assets::cache_folder()?;
    let parent = folder.parent().context("the cache has no parent folder")?;
    fs::create_dir_all(parent).with_context(|| format!("make the cache {}", parent.display()))?;

    eprintln!(
        "building the control plane {} with Go {go} into {}",
        assets::kubernetes_version(),
        folder.display()
    );
    eprintln!("this takes about eight minutes on two cores and 2 GB of memory, once");
    let started = Instant::now();
    // Beside its final place, so that one rename puts it there whole.
    let unfinished = Unfinished(folder.with_extension(format!("unfinished-{}", std::process::id())));
    build_into(&unfinished.0)?;
    put_in_place(&unfinished.0, &folder)?;
    eprintln!("built in {:.0} s", started.elapsed().as_secs_f32());
    Assets::in_folder(&folder)
}

/// A folder that goes away, whatever happens, unless it was renamed.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Missing after the rename; what cannot be removed does no harm but its size.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn put_in_place(unfinished: &Path, folder: &Path) -> Result<()> {
    match fs::rename(unfinished, folder) {
        // Somebody else built the same at the same time, and was first.
        Err(_) if Assets::in_folder(folder).is_ok() => Ok(()),
        renamed => {
            renamed.with_context(|| format!("rename {} to {}", unfinished.display(), folder.display()))
        }
    }
}

/// Builds all binaries in one go, for the packages that they share.
fn build_into(folder: &Path) -> Result<()> {
    fs::create_dir(folder).with_context(|| format!("make {}", folder.display()))?;
    let module = workspace().join("tools/control-plane");
    let mut command = Command::new("go");
    command.args(["build", "-trimpath", "-ldflags", &linker_flags()?, "-o"]).arg(folder);
    command.args(BINARIES.map(|name| format!("./cmd/{name}")));
    command
        .current_dir(&module)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false")
        .stdin(Stdio::null());
    // The workspace may lie inside somebody's Go workspace, which is not for this module.
    command.env("GOWORK", "off");

    let output = command.output().context("run go build")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        bail!("go build in {} failed ({}):\n{tail}", module.display(), output.status);
    }
    for name in BINARIES {
        if !folder.join(name).is_file() {
            bail!("go build made no {name} in {}", folder.display());
        }
    }
    Ok(())
}

/// No symbol table, and the version that upstream's build scripts put in.
fn linker_flags() -> Result<String> {
    let version = assets::kubernetes_version();
    let mut numbers = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        bail!("{version} in tools/control-plane/go.mod is not a version");
    };
    let set = |name: &str, value: &str| format!(" -X k8s.io/component-base/version.{name}={value}");
    Ok(["-s -w".to_owned(), set("gitVersion", version), set("gitMajor", major), set("gitMinor", minor)]
        .concat())
}

/// The version of the Go on PATH, which must be new enough.
fn go_version() -> Result<String> {
    let wanted = format!("Go {}.{} or newer", GO.0, GO.1);
    let without = "without Go, `cargo xtask test --no-control-plane` runs the in-memory half";
    let output = Command::new("go")
        .args(["env", "GOVERSION"])
        // In the module's folder go would first look for a newer toolchain to download.
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `go`: install {wanted} ({without})"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match parse_go_version(&version) {
        Some(found) if found >= GO => Ok(version.trim_start_matches("go").to_owned()),
        Some(_) => bail!("the Go on PATH is {version}: install {wanted} ({without})"),
        None => bail!(
            "`go env GOVERSION` says {version:?} {}: install {wanted} ({without})",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
    }
}

/// Major and minor number of `go1.26.8`, `go1.27rc1`, `go1.26.1 X:jsonv2`; `None` for anything else.
fn parse_go_version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.strip_prefix("go")?.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_versions_are_compared_by_number() {
        assert_eq!(parse_go_version("go1.26.8"), Some((1, 26)));
        assert_eq!(parse_go_version("go1.27rc1"), Some((1, 27)));
        assert_eq!(parse_go_version("go1.26.1 X:jsonv2"), Some((1, 26)));
        assert_eq!(parse_go_version("devel +abc"), None);
        assert!(parse_go_version("go1.9.7") < Some(GO));
    }

    #[test]
    fn the_oldest_go_is_the_one_of_the_module() {
        let text = fs::read_to_string(workspace().join("tools/control-plane/go.mod")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("go ")).unwrap();
        assert_eq!(parse_go_version(&format!("go{line}")), Some(GO));
    }

    #[test]
    fn the_version_of_kubernetes_is_linked_in() {
        let flags = linker_flags().unwrap();
        let version = assets::kubernetes_version();
        assert!(flags.contains(&format!("gitVersion={version} ")), "{flags}");
        assert!(flags.contains("gitMajor=1 "), "{flags}");
    }

    #[test]
    fn a_build_that_finished_second_leaves_the_first_in_place() {
        let root = std::env::temp_dir().join(format!("kontext-xtask-{}", std::process::id()));
        let (first, second) = (root.join("done"), Unfinished(root.join("second")));
        for folder in [&first, &second.0] {
            fs::create_dir_all(folder).unwrap();
            for name in BINARIES {
                fs::write(folder.join(name), folder.display().to_string()).unwrap();
            }
        }
        put_in_place(&second.0, &first).unwrap();
        assert_eq!(fs::read_to_string(first.join("etcd")).unwrap(), first.display().to_string());
        drop(second);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        fs::remove_dir_all(&root).unwrap();
    }
}
