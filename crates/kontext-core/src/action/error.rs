//! Why a call within an action or context did not succeed.

use std::time::Duration;

use thiserror::Error;

use crate::object::ObjectRef;

/// A call that did not succeed: the call's own error, or the context ended it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The call itself failed.
    #[error(transparent)]
    Call(E),
    /// The context's deadline came before the answer; whether the server did the work is not known.
    #[error("{action} for {subject}: no answer within {after:?}")]
    DeadlineExceeded {
        /// The action, or the controller where there was none.
        action: Box<str>,
        /// The object acted for.
        subject: Box<ObjectRef>,
        /// How long the call was waited for.
        after: Duration,
    },
    /// The context was cancelled before the answer; whether the server did the work is not known.
    #[error("{action} for {subject}: cancelled")]
    Cancelled {
        /// The action, or the controller where there was none.
        action: Box<str>,
        /// The object acted for.
        subject: Box<ObjectRef>,
    },
}

impl<E> CallError<E> {
    /// The call's own error.
    pub fn call(&self) -> Option<&E> {
        match self {
            Self::Call(error) => Some(error),
            Self::DeadlineExceeded { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// Whether the context was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }

    /// Whether the deadline came first.
    pub fn is_deadline_exceeded(&self) -> bool {
        matches!(self, Self::DeadlineExceeded { .. })
    }
}
