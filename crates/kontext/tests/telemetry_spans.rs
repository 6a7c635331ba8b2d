//! What an OpenTelemetry exporter gets.

use std::sync::Arc;

use jiff::Timestamp;
use kontext::{
    Attribution, Cause, CauseSet, Changes, Context, Controller, EventKind, Name, ObjectRef, On, Policy,
    Relation, Stamp, Stamped, Traceparent, Weight, telemetry::OtelSpans,
};
use opentelemetry::trace::{SpanId, SpanKind, Status, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use tracing_subscriber::prelude::*;

const FIRST: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SECOND: &str = "00-5bf92f3577b34da6a3ce929d0e0e4736-11f067aa0ba902b7-02";

fn object() -> ObjectRef {
    ObjectRef::new("ReplicaSet", Some("shop"), "web")
}

fn stamped(traceparent: &str) -> Attribution {
    let stamp = Stamp {
        on: On { kind: "ReplicaSet".into(), name: Name::Exact("web".into()), uid: None },
        controller: "deployment-controller".into(),
        action: "deployment.ScaleReplicaSet".into(),
        subject: ObjectRef::new("Deployment", Some("shop"), "web"),
        reason: "".into(),
        causes: Vec::new(),
        more_causes: 0,
        origin: None,
        hops: 0,
        generation: Some(2),
        content: None,
        time: Timestamp::UNIX_EPOCH,
        manager: None,
    };
    let traceparent: Traceparent = traceparent.parse().expect("a traceparent");
    Attribution::Stamped(Arc::new(Stamped { traceparent, stamp }))
}

fn causes() -> CauseSet {
    let cause = |attribution, weight| Cause {
        event: EventKind::Modified,
        object: Arc::new(object()),
        attribution,
        changes: Changes::default(),
        seen: Timestamp::UNIX_EPOCH,
        weight,
    };
    [
        cause(stamped(SECOND), Weight::Progress),
        cause(Attribution::Unattributed(None), Weight::Progress),
        cause(stamped(FIRST), Weight::Intent),
    ]
    .into_iter()
    .collect()
}

fn context(policy: Policy, spans: OtelSpans) -> Context {
    let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
    Context::builder(controller, object())
        .causes(causes())
        .policy(Arc::new(policy))
        .telemetry(Arc::new(spans))
        .build()
}

/// Runs `work` under an OpenTelemetry layer and tells what was exported.
fn exported<T>(sampler: Sampler, work: impl FnOnce() -> T) -> (T, Vec<SpanData>) {
    let exporter = InMemorySpanExporter::default();
    let provider =
        SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).with_sampler(sampler).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("kontext"));
    let result = tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    (result, exporter.get_finished_spans().expect("not shut down"))
}

fn span<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"))
}

#[test]
fn a_reconcile_is_a_root_with_a_link_for_each_stamped_cause() {
    let ((), spans) = exported(Sampler::AlwaysOn, || {
        let context = context(Policy::new(), OtelSpans::new());
        context.start(&object(), "replicaset.CreatePod").because("1 of 3 replicas missing").end();
    });
    assert_eq!(spans.len(), 2);
    let reconcile = span(&spans, "reconcile");
    assert_eq!(
        (reconcile.parent_span_id, reconcile.span_kind.clone()),
        (SpanId::INVALID, SpanKind::Consumer)
    );
    let links: Vec<String> = reconcile
        .links
        .iter()
        .map(|link| {
            let attributes: Vec<String> =
                link.attributes.iter().map(|a| format!("{}={}", a.key, a.value)).collect();
            format!(
                "{} {} {}",
                link.span_context.trace_id(),
                link.span_context.span_id(),
                attributes.join(" ")
            )
        })
        .collect();
    assert_eq!(
        links,
        [
            "5bf92f3577b34da6a3ce929d0e0e4736 11f067aa0ba902b7 event=modified object=ReplicaSet shop/web",
            "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 event=modified object=ReplicaSet shop/web",
        ]
    );
    let events: Vec<String> = reconcile
        .events
        .iter()
        .map(|event| format!("{} {}={}", event.name, event.attributes[0].key, event.attributes[0].value))
        .collect();
    assert_eq!(
        events,
        [
            "link link.trace_id=5bf92f3577b34da6a3ce929d0e0e4736",
            "link link.trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
        ]
    );
    let action = span(&spans, "replicaset.CreatePod");
    assert_eq!(action.parent_span_id, reconcile.span_context.span_id());
    assert_eq!(action.span_kind, SpanKind::Client);
}

#[test]
fn the_ids_of_annotations_and_headers_are_those_that_are_exported() {
    let (found, spans) = exported(Sampler::AlwaysOn, || {
        let context = context(Policy::new(), OtelSpans::new());
        let action = context.start(&object(), "replicaset.CreatePod");
        (context.traceparent(), action.context().traceparent())
    });
    for (found, name) in [(found.0, "reconcile"), (found.1, "replicaset.CreatePod")] {
        let exported = &span(&spans, name).span_context;
        assert_eq!(found.trace_id.to_string(), exported.trace_id().to_string());
        assert_eq!(found.span_id.to_string(), exported.span_id().to_string());
        assert!(found.flags.is_sampled());
    }
}

#[test]
fn a_reconcile_without_work_leaves_no_span_and_a_failed_one_does() {
    let ((), spans) = exported(Sampler::AlwaysOn, || {
        drop(context(Policy::new(), OtelSpans::new()));
    });
    assert_eq!(spans.len(), 0);
    let ((), spans) = exported(Sampler::AlwaysOn, || {
        context(Policy::new(), OtelSpans::new()).failed(&"the cache is stale");
    });
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].status, Status::error("the cache is stale"));
    assert_eq!(spans[0].links.len(), 2);
}

#[test]
fn in_parent_mode_the_heaviest_cause_is_the_parent_and_all_are_links() {
    let (found, spans) = exported(Sampler::AlwaysOn, || {
        let context = context(Policy::new().with_relation(Relation::Parent), OtelSpans::new());
        context.start(&object(), "replicaset.CreatePod").end();
        context.traceparent()
    });
    let reconcile = span(&spans, "reconcile");
    assert_eq!(reconcile.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(reconcile.span_context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(found.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(reconcile.links.len(), 2);
}

#[test]
fn a_forged_sampled_flag_forces_no_recording_beyond_the_local_rate() {
    let follow_parent = || Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    let reconciles = |relation, spans: fn() -> OtelSpans| {
        let (_, spans) = exported(follow_parent(), || {
            let telemetry = Arc::new(spans());
            for _ in 0..50 {
                let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
                let context = Context::builder(controller, object())
                    .causes(causes())
                    .policy(Arc::new(Policy::new().with_relation(relation)))
                    .telemetry(telemetry.clone())
                    .build();
                context.start(&object(), "replicaset.CreatePod").end();
            }
        });
        spans.iter().filter(|span| span.name == "reconcile").count()
    };
    assert_eq!(reconciles(Relation::Link, OtelSpans::new), 0);
    assert_eq!(reconciles(Relation::Parent, || OtelSpans::new().with_sampled_parents(0.001, 3)), 3);
    assert_eq!(reconciles(Relation::Parent, || OtelSpans::new().with_sampled_parents(0.0, 3)), 0);
}

#[test]
fn without_an_opentelemetry_layer_the_context_keeps_its_own_ids() {
    let check = || {
        let context = context(Policy::new(), OtelSpans::new());
        let before = context.traceparent();
        let action = context.start(&object(), "replicaset.CreatePod");
        assert_eq!(context.traceparent(), before);
        assert_eq!(action.context().traceparent().trace_id, before.trace_id);
        assert!(!before.flags.is_sampled());
    };
    check();
    tracing::subscriber::with_default(tracing_subscriber::registry(), check);
}
