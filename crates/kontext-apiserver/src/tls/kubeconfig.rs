//! kubeconfig files.

use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

const CLUSTER: &str = "kontext";

/// How a user shows who they are.
pub(super) enum Credentials {
    Token(String),
    /// PEM.
    Certificate {
        certificate: String,
        key: String,
    },
}

impl Credentials {
    fn json(&self) -> serde_json::Value {
        match self {
            Self::Token(token) => json!({"token": token}),
            Self::Certificate { certificate, key } => json!({
                "client-certificate-data": STANDARD.encode(certificate),
                "client-key-data": STANDARD.encode(key),
            }),
        }
    }
}

/// A kubeconfig with one context a user; the first one is current. JSON, which is YAML too.
pub(super) fn kubeconfig_yaml(url: &str, ca_pem: &str, users: &[(&str, Credentials)]) -> String {
    let entries = |entry: &dyn Fn(&str, &Credentials) -> serde_json::Value| -> Vec<serde_json::Value> {
        users.iter().map(|(name, credentials)| entry(name, credentials)).collect()
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": CLUSTER,
            "cluster": {"server": url, "certificate-authority-data": STANDARD.encode(ca_pem)},
        }],
        "users": entries(&|name, credentials| json!({"name": name, "user": credentials.json()})),
        "contexts": entries(&|name, _| json!({
            "name": name, "context": {"cluster": CLUSTER, "user": name, "namespace": "default"},
        })),
        "current-context": users.first().map_or("", |(name, _)| name),
        "preferences": {},
    });
    format!("{config:#}\n")
}

/// Writes a file that only its owner can read: it holds tokens.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}
