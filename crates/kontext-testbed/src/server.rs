//! One face for the servers that a scenario runs on.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use kube::{Client, Config};

use crate::{InMemoryServer, RealServer};

/// The server of a scenario that must hold on both; see [`on_both_servers!`](crate::on_both_servers).
#[derive(Clone)]
#[non_exhaustive]
pub enum Server {
    /// The in-memory API server.
    InMemory(Arc<InMemoryServer>),
    /// Upstream's kube-apiserver.
    Real(Arc<RealServer>),
}

impl Server {
    /// A client for a user who may do everything.
    pub async fn client(&self, user: &str) -> Result<Client> {
        match self {
            Self::InMemory(server) => server.client(user).await,
            Self::Real(server) => server.client(user).await,
        }
    }

    /// A client configuration for a user who may do everything.
    pub async fn config(&self, user: &str) -> Result<Config> {
        match self {
            Self::InMemory(server) => server.config(user).await,
            Self::Real(server) => server.config(user).await,
        }
    }

    /// Writes a kubeconfig file for a user who may do everything: for kubectl and other programs.
    pub async fn kubeconfig(&self, user: &str) -> Result<PathBuf> {
        match self {
            Self::InMemory(server) => server.kubeconfig(user),
            Self::Real(server) => server.kubeconfig(user),
        }
    }

    /// Creates a namespace that is new on this server and returns its name, which begins with `prefix`.
    pub async fn namespace(&self, prefix: &str) -> Result<String> {
        crate::namespace::create(self.client("testbed").await?, prefix).await
    }

    /// The real server, for what only that has (the audit log); `None` on the in-memory one.
    pub fn real(&self) -> Option<&RealServer> {
        match self {
            Self::Real(server) => Some(server),
            Self::InMemory(_) => None,
        }
    }

    /// The in-memory server, for what only that has (its request log, its faults); `None` on the real one.
    pub fn in_memory(&self) -> Option<&kontext_apiserver::ApiServer> {
        match self {
            Self::InMemory(server) => Some(server.server()),
            Self::Real(_) => None,
        }
    }
}
