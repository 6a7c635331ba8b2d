//! A client-side limit on requests: the token bucket that client-go's clients have (`--kube-api-qps`,
//! `--kube-api-burst`).
//!
//! Waiting is first come, first served. A request that is dropped while it waits gives its place back. A watch counts
//! as one request.

pub(crate) mod bucket;
mod future;
mod layer;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::Mutex;
use tower::Service;

use crate::client::shared::Shared;
use bucket::Bucket;
pub use future::ResponseFuture;
pub use layer::RateLimitLayer;

/// Makes requests wait until the bucket has a token for them.
#[derive(Debug)]
pub struct RateLimit<S> {
    inner: Shared<S>,
    /// `None` without limit. The lock is fair, and whoever waits for a token holds it: that is the queue.
    bucket: Option<Arc<Mutex<Bucket>>>,
}

impl<S> Clone for RateLimit<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), bucket: self.bucket.clone() }
    }
}

impl<S, R> Service<R> for RateLimit<S>
where
    S: Service<R> + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Response, S::Error>;

    /// Always ready: the token and the inner service are awaited by the future.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Self { inner, bucket } = self.clone();
        ResponseFuture::new(async move {
            if let Some(bucket) = bucket {
                bucket.lock().await.take().await;
            }
            inner.call(request).await
        })
    }
}

#[cfg(test)]
mod tests;
