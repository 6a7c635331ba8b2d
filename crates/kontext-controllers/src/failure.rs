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
    /// 422: also the answer where a uid given as precondition is not the object's.
    Invalid,
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

impl Failure {
    /// Several failures as one, as upstream words it; success where there is none.
    pub(crate) fn all(mut failures: Vec<Self>) -> Result<(), Self> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => {
                let texts: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
                Err(Self::new(FailureKind::Other, format!("[{}]", texts.join(", "))))
            }
        }
    }

    /// The object is gone, or another one stands under its name: there is nothing left to let go.
    pub(crate) fn is_gone_or_invalid(&self) -> bool {
        matches!(self.kind, FailureKind::NotFound | FailureKind::Invalid)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
