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
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::task::JoinHandle;
use tower::make::Shared as MakeShared;

use crate::server::{ApiServer, ServeError};
use certificates::{Authority, Certificates, MOST_GROUPS};

use kubeconfig::{Credentials, kubeconfig_yaml};

/// How long connections may go on after a shutdown began.
const GRACE: Duration = Duration::from_secs(2);

/// A server on a port. Dropping it leaves the port served; [`Served::shutdown`] ends it.
#[derive(Debug)]
pub struct Served {
    server: ApiServer,
    address: SocketAddr,
    ca_pem: String,
    authority: Authority,
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
        .with_client_cert_verifier(users_of(certificates.ca)?)
        .with_single_cert(certificates.chain, certificates.key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let handle = Handle::new();
    let running = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config)))
        .map_err(bind)?
        .handle(handle.clone())
        .serve(MakeShared::new(server.service()));
    let task = tokio::spawn(running);
    let (ca_pem, authority) = (certificates.ca_pem, certificates.authority);
    Ok(Served { server, address: bound, ca_pem, authority, handle, task })
}

/// Takes certificates that the server's own authority signed; clients need not have one.
fn users_of(ca: CertificateDer<'static>) -> Result<Arc<dyn ClientCertVerifier>, ServeError> {
    let mut roots = RootCertStore::empty();
    roots.add(ca)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|error| ServeError::Tls(rustls::Error::General(error.to_string())))
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
        let tokens: Vec<(&str, Credentials)> =
            users.iter().map(|user| (*user, Credentials::Token(self.server.token(user)))).collect();
        kubeconfig_yaml(&self.url(), &self.ca_pem, &tokens)
    }

    /// A kubeconfig file for one user who authenticates by a certificate of the server's own authority; requests come
    /// from `user` in these groups, of which there can be two.
    pub fn kubeconfig_with_certificate(&self, user: &str, groups: &[&str]) -> Result<String, ServeError> {
        if groups.len() > MOST_GROUPS {
            return Err(ServeError::TooManyGroups { user: user.to_owned(), groups: groups.len() });
        }
        let (certificate, key) = self.authority.user(user, groups)?;
        Ok(kubeconfig_yaml(
            &self.url(),
            &self.ca_pem,
            &[(user, Credentials::Certificate { certificate, key })],
        ))
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
