//! Where Events are written.

use std::{error::Error, future::Future};

use kontext::Context;
use kube::{
    Client,
    core::{
        Request, Status,
        params::{Patch, PatchParams, PostParams},
    },
};
use serde_json::Value;
use thiserror::Error;

/// Takes Events of `core/v1`.
///
/// A call need not be bounded in time: the recorder drops it after a while.
pub trait EventSink: Send + Sync + 'static {
    /// Creates an Event, within `context` but whether or not that has ended.
    fn create(
        &self,
        context: &Context,
        namespace: &str,
        event: &Value,
    ) -> impl Future<Output = Result<Created, SinkError>> + Send;

    /// Changes an Event with a strategic merge patch, within `context` but whether or not that has ended.
    fn patch(
        &self,
        context: &Context,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> impl Future<Output = Result<Created, SinkError>> + Send;
}

/// An Event as it is on the server now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its name.
    pub name: String,
    /// Its resource version.
    pub resource_version: String,
}

/// Why an Event was not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// It may be written another time, and may even have been: the network, 5xx, 429.
    #[error(transparent)]
    Transient(Box<dyn Error + Send + Sync>),
    /// It would be refused another time too.
    #[error(transparent)]
    Rejected(Box<dyn Error + Send + Sync>),
    /// 409 with reason AlreadyExists.
    #[error("an Event of that name is there already")]
    AlreadyExists,
    /// 404: the Event to change, or the namespace to create it in, is not there.
    #[error("not found: {0}")]
    NotFound(Box<str>),
    /// 403 with status cause `NamespaceTerminating`.
    #[error("the namespace is being deleted")]
    NamespaceTerminating,
}

impl SinkError {
    fn of_status(status: &Status, error: impl FnOnce() -> Box<dyn Error + Send + Sync>) -> Self {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        match status.code {
            404 => Self::NotFound(status.message.as_str().into()),
            409 if status.reason == "AlreadyExists" => Self::AlreadyExists,
            403 if causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating") => {
                Self::NamespaceTerminating
            }
            429 | 500.. | 0 => Self::Transient(error()),
            _ => Self::Rejected(error()),
        }
    }
}

impl From<kube::Error> for SinkError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                Self::of_status(&status, || Box::new(kube::Error::Api(status.clone())))
            }
            // The request would be the same the next time.
            kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => Self::Rejected(Box::new(error)),
            error => Self::Transient(Box::new(error)),
        }
    }
}

/// Writes Events with a client.
#[derive(Clone)]
pub struct KubeEventSink {
    client: Client,
    manager: String,
}

impl KubeEventSink {
    /// A sink that writes as field manager `manager`.
    pub fn new(client: Client, manager: &str) -> Self {
        Self { client, manager: manager.to_owned() }
    }
}

impl EventSink for KubeEventSink {
    async fn create(&self, context: &Context, namespace: &str, event: &Value) -> Result<Created, SinkError> {
        let params = PostParams { dry_run: false, field_manager: Some(self.manager.clone()) };
        let request = events(namespace).create(&params, event.to_string().into_bytes());
        let request = request.map_err(kube::Error::BuildRequest)?;
        Ok(created(&context.scope(self.client.request(request)).await?))
    }

    async fn patch(
        &self,
        context: &Context,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Created, SinkError> {
        let params = PatchParams { field_manager: Some(self.manager.clone()), ..PatchParams::default() };
        let request = events(namespace).patch(name, &params, &Patch::Strategic(patch));
        let request = request.map_err(kube::Error::BuildRequest)?;
        Ok(created(&context.scope(self.client.request(request)).await?))
    }
}

fn events(namespace: &str) -> Request {
    Request::new(format!("/api/v1/namespaces/{namespace}/events"))
}

fn created(event: &Value) -> Created {
    let text = |field: &str| event["metadata"][field].as_str().unwrap_or_default().to_owned();
    Created { name: text("name"), resource_version: text("resourceVersion") }
}

impl std::fmt::Debug for KubeEventSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeEventSink").field("manager", &self.manager).finish_non_exhaustive()
    }
}
