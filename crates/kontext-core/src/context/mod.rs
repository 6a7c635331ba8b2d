//! The context of a reconcile: immutable, cheap to clone, passed first and explicitly.

mod builder;
mod reconcile;
mod scope;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

pub use builder::ContextBuilder;
pub use reconcile::{Controller, Intent};
pub use scope::TryCurrentError;

use crate::{
    action::{Action, ActionFrame},
    baggage::Baggage,
    cause::{Attribution, Cause, CauseSet, Weight},
    object::{ObjectRef, Subject},
    origin::Origin,
    policy::Policy,
    telemetry::Telemetry,
    trace::{Traceparent, Tracestate},
};
use reconcile::Reconcile;

/// Why a controller acts: causes, trace, baggage, deadline, cancellation and log fields of one reconcile.
///
/// Never branch on it: a reconciler decides from state only.
///
/// In the sketch of the KEP "Controller Context Propagation" this is the `context.Context` that
/// `wrapped.GetCtx()` gives; [`start`](Self::start) is its `StartControllerContext`, and the end of the returned
/// [`Action`] is its `endCtx`.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    reconcile: Arc<Reconcile>,
    action: Option<ActionFrame>,
    deadline: Option<Instant>,
    cancellation: CancellationToken,
}

impl Context {
    /// A context for one reconcile of `object` by `controller`.
    pub fn builder(controller: Arc<Controller>, object: ObjectRef) -> ContextBuilder {
        ContextBuilder::new(controller, object)
    }

    /// Starts an action on `subject`: one decision of the controller, such as `"replicaset.CreatePod"`.
    ///
    /// The action ends once, when it is dropped or [ended](Action::end), on every way out.
    pub fn start(&self, subject: &impl Subject, name: &'static str) -> Action {
        Action::start(self, subject.reference(), name)
    }

    /// The controller that reconciles.
    pub fn controller(&self) -> &Controller {
        &self.0.reconcile.controller
    }

    /// The object that is reconciled.
    pub fn object(&self) -> &ObjectRef {
        &self.0.reconcile.object
    }

    /// `reconcileID` of contextual logging.
    pub fn reconcile_id(&self) -> &str {
        &self.0.reconcile.id
    }

    /// Everything that was observed since the reconcile of this object before.
    pub fn causes(&self) -> &CauseSet {
        &self.0.reconcile.causes
    }

    /// Allow-listed baggage.
    pub fn baggage(&self) -> &Baggage {
        &self.0.reconcile.baggage
    }

    /// `tracestate` to pass on.
    pub fn tracestate(&self) -> Option<&Tracestate> {
        self.0.reconcile.tracestate.as_ref()
    }

    /// What is propagated.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.0.reconcile.policy
    }

    /// Who listens.
    pub fn telemetry(&self) -> &Arc<dyn Telemetry> {
        &self.0.reconcile.telemetry
    }

    /// The action that this context belongs to, if any.
    pub fn action(&self) -> Option<&ActionFrame> {
        self.0.action.as_ref()
    }

    /// The span that requests of this context belong to: the action's, or the reconcile's.
    pub fn traceparent(&self) -> Traceparent {
        match &self.0.action {
            Some(action) => action.traceparent,
            None => self.0.reconcile.traceparent(),
        }
    }

    /// The `tracing` span of this context; disabled before the first action and where nobody listens.
    pub fn span(&self) -> Span {
        match &self.0.action {
            Some(action) => action.span.clone(),
            None => self.0.reconcile.span(),
        }
    }

    /// When calls of this context have to be done.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Cancelled when the work is no longer wanted.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.0.cancellation
    }

    /// The same context with a deadline `timeout` from now, or its own where that is earlier.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let deadline = Instant::now() + timeout;
        let deadline = self.0.deadline.map_or(deadline, |own| own.min(deadline));
        Self(Arc::new(Inner { deadline: Some(deadline), ..Inner::clone(&self.0) }))
    }

    /// The same context for the work of an action.
    pub(crate) fn with_action(&self, action: ActionFrame) -> Self {
        Self(Arc::new(Inner { action: Some(action), ..Inner::clone(&self.0) }))
    }

    /// Changes the action of this context, which nobody else holds yet or which is then copied.
    pub(crate) fn action_mut(&mut self) -> Option<&mut ActionFrame> {
        Arc::make_mut(&mut self.0).action.as_mut()
    }

    /// Opens the span of the reconcile, if it is not open yet: there is work, or a failure, to tell of.
    pub(crate) fn open(&self) -> Span {
        self.0.reconcile.open()
    }

    /// Tells that the reconcile failed: opens its span if no action did, and records the error.
    pub fn failed(&self, error: &dyn std::fmt::Display) {
        let span = self.open();
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", error.to_string());
    }

    /// The reconcile is over: its span ends now, even if somebody still holds the context. The runner calls this.
    pub fn close(&self) {
        self.0.reconcile.close();
    }

    /// The same context for work that outlives the reconcile, such as sending an Event: the same ids, causes and
    /// reasons, but no span that it would keep open, no deadline, and no cancellation.
    #[must_use]
    pub fn detached(&self) -> Self {
        let mut inner = Inner::clone(&self.0);
        if let Some(action) = &mut inner.action {
            action.span = Span::none();
        }
        inner.deadline = None;
        inner.cancellation = CancellationToken::new();
        Self(Arc::new(inner))
    }

    /// The number of this request among those of the same span.
    pub(crate) fn next_request(&self) -> u32 {
        self.0.reconcile.next_request()
    }

    /// Where the chain that leads here began: the origin of the cause about the object that
    /// [decides](Action::decided_by), or else of the heaviest cause where that is a wish or a disturbance,
    /// otherwise the origin of the standing wish, the spec of the object as it is.
    pub fn origin(&self) -> Option<Origin> {
        match self.deciding()? {
            Deciding::Cause(cause) => cause.origin(),
            Deciding::Intent(intent) => Some(intent.origin.clone()),
        }
    }

    /// How many stamped actions lie between the origin and an action of this context.
    pub fn hops(&self) -> u16 {
        let stamped = match self.deciding() {
            Some(Deciding::Cause(cause)) => match &cause.attribution {
                Attribution::Stamped(stamped) => Some(stamped),
                // The chain begins with this cause; a deletion's last known stamp explains the object, not its end.
                _ => None,
            },
            Some(Deciding::Intent(intent)) => intent.stamped.as_ref(),
            None => None,
        };
        stamped.map_or(0, |stamped| {
            // Going on with one's own work is not a further hop.
            let own = *stamped.stamp.controller == *self.controller().name
                && stamped.stamp.subject.is_same(self.object());
            stamped.stamp.hops.saturating_add(u16::from(!own))
        })
    }

    /// What gives the chain its beginning.
    fn deciding(&self) -> Option<Deciding<'_>> {
        let causes = self.causes().by_weight();
        let with_origin = |least: Weight| {
            causes
                .iter()
                .find(|cause| cause.weight >= least && cause.origin().is_some())
                .map(|cause| Deciding::Cause(cause))
        };
        let decides = self.action().and_then(|action| action.decided_by.as_ref());
        let about = |object: &ObjectRef| {
            let mut causes = causes.iter();
            causes.find(|cause| {
                cause.weight >= Weight::Disturbance
                    && cause.object.is_same(object)
                    && cause.origin().is_some()
            })
        };
        decides
            .and_then(about)
            .map(|cause| Deciding::Cause(cause))
            .or_else(|| with_origin(Weight::Disturbance))
            .or_else(|| self.0.reconcile.intent.as_ref().map(Deciding::Intent))
            .or_else(|| with_origin(Weight::Progress))
    }
}

enum Deciding<'a> {
    Cause(&'a Cause),
    Intent(&'a Intent),
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("controller", &self.controller().name)
            .field("object", &format_args!("{}", self.object()))
            .field("action", &self.action().map(|action| &action.name))
            .field("causes", &self.causes().total())
            .finish_non_exhaustive()
    }
}
