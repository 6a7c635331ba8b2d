//! Spans with links, where an OpenTelemetry layer is installed.

use std::{sync::Arc, time::Duration};

use kontext_core::{
    Cause, Controller, Counted, ObjectRef, OpenSpan, Outcome, ReconcileStart, Relation, SpanId, Telemetry,
    TraceFlags, TraceId, Traceparent, action_span, reconcile_span,
};
use opentelemetry::{
    Context as OtelContext, KeyValue,
    trace::{self as otel, SpanContext, TraceContextExt, TraceState},
};
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::Metrics;
use crate::rate_limit::bucket::Bucket;

/// Sampled parents that are believed each second, and at once after a quiet time.
const SAMPLED_PARENTS: (f64, u32) = (10.0, 100);

/// Opens `tracing` spans that an OpenTelemetry layer exports with one link for each stamped cause, and counts.
///
/// The ids of the exported spans become those of the context, so that annotations and spans agree. Where no such
/// layer is installed, that shows at the first look at the span, and the context keeps its own ids.
///
/// The sampled flag of a cause was written by anybody. A new root (link mode) is sampled as the local sampler says.
/// A parent's flag decides for samplers that follow the parent, so only so many a second are believed; beyond
/// that the parent counts as not sampled.
#[derive(Debug)]
pub struct OtelSpans {
    metrics: Option<Arc<Metrics>>,
    sampled_parents: Mutex<Bucket>,
}

impl Default for OtelSpans {
    fn default() -> Self {
        let (rate, burst) = SAMPLED_PARENTS;
        Self { metrics: None, sampled_parents: Mutex::new(Bucket::new(rate, burst)) }
    }
}

impl OtelSpans {
    /// Spans without metrics; 10 sampled parents a second are believed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts into `metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Believes the sampled flag of `rate` parents a second, `burst` after a quiet time; none where `rate` is 0.
    #[must_use]
    pub fn with_sampled_parents(mut self, rate: f64, burst: u32) -> Self {
        let burst = if rate > 0.0 { burst } else { 0 };
        self.sampled_parents = Mutex::new(Bucket::new(rate.max(f64::MIN_POSITIVE), burst));
        self
    }

    /// The parent of a reconcile span: the heaviest stamped cause.
    fn parent(&self, start: &ReconcileStart<'_>) -> Option<OtelContext> {
        if start.relation != Relation::Parent {
            return None;
        }
        let mut parent = start.causes.by_weight().into_iter().find_map(Cause::traceparent)?;
        if parent.flags.is_sampled() && self.sampled_parents.lock().try_take(Instant::now()).is_err() {
            parent.flags = parent.flags.without(TraceFlags::SAMPLED);
        }
        Some(OtelContext::new().with_remote_span_context(span_context(parent)))
    }
}

impl Telemetry for OtelSpans {
    fn open_reconcile(&self, start: ReconcileStart<'_>) -> OpenSpan {
        let span = reconcile_span(start);
        // Setting the parent fails at once where no OpenTelemetry layer listens: the cheapest way to know.
        let listening = span.set_parent(self.parent(&start).unwrap_or_default()).is_ok();
        if !listening {
            return OpenSpan { span, traceparent: None };
        }
        for cause in start.causes.iter() {
            link(&span, cause);
        }
        let traceparent = traceparent(&span);
        OpenSpan { span, traceparent }
    }

    fn open_action(&self, reconcile: &Span, name: &str, subject: &ObjectRef) -> OpenSpan {
        let span = action_span(reconcile, name, subject);
        let traceparent = traceparent(&span);
        OpenSpan { span, traceparent }
    }

    fn action_ended(&self, controller: &Controller, name: &str, outcome: &Outcome, took: Duration) {
        if let Some(metrics) = &self.metrics {
            metrics.action_ended(controller, name, outcome, took);
        }
    }

    fn count(&self, counted: Counted, number: u64) {
        if let Some(metrics) = &self.metrics {
            metrics.count(counted, number);
        }
    }
}

/// Links `span` to the write behind `cause`, before the span is first entered, so that samplers see it.
fn link(span: &Span, cause: &Cause) {
    let Some(traceparent) = cause.traceparent() else { return };
    let attributes =
        vec![KeyValue::new("event", cause.event.as_str()), KeyValue::new("object", cause.object.to_string())];
    span.add_link_with_attributes(span_context(traceparent), attributes);
    // Backends answer "which traces link to this one" from span attributes and events, not from links.
    span.add_event("link", vec![KeyValue::new("link.trace_id", traceparent.trace_id.to_string())]);
}

fn span_context(traceparent: Traceparent) -> SpanContext {
    SpanContext::new(
        otel::TraceId::from_bytes(traceparent.trace_id.to_bytes()),
        otel::SpanId::from_bytes(traceparent.span_id.to_bytes()),
        otel::TraceFlags::new(traceparent.flags.bits()),
        true,
        TraceState::NONE,
    )
}

/// The ids that an exporter will know `span` by; starts the span. `None` where nobody gives it any.
fn traceparent(span: &Span) -> Option<Traceparent> {
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    Some(Traceparent {
        trace_id: TraceId::from_bytes(ids.trace_id().to_bytes())?,
        span_id: SpanId::from_bytes(ids.span_id().to_bytes())?,
        flags: TraceFlags::from_bits(ids.trace_flags().to_u8()),
    })
}
