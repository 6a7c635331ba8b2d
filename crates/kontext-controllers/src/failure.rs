use std::fmt;

/// A write or read that failed, reduced to what the loops tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The error's text, for conditions, events and logs.
    pub message: String,
}

/// The kinds of failure that the loops tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// 409 with reason AlreadyExists.
    AlreadyExists,
    /// 404.
    NotFound,
    /// 409 with reason Conflict.
    Conflict,
    /// 403 with status cause `NamespaceTerminating`: nothing can be created here any more.
    NamespaceTerminating,
    /// A timeout, or a connection lost after the request was sent: it may have been done or not.
    Uncertain,
    /// Anything else.
    Other,
}

impl Failure {
    /// A failure of this kind.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
