//! The request log: who asked for what, and whether it changed anything.

mod log;
mod packed;

use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::service::Reply;
use crate::service::User;
use crate::service::route::{Query, Route};

pub(crate) use log::RequestLog;

/// One request that the server has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// When the request came.
    pub time: Timestamp,
    /// Who asked; empty where an invalid token was sent.
    pub user: String,
    /// The whole `User-Agent` header.
    pub user_agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`; for paths that are no
    /// resource the HTTP method in lower case.
    pub verb: String,
    /// The path without the query.
    pub path: String,
    /// API group; empty for the core group.
    pub group: String,
    /// Plural name of the resource; empty for paths that are none.
    pub resource: String,
    /// `status`, `scale`, ...; empty for the object itself.
    pub subresource: String,
    /// Namespace in the path.
    pub namespace: String,
    /// Name in the path; after a create that of the object that was made.
    pub name: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Whether something was written. A write that came to what was stored already changes nothing.
    pub changed: bool,
    /// Whether the request was a dry run.
    pub dry_run: bool,
    /// The field manager that a write was made under, named or taken from the User-Agent.
    pub field_manager: String,
    /// The body's media type.
    pub content_type: String,
    /// Whether an injected fault cut the connection, so that the client saw no answer.
    pub reset: bool,
    /// The injected faults that struck the request.
    pub faults: Vec<String>,
    /// The `traceparent` header.
    pub traceparent: Option<String>,
    /// The `tracestate` header.
    pub tracestate: Option<String>,
    /// The `baggage` header.
    pub baggage: Option<String>,
    /// The audit id: the request's own, or the one that the server gave it.
    pub audit_id: String,
}

impl RequestRecord {
    /// Whether the request asked for a write, be it that it changed nothing.
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    pub(crate) fn new(
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        audit_id: String,
        time: Timestamp,
    ) -> Self {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Self {
            time,
            verb: method.as_str().to_ascii_lowercase(),
            path: path.to_owned(),
            user_agent: header("user-agent").unwrap_or_default(),
            content_type: header("content-type").unwrap_or_default(),
            traceparent: header("traceparent"),
            tracestate: header("tracestate"),
            baggage: header("baggage"),
            audit_id,
            ..Self::default()
        }
    }

    pub(crate) fn asked(&mut self, user: &User, route: &Route, query: &Query, field_manager: &str) {
        self.user.clone_from(&user.name);
        let Route::Resource(target) = route else { return };
        target.verb.as_str().clone_into(&mut self.verb);
        self.group.clone_from(&target.resource.group);
        self.resource.clone_from(&target.resource.plural);
        self.subresource.clone_from(&target.subresource);
        self.namespace.clone_from(&target.namespace);
        self.name.clone_from(&target.name);
        self.dry_run = query.value("dryRun").is_some();
        if self.is_write() {
            field_manager.clone_into(&mut self.field_manager);
        }
    }

    pub(crate) fn answered(&mut self, reply: &Reply, reset: bool) {
        self.status = reply.status.as_u16();
        self.changed = reply.changed;
        self.reset = reset;
        if let Some(name) = &reply.created {
            self.name.clone_from(name);
        }
    }
}
