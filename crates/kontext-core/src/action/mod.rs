//! Actions: one decision of a controller, started once and ended once on every way out.

mod call;
mod error;
mod outcome;

use std::borrow::Cow;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::Span;

pub use error::CallError;
pub use outcome::Outcome;

use crate::{
    context::Context,
    object::{ObjectRef, Subject},
    trace::{TraceFlags, Traceparent},
};

/// What an action tells of itself to the requests that it makes.
#[derive(Clone, Debug)]
pub struct ActionFrame {
    /// `replicaset.CreatePod`.
    pub name: Cow<'static, str>,
    /// The object acted for.
    pub subject: ObjectRef,
    /// Why, in a short sentence.
    pub reason: Cow<'static, str>,
    /// The object whose own change decides this action, where it is not the one acted for.
    pub decided_by: Option<ObjectRef>,
    /// When it began.
    pub started: Timestamp,
    /// Its span.
    pub traceparent: Traceparent,
    /// Its `tracing` span; disabled where nobody listens.
    pub span: Span,
}

/// One decision of a controller, from [`Context::start`] until it is dropped or [ended](Self::end).
///
/// ```
/// # use std::sync::Arc;
/// # use kontext_core::{Context, Controller, ObjectRef, CallError};
/// # async fn create_pod() -> Result<(), std::io::Error> { Ok(()) }
/// # async fn reconcile(context: Context, rs: ObjectRef) -> Result<(), CallError<std::io::Error>> {
/// let action = context.start(&rs, "replicaset.CreatePod").because("1 of 3 replicas missing");
/// action.call(create_pod()).await?; // header, stamp, deadline, cancellation
/// # Ok(()) // dropped: ended
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an action that is dropped at once tells of work that was not done"]
pub struct Action {
    context: Context,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Nothing was called yet.
    Started,
    /// A call is under way, or its future was dropped.
    Calling,
    /// The calls so far ended so.
    Called(Outcome),
}

impl Action {
    pub(crate) fn start(context: &Context, subject: ObjectRef, name: &'static str) -> Self {
        let reconcile = context.open();
        let opened = context.telemetry().open_action(&reconcile, name, &subject);
        let parent = context.traceparent();
        let traceparent = opened.traceparent.unwrap_or_else(|| {
            let child = parent.child(&mut rand::rng());
            Traceparent { flags: child.flags.without(TraceFlags::SAMPLED), ..child }
        });
        if !opened.span.is_disabled() {
            opened.span.record("span_id", tracing::field::display(traceparent.span_id));
        }
        let frame = ActionFrame {
            name: Cow::Borrowed(name),
            subject,
            reason: Cow::Borrowed(""),
            decided_by: None,
            started: Timestamp::now(),
            traceparent,
            span: opened.span,
        };
        Self { context: context.with_action(frame), began: Instant::now(), state: Mutex::new(State::Started) }
    }

    /// Says why, in a short sentence with numbers: `1 of 3 replicas missing`.
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        if let Some(frame) = self.context.action_mut() {
            frame.reason = reason.into();
            if !frame.span.is_disabled() {
                frame.span.record("reason", &*frame.reason);
            }
        }
        self
    }

    /// Names the object whose own change decides this action, such as the Pod that no longer matches the selector and is
    /// released: of several causes of the reconcile, one about that object gives the origin, however much others weigh.
    pub fn decided_by(mut self, object: &impl Subject) -> Self {
        if let Some(frame) = self.context.action_mut() {
            frame.decided_by = Some(object.reference());
        }
        self
    }

    /// The context of this action, for what is not an API call; the `GetCtx` of the KEP's sketch.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Ends the action now rather than when it is dropped; the `endCtx` of the KEP's sketch. An action that
    /// called nothing ends as [completed](Outcome::Completed).
    pub fn end(self) {
        let mut state = self.state.lock();
        if matches!(*state, State::Started) {
            *state = State::Called(Outcome::Completed);
        }
    }
}

impl Drop for Action {
    fn drop(&mut self) {
        let outcome = match std::mem::replace(self.state.get_mut(), State::Started) {
            _ if std::thread::panicking() => Outcome::Panicked,
            State::Called(outcome) => outcome,
            State::Calling => Outcome::Dropped,
            State::Started => Outcome::Abandoned,
        };
        let Some(frame) = self.context.action() else { return };
        if !frame.span.is_disabled() {
            frame.span.record("outcome", outcome.as_str());
            if outcome.is_error() {
                frame.span.record("otel.status_code", "ERROR");
                frame.span.record("otel.status_description", outcome.to_string());
            }
        }
        let telemetry = self.context.telemetry();
        telemetry.action_ended(self.context.controller(), &frame.name, &outcome, self.began.elapsed());
    }
}
