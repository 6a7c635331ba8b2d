//! The answer to come.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use tower::BoxError;

use super::response::ResponseBody;

/// The answer of a [`ContextService`](super::ContextService).
///
/// It reads the bound context when it is first polled, not when it is made: `kube::Client` has a buffer outside, so
/// the service is called on a task of its own, and only this future runs where the request was made.
pub struct ResponseFuture<B> {
    inner: Pin<Box<dyn Future<Output = Answer<B>> + Send>>,
}

type Answer<B> = Result<Response<ResponseBody<B>>, BoxError>;

impl<B> ResponseFuture<B> {
    pub(super) fn new(inner: impl Future<Output = Answer<B>> + Send + 'static) -> Self {
        Self { inner: Box::pin(inner) }
    }
}

impl<B> Future for ResponseFuture<B> {
    type Output = Result<Response<ResponseBody<B>>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl<B> fmt::Debug for ResponseFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
