//! Calls: futures bound to a context, ended by its deadline and its cancellation.

use std::{fmt::Display, future::Future};

use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

use super::{Action, CallError, Outcome, State};
use crate::context::Context;

impl Action {
    /// Makes a call within this action: its requests carry the action's headers and stamp, the earlier of the
    /// context's deadline and the policy's call timeout covers it with all its retries, and cancellation drops it.
    ///
    /// # Errors
    ///
    /// The call's own error, or that the context ended it.
    pub async fn call<T, E: Display>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError<E>> {
        *self.state.lock() = State::Calling;
        let result = self.context.call(call).await;
        let outcome = match &result {
            Ok(_) => Outcome::Completed,
            Err(CallError::Call(error)) => Outcome::Failed(error.to_string().into()),
            Err(CallError::DeadlineExceeded { .. }) => Outcome::TimedOut,
            Err(CallError::Cancelled { .. }) => Outcome::Cancelled,
        };
        *self.state.lock() = State::Called(outcome);
        result
    }
}

impl Context {
    /// Makes a call within this context, outside of any action: reads, status writes of the machinery.
    ///
    /// # Errors
    ///
    /// The call's own error, or that the context ended it.
    pub async fn call<T, E>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, CallError<E>> {
        let began = Instant::now();
        let limit = began + self.policy().call_timeout();
        let deadline = self.deadline().map_or(limit, |deadline| deadline.min(limit));
        let what = || match self.action() {
            Some(action) => (action.name.as_ref().into(), Box::new(action.subject.clone())),
            None => (self.controller().name.clone(), Box::new(self.object().clone())),
        };
        tokio::select! {
            biased;
            () = self.cancellation().cancelled() => {
                let (action, subject) = what();
                Err(CallError::Cancelled { action, subject })
            }
            result = self.scope(call.instrument(self.span())) => result.map_err(CallError::Call),
            () = sleep_until(deadline) => {
                let (action, subject) = what();
                Err(CallError::DeadlineExceeded { action, subject, after: began.elapsed() })
            }
        }
    }
}
