//! What the codec and actions cost.
//!
//! Run with `cargo bench -p kontext --bench telemetry`. Figures below are from 2 shared x86-64 cores under heavy load
//! by others: compare ratios, not nanoseconds.
//!
//! | measured | to its baseline |
//! |---|---|
//! | parse | 0.10 times the stock extract |
//! | inject | 0.33 times the stock inject |
//! | action, no subscriber | 0.5 times the bare span |
//! | action, plain subscriber | 0.7 times the bare span |
//! | action, OpenTelemetry layer | 2.0 times the bare span: eight fields more, two of them recorded afterwards |
//!
//!
//! - `codec`: baseline is OpenTelemetry's `TraceContextPropagator`.
//! - `action`: start, reason and end of one action; baseline is a bare `tracing` span with the OpenTelemetry layer.

use std::{collections::HashMap, hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue};
use kontext::{Context, Controller, ObjectRef, Traceparent, telemetry::OtelSpans};
use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing_subscriber::prelude::*;

const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    let stock = TraceContextPropagator::new();
    let carrier = HashMap::from([("traceparent".to_owned(), TEXT.to_owned())]);
    group.bench_function("extract, stock", |bencher| {
        bencher.iter(|| stock.extract_with_context(&opentelemetry::Context::new(), black_box(&carrier)));
    });
    group.bench_function("parse", |bencher| {
        bencher.iter(|| black_box(TEXT).parse::<Traceparent>().expect("valid"));
    });
    let remote = stock.extract(&carrier);
    assert!(remote.span().span_context().is_valid());
    group.bench_function("inject, stock", |bencher| {
        bencher.iter(|| {
            let mut out = HashMap::<String, String>::new();
            stock.inject_context(black_box(&remote), &mut out);
            out
        });
    });
    let traceparent: Traceparent = TEXT.parse().expect("valid");
    group.bench_function("inject", |bencher| {
        bencher.iter(|| {
            let mut out = HeaderMap::new();
            let value = HeaderValue::from_bytes(&black_box(traceparent).to_header()).expect("ASCII");
            out.insert("traceparent", value);
            out
        });
    });
    group.bench_function("format", |bencher| bencher.iter(|| black_box(traceparent).to_header()));
    group.finish();
}

fn context() -> Context {
    let object =
        ObjectRef::new("ReplicaSet", Some("shop"), "web").with_uid("b3a7c0de-0000-4000-8000-000000000001");
    Context::builder(Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet")), object)
        .telemetry(Arc::new(OtelSpans::new()))
        .build()
}

fn act(context: &Context) {
    context.start(context.object(), "replicaset.CreatePod").because("1 of 3 replicas missing").end();
}

fn actions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("action");
    let provider = SdkTracerProvider::builder().build();
    let otel = || {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
        tracing_subscriber::registry().with(layer)
    };
    tracing::subscriber::with_default(otel(), || {
        group.bench_function("bare span, OpenTelemetry layer", |bencher| {
            bencher.iter(|| drop(tracing::info_span!("bare").entered()));
        });
    });
    group.bench_function("no subscriber", |bencher| {
        let context = context();
        bencher.iter(|| act(&context));
    });
    tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        let context = context();
        group.bench_function("plain subscriber", |bencher| bencher.iter(|| act(&context)));
    });
    tracing::subscriber::with_default(otel(), || {
        let context = context();
        group.bench_function("OpenTelemetry layer", |bencher| bencher.iter(|| act(&context)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(700));
    targets = codec, actions
}
criterion_main!(benches);
