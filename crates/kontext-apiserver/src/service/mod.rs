//! The API as a tower service: from a request to an answer.
//!
//! The way of a request: who asks (`auth`), what for (`route`), does a fault strike (`crate::faults`), read the body,
//! do it (`read`, `write`, `subresource`, `crate::watch`, `crate::discovery`), write it down (`crate::record`).

mod admission;
mod auth;
pub(crate) mod call;
mod certificate;
mod handle;
mod list_options;
pub(crate) mod negotiate;
pub(crate) mod options;
pub(crate) mod read;
pub(crate) mod reviews;
pub(crate) mod route;
mod subresource;
pub(crate) mod warnings;
mod write;

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use futures::future::BoxFuture;
use http::{Request, Response};
use tower::Service;

use crate::body::{Body, Reset};
use crate::server::Shared;

pub use auth::User;
pub(crate) use call::{Call, Reply};
pub(crate) use warnings::Warnings;
pub(crate) use write::{Prepared, mark_or_remove, prepare_update, with_defaults};

/// The API server as a [`tower::Service`]. Cheap to clone.
///
/// A [`User`] in the request's extensions says who asks; without one, the bearer token of the `Authorization` header
/// does. The only error is [`Reset`]: an injected fault that cuts the connection.
#[derive(Clone)]
pub struct ApiService {
    shared: Arc<Shared>,
}

impl ApiService {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl std::fmt::Debug for ApiService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiService").finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for ApiService
where
    B: http_body::Body + Send + 'static,
    B::Data: Buf + Send,
    B::Error: std::fmt::Display + Send,
{
    type Response = Response<Body>;
    type Error = Reset;
    type Future = BoxFuture<'static, Result<Response<Body>, Reset>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Reset>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = self.shared.clone();
        Box::pin(async move { handle::handle(&shared, request).await })
    }
}
