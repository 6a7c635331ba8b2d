//! The in-memory server behind the face that scenarios see.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result};
use kontext_apiserver::{ApiServer, Served};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tempfile::TempDir;

/// An in-memory API server on a loopback port, so that programs as well as tests can use it.
///
/// It lives as long as the test's runtime; a server belongs to one test.
pub struct InMemoryServer {
    server: ApiServer,
    served: Served,
    folder: TempDir,
    files: AtomicU32,
}

impl InMemoryServer {
    /// Starts one.
    pub async fn start() -> Result<Arc<Self>> {
        // kube takes the process's default; a second installation says no, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = ApiServer::builder().start().await;
        let served = server.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let folder = tempfile::Builder::new().prefix("kontext-in-memory-").tempdir()?;
        Ok(Arc::new(Self { server, served, folder, files: AtomicU32::new(0) }))
    }

    /// The server itself: its request log, its faults.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// A client configuration over HTTPS.
    pub async fn config(&self, user: &str) -> Result<Config> {
        let text = self.served.kubeconfig(&[user]);
        let kubeconfig = Kubeconfig::from_yaml(&text).context("the server's own kubeconfig")?;
        Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
    }

    /// A client over HTTPS, as a program would have it.
    pub async fn client(&self, user: &str) -> Result<Client> {
        Ok(Client::try_from(self.config(user).await?)?)
    }

    /// Writes a kubeconfig file.
    pub fn kubeconfig(&self, user: &str) -> Result<PathBuf> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{user}-{number}.kubeconfig"));
        self.served.write_kubeconfig(&path, &[user])?;
        Ok(path)
    }
}
