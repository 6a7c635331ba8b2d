//! The way of a write: learn what it changes, decide, stamp.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts};
use http_body_util::{BodyExt, Limited};
use kontext_core::{Context, Counted, Fingerprint, Unstamped, WriteKind};
use kube::client::Body;
use serde_json::Value;
use tower::{BoxError, Service};

use super::{
    headers::{self, AUDIT_ID},
    known::ObjectQuery,
    layer::State,
    request::{Patch, ResourceRequest, Verb, is_json},
    shared::Shared,
    splice::{Scanned, scan},
    stamping::{MAX_BODY, Replaced, Stamping, Writing, created, patched, updated},
};

/// The longest object that is read to learn what a write changes.
const MAX_OBJECT: usize = 4 << 20;
/// How long that read may take: the write has to be done within the deadline of its context, whatever we would like
/// to know before.
const MAX_READ: Duration = Duration::from_secs(5);

/// The kind of write that a verb is; deletes have no body that stays.
pub(super) fn kind(verb: Verb) -> Option<WriteKind> {
    match verb {
        Verb::Create => Some(WriteKind::Create),
        Verb::Update => Some(WriteKind::Update),
        Verb::Patch(_) => Some(WriteKind::Patch),
        Verb::Get | Verb::List | Verb::Watch | Verb::Delete | Verb::DeleteCollection => None,
    }
}

/// One write on its way.
pub(super) struct Write<'a, S> {
    pub(super) inner: &'a Shared<S>,
    pub(super) state: &'a State,
    pub(super) context: &'a Context,
    pub(super) parsed: &'a ResourceRequest<'a>,
    pub(super) parts: &'a Parts,
}

impl<S, B> Write<'_, S>
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// The body to send. Whatever goes wrong is counted, and the body goes as it came.
    pub(super) async fn stamped(&self, body: Body, audit_id_is_ours: bool) -> Body {
        let Some(copy) = body.try_clone() else {
            self.count(Counted::Unstamped(Unstamped::Body));
            return body;
        };
        match self.stamping(copy, audit_id_is_ours).await {
            Ok(stamping) => {
                self.count(stamping.counted);
                Body::from(stamping.body)
            }
            Err(reason) => {
                self.count(Counted::Unstamped(reason));
                body
            }
        }
    }

    fn count(&self, counted: Counted) {
        self.state.count(Some(self.context), counted);
    }

    async fn stamping(&self, body: Body, audit_id_is_ours: bool) -> Result<Stamping, Unstamped> {
        let writing = Writing { policy: &self.state.policy, context: self.context, request: self.parsed };
        let write = kind(self.parsed.verb).ok_or(Unstamped::Body)?;
        writing.may_stamp(write)?;
        let understood = match self.parsed.verb {
            Verb::Patch(patch) => !matches!(patch, Patch::Apply | Patch::Other),
            _ => is_json(&self.parts.headers),
        };
        if !understood {
            return Err(Unstamped::Body);
        }
        let body = body.collect_bytes().await.map_err(|_| Unstamped::Body)?;
        if body.len() > MAX_BODY {
            return Err(Unstamped::TooLarge);
        }
        match self.parsed.verb {
            Verb::Patch(patch) => {
                let known = self.object(&self.query(None, None)?, audit_id_is_ours).await?;
                patched(writing, patch, &body, &known)
            }
            Verb::Update => {
                let scanned = scan(&body)?;
                self.updated(writing, &body, &scanned, audit_id_is_ours).await
            }
            _ => created(writing, &body),
        }
    }

    async fn updated(
        &self,
        writing: Writing<'_>,
        body: &Bytes,
        scanned: &Scanned<'_>,
        audit_id_is_ours: bool,
    ) -> Result<Stamping, Unstamped> {
        let query = self.query(scanned.uid.as_deref(), scanned.resource_version.as_deref())?;
        // Only a body that was read has a uid: whoever makes one from scratch at most copies the version into it.
        if query.uid.is_none() || query.resource_version.is_none() {
            let live = self.object(&query, audit_id_is_ours).await?;
            return updated(writing, body, scanned, Replaced::Live(&live));
        }
        if let Some(known) = self.state.known.as_ref().and_then(|known| known.as_read(&query))
            && query.fits(&known)
        {
            return updated(writing, body, scanned, Replaced::Read(&known));
        }
        let json = match self.state.responses.find(query.uid, query.resource_version) {
            Some(json) => json,
            None => self.read(audit_id_is_ours).await?,
        };
        let known = fingerprint(&json)?;
        // Of another version the write will be refused; there is nothing to learn from it.
        if !query.fits(&known) {
            return Err(Unstamped::Unknown);
        }
        updated(writing, body, scanned, Replaced::Read(&known))
    }

    fn query<'q>(
        &'q self,
        uid: Option<&'q str>,
        resource_version: Option<&'q str>,
    ) -> Result<ObjectQuery<'q>, Unstamped> {
        Ok(ObjectQuery {
            group: self.parsed.group,
            resource: self.parsed.resource,
            namespace: self.parsed.namespace.as_deref(),
            name: self.parsed.name.as_deref().ok_or(Unstamped::Body)?,
            uid,
            resource_version,
        })
    }

    /// The whole object that this write changes.
    async fn object(&self, query: &ObjectQuery<'_>, audit_id_is_ours: bool) -> Result<Value, Unstamped> {
        let json = match self.state.known.as_ref().and_then(|known| known.json(query)) {
            Some(json) => json,
            None => self.read(audit_id_is_ours).await?,
        };
        let object: Value = serde_json::from_slice(&json).map_err(|_| Unstamped::Unknown)?;
        let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        if query.resource_version.is_some_and(|wanted| version != Some(wanted)) {
            return Err(Unstamped::Unknown);
        }
        Ok(object)
    }

    /// Reads the object that this write changes from the API server.
    async fn read(&self, audit_id_is_ours: bool) -> Result<Bytes, Unstamped> {
        let (group, resource) = (self.parsed.group, self.parsed.resource);
        let namespace = self.parsed.namespace.as_deref();
        if self.state.forbidden.contains(group, resource, namespace) {
            return Err(Unstamped::Unknown);
        }
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = without_query(&self.parts.uri).ok_or(Unstamped::Unknown)?;
        // All headers of the write, for instance those of impersonation, but for what describes its body.
        let map = request.headers_mut();
        map.clone_from(&self.parts.headers);
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
            map.remove(name);
        }
        map.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if audit_id_is_ours {
            map.remove(AUDIT_ID);
            if let Some(own) = self.state.policy.headers(self.context) {
                headers::insert(map, &own);
            }
        }
        self.count(Counted::LookedUp);
        tokio::time::timeout(MAX_READ, self.answer(request)).await.map_err(|_| Unstamped::Unknown)?
    }

    async fn answer(&self, request: Request<Body>) -> Result<Bytes, Unstamped> {
        let answer = self.inner.call(request).await.map_err(|_| Unstamped::Unknown)?;
        if answer.status() == StatusCode::FORBIDDEN {
            let namespace = self.parsed.namespace.as_deref();
            self.state.forbidden.record(self.parsed.group, self.parsed.resource, namespace);
        }
        if answer.status() != StatusCode::OK {
            return Err(Unstamped::Unknown);
        }
        let body = Limited::new(answer.into_body(), MAX_OBJECT).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|_| Unstamped::Unknown)
    }
}

fn fingerprint(json: &Bytes) -> Result<Fingerprint, Unstamped> {
    let text = std::str::from_utf8(json).map_err(|_| Unstamped::Unknown)?;
    Fingerprint::of_json(text).map_err(|_| Unstamped::Unknown)
}

fn without_query(uri: &Uri) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let path: Cow<'_, str> = uri.path().into();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}
