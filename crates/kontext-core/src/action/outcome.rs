//! How an action ended.

use std::fmt;

/// How an action ended; every action has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The call that ended last succeeded, or it was ended without any call.
    Completed,
    /// A call failed.
    Failed(Box<str>),
    /// The deadline came first.
    TimedOut,
    /// The work was no longer wanted.
    Cancelled,
    /// The future of a call was dropped before it was done.
    Dropped,
    /// It was dropped before anything was called, as by `?`.
    Abandoned,
    /// The task panicked.
    Panicked,
}

impl Outcome {
    /// The word for metrics and spans.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Dropped => "dropped",
            Self::Abandoned => "abandoned",
            Self::Panicked => "panicked",
        }
    }

    /// Whether a span with this outcome is an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::TimedOut | Self::Panicked)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.write_str(error),
            other => f.write_str(other.as_str()),
        }
    }
}
