//! Binding a context to the requests that a future makes.
//!
//! A guard would not do: two guards in one task swap their contexts under `join!`. A scoped future carries its
//! own. `tokio::spawn` does not inherit the binding; [`Context::spawn`] does.

use std::future::Future;

use thiserror::Error;
use tokio::task::JoinHandle;

use super::Context;

tokio::task_local! {
    static BOUND: Context;
}

/// No context is bound to the running future.
#[derive(Clone, Copy, Debug, Error)]
#[error("no context is bound here; make the call through Action::call, Context::call or Context::scope")]
pub struct TryCurrentError;

impl Context {
    /// Runs `future` with this context bound to every request that it makes through a client with the context layer.
    ///
    /// Neither deadline nor cancellation is enforced; [`call`](Self::call) does both.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        BOUND.scope(self.clone(), future)
    }

    /// Spawns `future` on the tokio runtime with this context bound.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(self.scope(future))
    }

    /// The context bound to the running future.
    ///
    /// # Errors
    ///
    /// Where none is bound, as after a plain `tokio::spawn`.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        BOUND.try_with(Clone::clone).map_err(|_| TryCurrentError)
    }
}
