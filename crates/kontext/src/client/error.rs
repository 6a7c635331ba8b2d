//! What the layer itself refuses.

use http::Method;
use thiserror::Error;

/// A request without a bound context was refused ([`Unbound::Reject`](super::Unbound::Reject)).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{method} {path} has no context: make the call through Action::call or Context::call, and spawn with Context::spawn"
)]
pub struct UnboundError {
    /// The method of the request.
    pub method: Method,
    /// Its path.
    pub path: Box<str>,
}
