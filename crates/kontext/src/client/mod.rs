//! The client: a `kube::Client` whose requests carry the context they are made in.
//!
//! ```text
//! Action::call -> kube::Client -> ContextService -> RateLimit -> kube's default stack -> API server
//!                                  headers, stamp     one budget   retries, authorisation, TLS
//! ```
//!
//! [`ContextLayer`] reads the context that [`Action::call`](kontext_core::Action::call) or
//! [`Context::scope`](kontext_core::Context::scope) binds, in the future of the answer, and
//!
//! - gives every request `traceparent`, `tracestate`, `baggage` and `Audit-ID`, as the policy says;
//! - gives writes that change something a stamp, and keeps the live one on those that change nothing: creates, PUTs,
//!   JSON patches, merge patches, and strategic merge patches without lists beside owner references and finalizers;
//! - leaves everything else as it is. Server-side applies carry headers and no stamp: an apply that leaves out an
//!   annotation it owns removes it, so stamping them needs what was applied last.
//!
//! Whatever goes wrong within is counted and changes nothing: propagation never fails a write.
//!
//! What a write changes is a comparison with the object as it was read: known from [`KnownObjects`], from an answer
//! that passed by, or, failing both, from one GET. A body without uid was not read but made from scratch; there, what
//! is missing counts as filled in by the server. A JSON patch is stamped only where it pins the resource version.

mod builder;
mod decision;
mod error;
mod future;
mod headers;
mod known;
mod layer;
mod request;
mod response;
mod service;
pub(crate) mod shared;
mod splice;
mod stamping;
mod write;

use std::sync::Arc;

pub use builder::Builder;
pub use decision::{Decision, Effect, decide};
pub use error::UnboundError;
pub use future::ResponseFuture;
pub use known::{KnownObjects, ObjectQuery};
pub use layer::ContextLayer;
pub use request::{Patch, ResourceRequest, Verb};
pub use response::ResponseBody;
pub use service::ContextService;
pub use splice::SpliceError;

use kontext_core::Policy;

/// What becomes of a request that is made without a context, watches aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unbound {
    /// It goes without, and is counted.
    #[default]
    Allow,
    /// It fails with [`UnboundError`], so that a forgotten context shows in tests.
    Reject,
}

/// A client for the cluster of `config` with the context layer.
///
/// # Errors
///
/// Where kube cannot make a client of the configuration.
pub fn client(config: kube::Config, policy: Arc<Policy>) -> kube::Result<kube::Client> {
    Builder::new(config, policy).build()
}

/// `body`, the JSON of an object, with `annotations` set; every other byte stays as it is.
///
/// # Errors
///
/// Where the body is no JSON object, or has `metadata` or `annotations` twice.
pub fn annotate(body: &[u8], annotations: &[(&str, &str)]) -> Result<Vec<u8>, SpliceError> {
    let edits: Vec<_> = annotations.iter().map(|(key, value)| (*key, splice::Edit::Set(value))).collect();
    splice::splice(body, &splice::scan(body)?, &edits)
}
