//! What a user needs to reach the server: as a client configuration, or as a kubeconfig file.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::Kubeconfig;
use serde_json::{Value, json};

use crate::pki::Authority;

/// A kubeconfig with one user, whose certificate and key are inside. YAML readers take JSON.
pub(super) fn kubeconfig(url: &str, authority: &Authority, user: &str, groups: &[&str]) -> Result<Value> {
    let identity = authority.user(user, groups)?;
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "testbed",
        "clusters": [{
            "name": "testbed",
            "cluster": {
                "server": url,
                "certificate-authority-data": STANDARD.encode(authority.certificate()),
            },
        }],
        "users": [{
            "name": user,
            "user": {
                "client-certificate-data": STANDARD.encode(identity.certificate),
                "client-key-data": STANDARD.encode(identity.key),
            },
        }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": user } }],
    }))
}

/// The same, for a client in this process.
pub(super) fn parsed(kubeconfig: Value) -> Result<Kubeconfig> {
    serde_json::from_value(kubeconfig).context("our own kubeconfig")
}

/// Writes a new file that only this user may read.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().with_context(|| format!("write {}", path.display()))
}
