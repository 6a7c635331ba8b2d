//! HTTPS around the service: certificates made at start, bearer tokens, kubeconfig files.

mod certificates;
mod kubeconfig;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use tokio::task::JoinHandle;
use tower::make::Shared as MakeShared;

use crate::server::{ApiServer, ServeError};
use certificates::Certificates;

use kubeconfig::kubeconfig_yaml;

/// How long connections may go on after a shutdown began.
const GRACE: Duration = Duration::from_secs(2);

/// A server on a port. Dropping it leaves the port served; [`Served::shutdown`] ends it.
#[derive(Debug)]
pub struct Served {
    server: ApiServer,
    address: SocketAddr,
    ca_pem: String,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

/// Puts a server onto a loopback port.
pub(crate) async fn serve(server: ApiServer, address: SocketAddr) -> Result<Served, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let bind = |source| ServeError::Bind { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let certificates = Certificates::new(&["localhost".to_owned(), bound.ip().to_string()])?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates.chain, certificates.key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let handle = Handle::new();
    let running = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config)))
        .map_err(bind)?
        .handle(handle.clone())
        .serve(MakeShared::new(server.service()));
    let task = tokio::spawn(running);
    Ok(Served { server, address: bound, ca_pem: certificates.ca_pem, handle, task })
}

impl Served {
    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The certificate of the authority that signed the server's, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A kubeconfig file with one context a user, the first one current.
    pub fn kubeconfig(&self, users: &[&str]) -> String {
        let tokens: Vec<(&str, String)> = users.iter().map(|user| (*user, self.server.token(user))).collect();
        kubeconfig_yaml(&self.url(), &self.ca_pem, &tokens)
    }

    /// Writes [`Served::kubeconfig`] to a file that only its owner can read.
    pub fn write_kubeconfig(&self, path: &Path, users: &[&str]) -> Result<(), ServeError> {
        kubeconfig::write(path, &self.kubeconfig(users))
            .map_err(|source| ServeError::kubeconfig(path, source))
    }

    /// Ends all watches, lets running requests finish, and closes the port.
    pub async fn shutdown(self) -> io::Result<()> {
        self.server.end_watches();
        self.handle.graceful_shutdown(Some(GRACE));
        match self.task.await {
            Ok(result) => result,
            Err(error) => Err(io::Error::other(error)),
        }
    }
}
