//! What the context tells the outside: spans and counts. The context works the same with nobody listening.

use std::time::Duration;

use tracing::Span;

use crate::{
    action::Outcome,
    cause::CauseSet,
    context::Controller,
    object::ObjectRef,
    policy::{Relation, Unstamped},
    trace::Traceparent,
};

/// A span that was opened, and the ids under which an exporter will know it.
#[derive(Clone, Debug)]
pub struct OpenSpan {
    /// The span; disabled where nobody listens.
    pub span: Span,
    /// Its ids where an OpenTelemetry layer gave it some; the context then takes them over.
    pub traceparent: Option<Traceparent>,
}

/// What is known of a reconcile when its span is opened: at its first action, or when it fails.
#[derive(Clone, Copy, Debug)]
pub struct ReconcileStart<'a> {
    /// The controller.
    pub controller: &'a Controller,
    /// The object that is reconciled.
    pub object: &'a ObjectRef,
    /// `reconcileID` of contextual logging.
    pub id: &'a str,
    /// All causes; one link for each that bears a span.
    pub causes: &'a CauseSet,
    /// Whether the heaviest cause becomes the parent.
    pub relation: Relation,
}

/// Something that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counted {
    /// Annotations were put on an object.
    Injected,
    /// Annotations were read from an object and believed.
    Extracted,
    /// Annotations were read and refused: not of the form.
    Malformed,
    /// Annotations were read and refused: another object's, another time's.
    Copied,
    /// A write without a stamp was seen.
    Unattributed,
    /// A write went without a stamp.
    Unstamped(Unstamped),
    /// A request went without a context.
    Unbound,
    /// An object was read from the API server to learn what a write changes.
    LookedUp,
}

/// Listens to contexts. Methods are called on hot paths and must not block.
pub trait Telemetry: Send + Sync + 'static {
    /// Opens the span of a reconcile.
    fn open_reconcile(&self, start: ReconcileStart<'_>) -> OpenSpan;

    /// Opens the span of an action below that of its reconcile.
    fn open_action(&self, reconcile: &Span, name: &str, subject: &ObjectRef) -> OpenSpan;

    /// An action ended.
    fn action_ended(&self, controller: &Controller, name: &str, outcome: &Outcome, took: Duration);

    /// Something was counted.
    fn count(&self, counted: Counted, number: u64);
}

/// Plain `tracing` spans and no counts: what a context has where nothing else was set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainSpans;

impl Telemetry for PlainSpans {
    fn open_reconcile(&self, start: ReconcileStart<'_>) -> OpenSpan {
        OpenSpan { span: reconcile_span(start), traceparent: None }
    }

    fn open_action(&self, reconcile: &Span, name: &str, subject: &ObjectRef) -> OpenSpan {
        OpenSpan { span: action_span(reconcile, name, subject), traceparent: None }
    }

    fn action_ended(&self, _: &Controller, _: &str, _: &Outcome, _: Duration) {}

    fn count(&self, _: Counted, _: u64) {}
}

/// The span of a reconcile: always a root, with the keys of contextual logging as fields.
pub fn reconcile_span(start: ReconcileStart<'_>) -> Span {
    tracing::info_span!(
        target: "kontext",
        parent: None,
        "reconcile",
        otel.kind = "consumer",
        otel.name = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
        otel.status_description = tracing::field::Empty,
        controller = &*start.controller.name,
        controllerGroup = &*start.controller.group,
        controllerKind = &*start.controller.kind,
        namespace = start.object.namespace.as_deref(),
        name = &*start.object.name,
        reconcileID = start.id,
        trace_id = tracing::field::Empty,
        span_id = tracing::field::Empty,
        kontext.causes = start.causes.total(),
        kontext.causes_dropped = start.causes.dropped(),
    )
}

/// The span of an action, a child of `reconcile`.
pub fn action_span(reconcile: &Span, name: &str, subject: &ObjectRef) -> Span {
    tracing::info_span!(
        target: "kontext",
        parent: reconcile,
        "action",
        otel.kind = "client",
        otel.name = name,
        otel.status_code = tracing::field::Empty,
        otel.status_description = tracing::field::Empty,
        action = name,
        kontext.subject = %subject,
        reason = tracing::field::Empty,
        outcome = tracing::field::Empty,
        span_id = tracing::field::Empty,
    )
}
