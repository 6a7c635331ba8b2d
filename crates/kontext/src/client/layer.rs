//! The layer.

use std::{fmt, sync::Arc};

use kontext_core::{Counted, Policy, Telemetry};
use tower::Layer;

use super::{
    Unbound,
    known::{Forbidden, KnownObjects, Responses},
    service::ContextService,
    shared::Shared,
};

/// Gives every request the headers, and every write the stamp, of the context that is bound where its future runs.
///
/// Add it with [`kube::client::ClientBuilder::with_layer`], or let [`client`](super::client) do it.
#[derive(Clone)]
pub struct ContextLayer {
    state: Arc<State>,
}

/// What all services of one layer share.
#[derive(Clone)]
pub(super) struct State {
    pub(super) policy: Arc<Policy>,
    pub(super) telemetry: Option<Arc<dyn Telemetry>>,
    pub(super) known: Option<Arc<dyn KnownObjects>>,
    pub(super) unbound: Unbound,
    /// Plural names of the resources whose answers are kept; all where `None`.
    pub(super) answers: Option<&'static [&'static str]>,
    pub(super) responses: Arc<Responses>,
    pub(super) forbidden: Arc<Forbidden>,
}

impl State {
    /// Counts for whoever listens: the layer's telemetry where it has one, else the context's.
    pub(super) fn count(&self, context: Option<&kontext_core::Context>, counted: Counted) {
        if let Some(telemetry) =
            self.telemetry.as_ref().or_else(|| context.map(kontext_core::Context::telemetry))
        {
            telemetry.count(counted, 1);
        }
    }
}

impl ContextLayer {
    /// A layer for `policy`: nothing known of objects, requests without context allowed.
    pub fn new(policy: Arc<Policy>) -> Self {
        let state = State {
            policy,
            telemetry: None,
            known: None,
            unbound: Unbound::Allow,
            answers: None,
            responses: Arc::default(),
            forbidden: Arc::default(),
        };
        Self { state: Arc::new(state) }
    }

    /// Who counts; where not set, the telemetry of the context of each request.
    #[must_use]
    pub fn telemetry(mut self, telemetry: Arc<dyn Telemetry>) -> Self {
        Arc::make_mut(&mut self.state).telemetry = Some(telemetry);
        self
    }

    /// Objects as they were read, which saves a GET before most writes.
    #[must_use]
    pub fn known_objects(mut self, known: Arc<dyn KnownObjects>) -> Self {
        Arc::make_mut(&mut self.state).known = Some(known);
        self
    }

    /// Keeps answers of these resources only (plural names). Who writes back nothing else of what a request answered
    /// saves the memory of the others; what is not kept is read again before a write that needs it.
    #[must_use]
    pub fn answers_of(mut self, resources: &'static [&'static str]) -> Self {
        Arc::make_mut(&mut self.state).answers = Some(resources);
        self
    }

    /// What becomes of requests without context.
    #[must_use]
    pub fn unbound(mut self, unbound: Unbound) -> Self {
        Arc::make_mut(&mut self.state).unbound = unbound;
        self
    }
}

impl fmt::Debug for ContextLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextLayer")
            .field("policy", &self.state.policy)
            .field("unbound", &self.state.unbound)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = ContextService<S>;

    fn layer(&self, inner: S) -> ContextService<S> {
        ContextService { inner: Shared::new(inner), state: Arc::clone(&self.state) }
    }
}
