//! The command lines of etcd and kube-apiserver.

use std::path::{Path, PathBuf};

use crate::port::ReservedPort;

pub(super) const AUTHORITY: &str = "ca.crt";
pub(super) const SERVING_CERTIFICATE: &str = "serving.crt";
pub(super) const SERVING_KEY: &str = "serving.key";
pub(super) const TOKEN_SIGNING_KEY: &str = "service-account.key";
pub(super) const TOKEN_VERIFYING_KEY: &str = "service-account.pub";
pub(super) const AUDIT_POLICY: &str = "audit-policy.yaml";

/// The audit log of a kube-apiserver that runs in `folder`.
pub(super) fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}

/// `ports` are those for clients and for peers. There is one member and no peer, but etcd wants the port.
pub(super) fn etcd(folder: &Path, ports: &[ReservedPort; 2]) -> Vec<String> {
    let [client, peer] = ports.each_ref().map(|port| port.url("http"));
    vec![
        format!("--data-dir={}", folder.join("data").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--socket-reuse-port".into(),
        // Nothing here has to survive a power cut.
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}

pub(super) fn api_server(
    folder: &Path,
    port: &ReservedPort,
    etcd: &ReservedPort,
    audit: bool,
) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut flags = vec![
        format!("--etcd-servers={}", etcd.url("http")),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={}", port.number()),
        "--permit-port-sharing".into(),
        format!("--cert-dir={}", folder.display()),
        format!("--tls-cert-file={}", file(SERVING_CERTIFICATE)),
        format!("--tls-private-key-file={}", file(SERVING_KEY)),
        format!("--client-ca-file={}", file(AUTHORITY)),
        "--authorization-mode=RBAC".into(),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={}", file(TOKEN_VERIFYING_KEY)),
        format!("--service-account-signing-key-file={}", file(TOKEN_SIGNING_KEY)),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        // No controller makes the ServiceAccounts that this plugin asks for.
        "--disable-admission-plugins=ServiceAccount".into(),
        "--endpoint-reconciler-type=none".into(),
        "--allow-privileged=true".into(),
    ];
    if audit {
        flags.push(format!("--audit-policy-file={}", file(AUDIT_POLICY)));
        flags.push(format!("--audit-log-path={}", audit_log(folder).display()));
        // Written before the request's goroutine ends: nothing is left in a batch when a test looks.
        flags.push("--audit-log-mode=blocking".into());
    }
    flags
}
