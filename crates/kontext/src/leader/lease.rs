//! Requests for the one `Lease`.

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, api::PostParams};
use tokio::time::timeout;

/// Which `Lease` the candidates compete for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaseError {
    #[error("somebody else wrote the lease")]
    Conflict,
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Api(kube::Error),
}

impl LeaseError {
    /// Whether it is certain that nothing was written.
    pub(super) fn refused(&self) -> bool {
        match self {
            Self::Conflict => true,
            Self::TimedOut(_) => false,
            Self::Api(kube::Error::Api(status)) => (400..500).contains(&status.code),
            Self::Api(_) => false,
        }
    }
}

impl From<kube::Error> for LeaseError {
    fn from(error: kube::Error) -> Self {
        match &error {
            // 409 on PUT: another resourceVersion. 409 on POST: it exists. 404 on PUT: it was deleted.
            kube::Error::Api(status) if matches!(status.code, 404 | 409) => Self::Conflict,
            _ => Self::Api(error),
        }
    }
}

/// The `Lease`, behind a client; every request is bounded in time.
pub(super) struct LeaseClient {
    api: Api<Lease>,
    name: String,
    timeout: Duration,
}

impl LeaseClient {
    pub(super) fn new(client: Client, name: &LeaseName, timeout: Duration) -> Self {
        Self { api: Api::namespaced(client, &name.namespace), name: name.name.clone(), timeout }
    }

    pub(super) async fn read(&self) -> Result<Option<Lease>, LeaseError> {
        // Its 404 says that there is no lease, or no namespace; creating it will tell.
        self.bounded(async {
            match self.api.get(&self.name).await {
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
                answer => answer.map(Some).map_err(LeaseError::Api),
            }
        })
        .await
    }

    pub(super) async fn create(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        self.bounded(async {
            self.api.create(&PostParams::default(), lease).await.map_err(|error| match &error {
                kube::Error::Api(status) if status.code == 409 => LeaseError::Conflict,
                _ => LeaseError::Api(error),
            })
        })
        .await
    }

    pub(super) async fn replace(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        self.bounded(async { Ok(self.api.replace(&self.name, &PostParams::default(), lease).await?) }).await
    }

    async fn bounded<T>(
        &self,
        request: impl Future<Output = Result<T, LeaseError>>,
    ) -> Result<T, LeaseError> {
        timeout(self.timeout, request).await.unwrap_or(Err(LeaseError::TimedOut(self.timeout)))
    }
}
