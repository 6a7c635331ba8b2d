//! Where the binaries of the real control plane are.
//!
//! They come from `KUBEBUILDER_ASSETS` (the convention of envtest) or from a cache outside the repository, in a folder
//! named by what they are built from. `cargo xtask` includes this file too: one place decides the path.

use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The binaries that `cargo xtask control-plane` builds, each from the `cmd/` folder of its name.
pub const BINARIES: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];

/// The binaries without which there is no control plane.
pub const NEEDED: [&str; 2] = ["etcd", "kube-apiserver"];

/// The Go module: what the binaries are built from, and nothing else is.
const GO_MOD: &str = include_str!("../../../tools/control-plane/go.mod");
const SOURCES: [&str; 6] = [
    GO_MOD,
    include_str!("../../../tools/control-plane/go.sum"),
    include_str!("../../../tools/control-plane/cmd/etcd/main.go"),
    include_str!("../../../tools/control-plane/cmd/kube-apiserver/main.go"),
    include_str!("../../../tools/control-plane/cmd/kube-controller-manager/main.go"),
    include_str!("../../../tools/control-plane/cmd/kubectl/main.go"),
];

/// A folder with the binaries of a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    folder: PathBuf,
}

impl Assets {
    /// The binaries that tests and tools use: `KUBEBUILDER_ASSETS` where it is set, else the cache.
    ///
    /// `None` means that neither is there. A `KUBEBUILDER_ASSETS` without [`NEEDED`] is an error: somebody meant it.
    pub fn locate() -> Result<Option<Self>> {
        if let Some(folder) = kubebuilder_assets() {
            return Self::in_folder(&folder).context("KUBEBUILDER_ASSETS").map(Some);
        }
        // The cache folder appears by a rename, complete or not at all.
        let folder = cache_folder()?;
        Ok(folder.is_dir().then_some(Self { folder }))
    }

    /// The binaries in `folder`, which must have at least [`NEEDED`].
    pub fn in_folder(folder: &Path) -> Result<Self> {
        for name in NEEDED {
            if !folder.join(name).is_file() {
                bail!("there is no {name} in {}", folder.display());
            }
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of one binary; an error that says so where this folder lacks it.
    pub fn binary(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
        bail!(
            "there is no {name} in {}; unset KUBEBUILDER_ASSETS and run `cargo xtask control-plane` to build it",
            self.folder.display()
        )
    }

    /// Those of [`BINARIES`] that the folder lacks. A folder made for envtest has no kube-controller-manager.
    pub fn missing(&self) -> Vec<&'static str> {
        BINARIES.into_iter().filter(|name| !self.folder.join(name).is_file()).collect()
    }
}

/// The folder that `KUBEBUILDER_ASSETS` names, where it is set and not empty.
pub fn kubebuilder_assets() -> Option<PathBuf> {
    variable("KUBEBUILDER_ASSETS").map(PathBuf::from)
}

/// The folder of the cache that has, or would have, the binaries built from the present sources.
pub fn cache_folder() -> Result<PathBuf> {
    let root = cache_root(variable)?;
    Ok(root.join("control-plane").join(format!("{}-{:016x}", kubernetes_version(), source_hash())))
}

/// The version of Kubernetes that the module requires, such as `v1.36.3`.
pub fn kubernetes_version() -> &'static str {
    GO_MOD
        .lines()
        .filter_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "))
        .find_map(|rest| rest.split_whitespace().next())
        .expect("tools/control-plane/go.mod requires k8s.io/kubernetes")
}

/// Kontext's folder for what can be made again.
fn cache_root(variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if let Some(folder) = variable("KONTEXT_CACHE") {
        return Ok(PathBuf::from(folder));
    }
    if let Some(folder) = variable("XDG_CACHE_HOME") {
        return Ok(Path::new(&folder).join("kontext"));
    }
    let home = variable("HOME").context("no place for a cache: set KONTEXT_CACHE, XDG_CACHE_HOME or HOME")?;
    Ok(Path::new(&home).join(".cache/kontext"))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// FNV-1a over the sources and the platform. It tells versions apart and need not resist anybody.
fn source_hash() -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in SOURCES.into_iter().chain([OS, ARCH]) {
        // 0xff is in no UTF-8 text: a byte that moves from one file to the next changes the hash.
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(variables: &[(&str, &str)]) -> Result<PathBuf> {
        cache_root(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn our_own_variable_goes_before_the_standard_one_and_that_before_home() {
        let all = [("KONTEXT_CACHE", "/k"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(root(&all).unwrap(), Path::new("/k"));
        assert_eq!(root(&all[1..]).unwrap(), Path::new("/x/kontext"));
        assert_eq!(root(&all[2..]).unwrap(), Path::new("/h/.cache/kontext"));
        assert!(root(&[]).unwrap_err().to_string().contains("KONTEXT_CACHE"));
    }

    #[test]
    fn the_version_is_read_from_the_module() {
        assert!(kubernetes_version().starts_with("v1."), "{}", kubernetes_version());
    }

    #[test]
    fn a_folder_without_an_api_server_is_refused_by_name() {
        let folder = std::env::temp_dir().join(format!("kontext-assets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("etcd"), "").unwrap();
        let error = Assets::in_folder(&folder).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(error.starts_with("there is no kube-apiserver in /"), "{error}");
    }
}
