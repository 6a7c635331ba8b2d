//! What all contexts of one reconcile share.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use parking_lot::Mutex;
use tracing::Span;

use crate::{
    baggage::Baggage,
    cause::CauseSet,
    object::ObjectRef,
    origin::Origin,
    policy::{Policy, Relation},
    stamp::Stamped,
    telemetry::{OpenSpan, ReconcileStart, Telemetry},
    trace::{Traceparent, Tracestate},
};

/// A controller, as logs and stamps name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// `replicaset-controller`.
    pub name: Box<str>,
    /// API group of the kind it reconciles.
    pub group: Box<str>,
    /// The kind it reconciles.
    pub kind: Box<str>,
}

impl Controller {
    /// A controller by its name and the kind that it reconciles.
    pub fn new(name: &str, group: &str, kind: &str) -> Self {
        Self { name: name.into(), group: group.into(), kind: kind.into() }
    }
}

/// The standing wish: who wrote the spec of the reconciled object as it is now.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Where the chain to that write began.
    pub origin: Origin,
    /// The stamp of that write, where it has one.
    pub stamped: Option<Arc<Stamped>>,
}

pub(crate) struct Reconcile {
    pub(crate) controller: Arc<Controller>,
    pub(crate) object: ObjectRef,
    pub(crate) id: Box<str>,
    pub(crate) causes: CauseSet,
    pub(crate) intent: Option<Intent>,
    pub(crate) baggage: Baggage,
    pub(crate) tracestate: Option<Tracestate>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) telemetry: Arc<dyn Telemetry>,
    /// The ids of requests made before there is a span, and of all where nobody listens.
    pub(crate) own: Traceparent,
    pub(crate) opened: Mutex<Opened>,
    pub(crate) requests: AtomicU32,
}

/// The span of a reconcile: opened by its first action, closed at its end, whoever still holds the context then.
#[derive(Debug, Default)]
pub(crate) enum Opened {
    #[default]
    NotYet,
    Open(OpenSpan),
    Closed(Option<Traceparent>),
}

impl Opened {
    fn traceparent(&self) -> Option<Traceparent> {
        match self {
            Self::NotYet => None,
            Self::Open(opened) => opened.traceparent,
            Self::Closed(traceparent) => *traceparent,
        }
    }
}

impl Reconcile {
    pub(crate) fn open(&self) -> Span {
        let mut state = self.opened.lock();
        match &*state {
            Opened::Open(opened) => opened.span.clone(),
            Opened::Closed(_) => Span::none(),
            Opened::NotYet => {
                let opened = self.telemetry.open_reconcile(ReconcileStart {
                    controller: &self.controller,
                    object: &self.object,
                    id: &self.id,
                    causes: &self.causes,
                    relation: self.policy.relation(),
                });
                let traceparent = opened.traceparent.unwrap_or(self.own);
                if !opened.span.is_disabled() {
                    opened.span.record("trace_id", tracing::field::display(traceparent.trace_id));
                    opened.span.record("span_id", tracing::field::display(traceparent.span_id));
                }
                let span = opened.span.clone();
                *state = Opened::Open(opened);
                span
            }
        }
    }

    pub(crate) fn close(&self) {
        let mut state = self.opened.lock();
        let traceparent = state.traceparent();
        *state = Opened::Closed(traceparent);
    }

    pub(crate) fn span(&self) -> Span {
        match &*self.opened.lock() {
            Opened::Open(opened) => opened.span.clone(),
            Opened::NotYet | Opened::Closed(_) => Span::none(),
        }
    }

    pub(crate) fn traceparent(&self) -> Traceparent {
        self.opened.lock().traceparent().unwrap_or(self.own)
    }

    pub(crate) fn next_request(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }
}

/// The ids of a reconcile that no exporter gives any: a new root, or in parent mode a child of the heaviest cause.
pub(crate) fn own_ids(causes: &CauseSet, relation: Relation) -> Traceparent {
    let mut rng = rand::rng();
    let parent = (relation == Relation::Parent)
        .then(|| causes.by_weight().into_iter().find_map(crate::cause::Cause::traceparent))
        .flatten();
    match parent {
        // The flag of a cause says that somebody else recorded it; nothing here does.
        Some(parent) => {
            let child = parent.child(&mut rng);
            Traceparent { flags: child.flags.without(crate::trace::TraceFlags::SAMPLED), ..child }
        }
        None => Traceparent::random(&mut rng),
    }
}
