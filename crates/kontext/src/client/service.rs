//! The service: headers for every request, then the way of a write.

use std::{
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use kontext_core::{Context, Counted};
use kube::client::Body;
use tower::{BoxError, Service};

use super::{
    Unbound,
    error::UnboundError,
    future::ResponseFuture,
    headers,
    layer::State,
    request::{ResourceRequest, Verb, is_json},
    response::ResponseBody,
    shared::Shared,
    write,
};

/// Gives requests the headers and stamps of the context bound where their future runs; see [`ContextLayer`](super::ContextLayer).
pub struct ContextService<S> {
    pub(super) inner: Shared<S>,
    pub(super) state: Arc<State>,
}

impl<S> Clone for ContextService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), state: Arc::clone(&self.state) }
    }
}

impl<S> std::fmt::Debug for ContextService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContextService").finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<Body>> for ContextService<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = BoxError;
    type Future = ResponseFuture<B>;

    /// Always ready: readiness of the inner service is awaited by the future.
    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture<B> {
        let Self { inner, state } = self.clone();
        ResponseFuture::new(async move {
            if !state.policy.is_on() {
                return passed(inner.call(request).await);
            }
            match Context::try_current() {
                // The way of a bound request is boxed on its own, so that others do not pay for its size.
                Ok(context) => Box::pin(bound(inner, state, context, request)).await,
                Err(_) => {
                    unbound(&state, &request)?;
                    passed(inner.call(request).await)
                }
            }
        })
    }
}

fn passed<B>(
    answer: Result<Response<B>, impl Into<BoxError>>,
) -> Result<Response<ResponseBody<B>>, BoxError> {
    answer.map(|answer| answer.map(ResponseBody::passed)).map_err(Into::into)
}

/// Counts or refuses a request without context. Watches outlive every context and need none.
fn unbound(state: &State, request: &Request<Body>) -> Result<(), UnboundError> {
    let uri = request.uri();
    let says_watch = uri.query().unwrap_or_default().contains("watch") || uri.path().contains("/watch/");
    let is_watch = || {
        ResourceRequest::parse(request.method(), uri, request.headers())
            .is_some_and(|parsed| parsed.is_watch())
    };
    if says_watch && is_watch() {
        return Ok(());
    }
    state.count(None, Counted::Unbound);
    match state.unbound {
        Unbound::Allow => Ok(()),
        Unbound::Reject => {
            Err(UnboundError { method: request.method().clone(), path: request.uri().path().into() })
        }
    }
}

async fn bound<S, B>(
    inner: Shared<S>,
    state: Arc<State>,
    context: Context,
    mut request: Request<Body>,
) -> Result<Response<ResponseBody<B>>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // An Audit-ID that the caller gave is the caller's, so a GET of ours must not use it again.
    let audit_id_is_ours = !request.headers().contains_key(headers::AUDIT_ID);
    if let Some(own) = state.policy.headers(&context) {
        headers::insert(request.headers_mut(), &own);
    }
    // Bodies that stream cannot be kept or sent again; none of kube's are.
    let (parts, body) = request.into_parts();
    let parsed = ResourceRequest::parse(&parts.method, &parts.uri, &parts.headers);
    let remembers = parsed.as_ref().is_some_and(|parsed| answers_object(parsed, state.answers));
    let body = match &parsed {
        Some(parsed) if write::kind(parsed.verb).is_some() => {
            let write =
                write::Write { inner: &inner, state: &state, context: &context, parsed, parts: &parts };
            write.stamped(body, audit_id_is_ours).await
        }
        _ => body,
    };
    let answer = inner.call(Request::from_parts(parts, body)).await.map_err(Into::into)?;
    let remembers = remembers && answer.status().is_success() && is_json(answer.headers());
    let responses = Arc::clone(&state.responses);
    Ok(answer.map(|body| {
        if remembers { ResponseBody::remembered(body, responses) } else { ResponseBody::passed(body) }
    }))
}

/// Whether the answer is an object from which a later write may be made.
fn answers_object(request: &ResourceRequest<'_>, kept: Option<&[&str]>) -> bool {
    kept.is_none_or(|kept| kept.contains(&request.resource))
        && matches!(request.verb, Verb::Get | Verb::Create | Verb::Update | Verb::Patch(_))
        && matches!(request.subresource, None | Some("status"))
        && request.group != "coordination.k8s.io"
        && !request.dry_run
}
