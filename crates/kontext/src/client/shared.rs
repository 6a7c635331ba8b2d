//! A service that several futures call.

use std::{future::poll_fn, sync::Arc};

use tokio::sync::Mutex;
use tower::Service;

/// A service behind a lock that is held for readiness and the call, not for the answer: kube's default stack is
/// boxed and cannot be cloned.
#[derive(Debug)]
pub(crate) struct Shared<S>(Arc<Mutex<S>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Shared<S> {
    pub(crate) fn new(service: S) -> Self {
        Self(Arc::new(Mutex::new(service)))
    }

    /// Waits until the service is ready and makes the call.
    pub(crate) async fn call<R>(&self, request: R) -> Result<S::Response, S::Error>
    where
        S: Service<R>,
    {
        let answer = {
            let mut service = self.0.lock().await;
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request)
        };
        answer.await
    }
}
