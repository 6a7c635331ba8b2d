//! The real control plane: etcd and upstream's kube-apiserver on loopback.
//!
//! `flags` says how they are started, `access` what a user needs to reach them.

mod access;
mod flags;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::{Request, StatusCode};
use k8s_openapi::api::core::v1::Namespace;
use kube::config::KubeConfigOptions;
use kube::{Api, Client, Config};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::audit::{self, AuditEvent};
use crate::pki::Authority;
use crate::port::ReservedPort;
use crate::{Assets, Kubectl, Process, namespace};

/// The group that may do everything.
pub const MASTERS: &str = "system:masters";

/// It starts in five seconds on an idle machine; this is for one that compiles at the same time.
const READY_WITHIN: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);

/// A real API server with its etcd. Both end, and their folders go, when this is dropped or the process ends.
///
/// Authorization is RBAC, ServiceAccount admission is off, and no controller runs: objects stay as they are written.
pub struct RealServer {
    // Fields are dropped in this order: the API server before the etcd that it talks to.
    api_server: Process,
    etcd: Process,
    assets: Assets,
    authority: Authority,
    api_server_port: ReservedPort,
    _etcd_ports: [ReservedPort; 2],
    kubeconfigs: AtomicU32,
    audited: bool,
}

/// Options of a [`RealServer`].
#[derive(Debug, Clone)]
#[must_use]
pub struct RealServerBuilder {
    assets: Option<Assets>,
    api_server_flags: Vec<String>,
    audit: bool,
}

impl RealServerBuilder {
    /// Uses these binaries in place of those that [`Assets::locate`] finds.
    pub fn assets(mut self, assets: Assets) -> Self {
        self.assets = Some(assets);
        self
    }

    /// Adds a flag of kube-apiserver, such as `--feature-gates=A=true`. It comes after ours and so wins over them,
    /// or, where the flag is a list, adds to it.
    pub fn api_server_flag(mut self, flag: impl Into<String>) -> Self {
        self.api_server_flags.push(flag.into());
        self
    }

    /// Writes an audit log, level Metadata, which [`RealServer::audit_events`] reads.
    pub fn audit(mut self) -> Self {
        self.audit = true;
        self
    }

    /// Starts the two servers and waits until they are ready. An error has the end of their logs.
    pub async fn start(self) -> Result<RealServer> {
        let assets = match self.assets {
            Some(assets) => assets,
            None => Assets::locate()?
                .context("the control plane is not built: run `cargo xtask control-plane`")?,
        };
        let etcd_ports = [ReservedPort::new()?, ReservedPort::new()?];
        let folder = folder("etcd")?;
        let mut command = Command::new(assets.binary("etcd")?);
        command.args(flags::etcd(folder.path(), &etcd_ports));
        let etcd = Process::start("etcd", folder, &command)?;

        let authority = Authority::new()?;
        let api_server_port = ReservedPort::new()?;
        let folder = folder_with_credentials(&authority)?;
        let mut command = Command::new(assets.binary("kube-apiserver")?);
        command.args(flags::api_server(folder.path(), &api_server_port, &etcd_ports[0], self.audit));
        command.args(self.api_server_flags);
        let api_server = Process::start("kube-apiserver", folder, &command)?;

        let server = RealServer {
            api_server,
            etcd,
            assets,
            authority,
            api_server_port,
            _etcd_ports: etcd_ports,
            kubeconfigs: AtomicU32::new(0),
            audited: self.audit,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }
}

impl RealServer {
    /// Options for a server of one's own. Starting takes seconds: most tests want [`shared`](Self::shared).
    pub fn builder() -> RealServerBuilder {
        RealServerBuilder { assets: None, api_server_flags: Vec::new(), audit: false }
    }

    /// The server, with an audit log, that all tests of this process share; started by the first who asks. Tests keep
    /// apart by [`namespace`](Self::namespace). It ends with the process. If it cannot be started, everybody gets that
    /// error at once.
    pub async fn shared() -> Result<Arc<Self>> {
        static SHARED: OnceCell<Result<Arc<RealServer>, String>> = OnceCell::const_new();
        let start = || async {
            Self::builder().audit().start().await.map(Arc::new).map_err(|error| format!("{error:#}"))
        };
        SHARED.get_or_init(start).await.clone().map_err(anyhow::Error::msg)
    }

    /// The server's address, `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.api_server_port.url("https")
    }

    /// The binaries that this server was started from; `assets().binary("kubectl")` is the kubectl of its version.
    pub fn assets(&self) -> &Assets {
        &self.assets
    }

    /// A client for a user of the group `system:masters`.
    pub async fn client(&self, user: &str) -> Result<Client> {
        Ok(Client::try_from(self.config(user).await?)?)
    }

    /// A client for a user with these groups (at most two) and no right but what RBAC gives.
    pub async fn client_for(&self, user: &str, groups: &[&str]) -> Result<Client> {
        Ok(Client::try_from(self.config_for(user, groups).await?)?)
    }

    /// A client configuration for a user of the group `system:masters`.
    pub async fn config(&self, user: &str) -> Result<Config> {
        self.config_for(user, &[MASTERS]).await
    }

    /// A client configuration for a user with these groups (at most two). Its default namespace is `default`.
    pub async fn config_for(&self, user: &str, groups: &[&str]) -> Result<Config> {
        let kubeconfig = access::parsed(access::kubeconfig(&self.url(), &self.authority, user, groups)?)?;
        Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
    }

    /// kubectl for a user of the group `system:masters`.
    pub fn kubectl(&self, user: &str) -> Result<Kubectl> {
        Kubectl::new(&self.assets, self.kubeconfig(user)?)
    }

    /// Writes a kubeconfig file for a user of the group `system:masters`. It goes with the server.
    pub fn kubeconfig(&self, user: &str) -> Result<PathBuf> {
        self.kubeconfig_for(user, &[MASTERS])
    }

    /// Writes a kubeconfig file for a user with these groups (at most two). It goes with the server.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let kubeconfig = access::kubeconfig(&self.url(), &self.authority, user, groups)?;
        let number = self.kubeconfigs.fetch_add(1, Ordering::Relaxed);
        let path = self.api_server.folder().join(format!("kubeconfig-{number}"));
        access::write_secret(&path, &kubeconfig.to_string())?;
        Ok(path)
    }

    /// Creates a namespace that is new on this server and returns its name, which begins with `prefix`.
    pub async fn namespace(&self, prefix: &str) -> Result<String> {
        namespace::create(self.client("testbed").await?, prefix).await
    }

    /// What the audit log has so far, oldest first. An error if the server was started without.
    pub fn audit_events(&self) -> Result<Vec<AuditEvent>> {
        audit::read(&self.audit_log()?)
    }

    /// The first audit event that `wanted` holds for; waits up to `within`.
    pub async fn audit_event(
        &self,
        within: Duration,
        wanted: impl Fn(&AuditEvent) -> bool,
    ) -> Result<AuditEvent> {
        audit::wait_for(&self.audit_log()?, within, wanted).await
    }

    /// The process of kube-apiserver: its log, its usage.
    pub fn api_server(&self) -> &Process {
        &self.api_server
    }

    /// The process of etcd.
    pub fn etcd(&self) -> &Process {
        &self.etcd
    }

    fn audit_log(&self) -> Result<PathBuf> {
        if !self.audited {
            bail!("this server has no audit log: start it with RealServer::builder().audit()");
        }
        Ok(flags::audit_log(self.api_server.folder()))
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let client = self.client("testbed").await?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            self.etcd().check()?;
            self.api_server.check()?;
            let Err(reason) = ready(&client).await else { return Ok(()) };
            if Instant::now() >= deadline {
                let logs = [self.etcd().log_tail(20), self.api_server.log_tail(40)].join("\n");
                return Err(
                    reason.context(format!("kube-apiserver is not ready after {READY_WITHIN:?}\n{logs}"))
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Ready, and with the namespace that the server makes for everybody shortly after it says so.
async fn ready(client: &Client) -> Result<()> {
    let request = Request::get("/readyz").body(kube::client::Body::empty())?;
    let response = client.send(request).await?;
    if response.status() != StatusCode::OK {
        bail!("/readyz answers {}", response.status());
    }
    Api::<Namespace>::all(client.clone()).get("default").await.context("namespace default")?;
    Ok(())
}

fn folder(name: &str) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix(&format!("kontext-testbed-{name}-")).tempdir();
    folder.with_context(|| format!("make a folder for {name}"))
}

/// The folder of kube-apiserver with the files that its flags name.
fn folder_with_credentials(authority: &Authority) -> Result<TempDir> {
    let folder = folder("kube-apiserver")?;
    let write = |name: &str, text: &str| access::write_secret(&folder.path().join(name), text);
    let serving = authority.server()?;
    write(flags::AUTHORITY, authority.certificate())?;
    write(flags::SERVING_CERTIFICATE, &serving.certificate)?;
    write(flags::SERVING_KEY, &serving.key)?;
    let (signing, verifying) = crate::pki::service_account_key()?;
    write(flags::TOKEN_SIGNING_KEY, &signing)?;
    write(flags::TOKEN_VERIFYING_KEY, &verifying)?;
    write(flags::AUDIT_POLICY, audit::POLICY)?;
    Ok(folder)
}
