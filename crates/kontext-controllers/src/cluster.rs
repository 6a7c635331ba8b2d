//! The only place of the loops that calls the API server; Events aside, which the recorder sends within a context too. Every call is made within an action or a context, so a
//! call without deadline, cancellation and headers cannot be written.

use http::Request;
use kontext::{Action, CallError, Context, client::UnboundError, informer::Resource};
use kube::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Failure, FailureKind, model::ResourceVersion};

/// The API server as one loop sees it.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
    manager: &'static str,
}

/// Which object, or which collection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    /// Its resource.
    pub(crate) resource: Resource,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// Its name; empty for the collection.
    pub(crate) name: &'a str,
    /// `status`; empty for the object itself.
    pub(crate) subresource: &'static str,
}

impl<'a> At<'a> {
    /// A collection.
    pub(crate) fn collection(resource: Resource, namespace: &'a str) -> Self {
        Self { resource, namespace, name: "", subresource: "" }
    }

    /// An object.
    pub(crate) fn object(resource: Resource, namespace: &'a str, name: &'a str) -> Self {
        Self { resource, namespace, name, subresource: "" }
    }

    /// The status of an object.
    pub(crate) fn status(resource: Resource, namespace: &'a str, name: &'a str) -> Self {
        Self { resource, namespace, name, subresource: "status" }
    }

    fn path(&self) -> String {
        let mut path = self.resource.path(Some(self.namespace));
        for part in [self.name, self.subresource].into_iter().filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
        }
        path
    }
}

/// The little that is read of what a pod create answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Written {
    /// Its metadata.
    pub(crate) metadata: WrittenMeta,
}

/// Metadata of what was written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenMeta {
    /// The name that it has now.
    pub(crate) name: String,
    /// The version that the cache has to reach.
    pub(crate) resource_version: String,
}

impl Written {
    /// The version that the cache has to reach.
    pub(crate) fn version(&self) -> ResourceVersion {
        ResourceVersion::new(&self.metadata.resource_version)
    }
}

/// What a live list says of the pods in it.
#[derive(Debug, Deserialize)]
pub(crate) struct LivePods {
    /// The list's own metadata.
    pub(crate) metadata: LivePodsMeta,
    /// The pods.
    #[serde(default)]
    pub(crate) items: Vec<crate::model::Pod>,
}

/// Metadata of a live list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LivePodsMeta {
    /// The version at which the list holds.
    pub(crate) resource_version: String,
}

impl Cluster {
    /// The API server behind `client`; writes are recorded in `managedFields` as `manager`'s.
    pub(crate) fn new(client: Client, manager: &'static str) -> Self {
        Self { client, manager }
    }

    /// POST.
    pub(crate) async fn create<K: DeserializeOwned>(
        &self,
        action: &Action,
        at: At<'_>,
        body: &Value,
    ) -> Result<K, Failure> {
        let request = self.write("POST", at, "application/json", body)?;
        action.call(self.client.request::<K>(request)).await.map_err(failure)
    }

    /// PUT. The body holds the resource version that was read.
    pub(crate) async fn replace<K: DeserializeOwned>(
        &self,
        action: &Action,
        at: At<'_>,
        body: &Value,
    ) -> Result<K, Failure> {
        let request = self.write("PUT", at, "application/json", body)?;
        action.call(self.client.request::<K>(request)).await.map_err(failure)
    }

    /// PATCH by strategic merge.
    pub(crate) async fn patch(&self, action: &Action, at: At<'_>, body: &Value) -> Result<Written, Failure> {
        let request = self.write("PATCH", at, "application/strategic-merge-patch+json", body)?;
        action.call(self.client.request(request)).await.map_err(failure)
    }

    /// DELETE with the server's defaults. NotFound is a failure of that kind; most callers take it for success.
    pub(crate) async fn delete(&self, action: &Action, at: At<'_>) -> Result<(), Failure> {
        let request = Request::delete(at.path()).body(Vec::new()).map_err(|e| malformed(&e))?;
        action.call(self.client.request_text(request)).await.map(drop).map_err(failure)
    }

    /// GET from the server itself, not from a cache.
    pub(crate) async fn fetch<K: DeserializeOwned>(
        &self,
        context: &Context,
        at: At<'_>,
    ) -> Result<K, Failure> {
        let request = Request::get(at.path()).body(Vec::new()).map_err(|e| malformed(&e))?;
        context.call(self.client.request::<K>(request)).await.map_err(failure)
    }

    /// All pods of a namespace as they are now, by a consistent read. Without a selector: a pod that we created may
    /// have lost its labels since.
    pub(crate) async fn live_pods(&self, context: &Context, namespace: &str) -> Result<LivePods, Failure> {
        let path = At::collection(crate::informers::PODS, namespace).path();
        let request = Request::get(path).body(Vec::new()).map_err(|e| malformed(&e))?;
        context.call(self.client.request(request)).await.map_err(failure)
    }

    fn write(
        &self,
        method: &str,
        at: At<'_>,
        content_type: &str,
        body: &Value,
    ) -> Result<Request<Vec<u8>>, Failure> {
        let body = serde_json::to_vec(body).map_err(|e| malformed(&e))?;
        Request::builder()
            .method(method)
            .uri(format!("{}?fieldManager={}", at.path(), self.manager))
            .header(http::header::CONTENT_TYPE, content_type)
            .body(body)
            .map_err(|e| malformed(&e))
    }
}

fn malformed(error: &dyn std::error::Error) -> Failure {
    Failure::new(FailureKind::Other, format!("the request cannot be made: {error}"))
}

/// What the loops tell apart of an error.
fn failure(error: CallError<kube::Error>) -> Failure {
    let kind = match &error {
        CallError::Call(kube::Error::Api(status)) => match (status.code, status.reason.as_str()) {
            (409, "AlreadyExists") => FailureKind::AlreadyExists,
            (409, "Conflict") => FailureKind::Conflict,
            (404, _) => FailureKind::NotFound,
            (422, _) => FailureKind::Invalid,
            (403, _) if is_namespace_terminating(status) => FailureKind::NamespaceTerminating,
            (504, _) | (_, "Timeout") => FailureKind::Uncertain,
            _ => FailureKind::Other,
        },
        CallError::Call(kube::Error::Service(error)) if was_never_sent(&**error) => FailureKind::Other,
        // The request may have reached the server, and the answer was lost.
        CallError::Call(
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_),
        ) => FailureKind::Uncertain,
        // The server did the work, and answered what cannot be read.
        CallError::Call(kube::Error::SerdeError(_) | kube::Error::FromUtf8(_)) => FailureKind::Uncertain,
        CallError::DeadlineExceeded { .. } | CallError::Cancelled { .. } => FailureKind::Uncertain,
        _ => FailureKind::Other,
    };
    let message = match error {
        // The server's sentence alone, as upstream puts it into conditions and Events.
        CallError::Call(kube::Error::Api(status)) => status.message,
        other => other.to_string(),
    };
    Failure::new(kind, message)
}

/// No connection came about, or our own client refused the request: the server cannot have done anything.
fn was_never_sent(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let connecting = error.downcast_ref::<hyper_util::client::legacy::Error>();
        if connecting.is_some_and(hyper_util::client::legacy::Error::is_connect) || error.is::<UnboundError>()
        {
            return true;
        }
        next = error.source();
    }
    false
}

fn is_namespace_terminating(status: &kube::core::Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}
