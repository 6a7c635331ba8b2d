//! Building the context of a reconcile.

use std::sync::{Arc, atomic::AtomicU32};

use rand::Rng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Context, Inner, Intent,
    reconcile::{Controller, Reconcile, own_ids},
};
use crate::{
    baggage::Baggage,
    cause::CauseSet,
    object::ObjectRef,
    policy::Policy,
    telemetry::{PlainSpans, Telemetry},
    trace::Tracestate,
};

/// Collects what a [`Context`] carries.
#[must_use]
pub struct ContextBuilder {
    controller: Arc<Controller>,
    object: ObjectRef,
    causes: CauseSet,
    intent: Option<Intent>,
    baggage: Baggage,
    tracestate: Option<Tracestate>,
    policy: Option<Arc<Policy>>,
    telemetry: Option<Arc<dyn Telemetry>>,
    deadline: Option<Instant>,
    cancellation: Option<CancellationToken>,
}

impl ContextBuilder {
    pub(super) fn new(controller: Arc<Controller>, object: ObjectRef) -> Self {
        Self {
            controller,
            object,
            causes: CauseSet::default(),
            intent: None,
            baggage: Baggage::default(),
            tracestate: None,
            policy: None,
            telemetry: None,
            deadline: None,
            cancellation: None,
        }
    }

    /// Everything that was observed since the reconcile before.
    pub fn causes(mut self, causes: CauseSet) -> Self {
        self.causes = causes;
        self
    }

    /// Who wrote the spec of the object as it is now.
    pub fn intent(mut self, intent: Option<Intent>) -> Self {
        self.intent = intent;
        self
    }

    /// Allow-listed baggage.
    pub fn baggage(mut self, baggage: Baggage) -> Self {
        self.baggage = baggage;
        self
    }

    /// `tracestate` to pass on.
    pub fn tracestate(mut self, tracestate: Option<Tracestate>) -> Self {
        self.tracestate = tracestate;
        self
    }

    /// What is propagated; the default policy where not set.
    pub fn policy(mut self, policy: Arc<Policy>) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Who listens; plain `tracing` spans where not set.
    pub fn telemetry(mut self, telemetry: Arc<dyn Telemetry>) -> Self {
        self.telemetry = Some(telemetry);
        self
    }

    /// When the calls of this reconcile have to be done.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Cancels the calls of this reconcile.
    pub fn cancellation(mut self, cancellation: CancellationToken) -> Self {
        self.cancellation = Some(cancellation);
        self
    }

    /// The context.
    pub fn build(self) -> Context {
        let policy = self.policy.unwrap_or_default();
        let own = own_ids(&self.causes, policy.relation());
        Context(Arc::new(Inner {
            reconcile: Arc::new(Reconcile {
                controller: self.controller,
                object: self.object,
                id: reconcile_id(),
                causes: self.causes,
                intent: self.intent,
                baggage: self.baggage,
                tracestate: self.tracestate,
                telemetry: self.telemetry.unwrap_or_else(|| Arc::new(PlainSpans)),
                policy,
                own,
                opened: parking_lot::Mutex::default(),
                requests: AtomicU32::new(0),
            }),
            action: None,
            deadline: self.deadline,
            cancellation: self.cancellation.unwrap_or_default(),
        }))
    }
}

/// A random (version 4) UUID, the form in which controller-runtime writes `reconcileID`.
fn reconcile_id() -> Box<str> {
    let mut bits: u128 = rand::rng().random();
    bits = bits & !(0xf << 76) | (0x4 << 76);
    bits = bits & !(0x3 << 62) | (0x2 << 62);
    let text = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]).into()
}
