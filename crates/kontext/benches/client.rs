//! What the layer costs a request.
//!
//! Run with `cargo bench -p kontext --bench client`. Figures below are from 2 shared x86-64 cores under heavy load by
//! others, medians of several runs: compare ratios, not nanoseconds.
//!
//! | measured | to its baseline |
//! |---|---|
//! | request, off | 1.0 to 1.4 times no layer |
//! | request, headers | 3 to 4 times no layer: 2 to 3 us, against a millisecond for the real request |
//! | stamp, splice | 0.7 times the scan, 0.1 times the value |
//! | fingerprint | 0.5 times the value |
//!
//!
//! - `request`: a GET over an inner service that is ready at once. Baseline: `no layer` (the same service, boxed as
//!   kube boxes it). `off` is the price of a layer whose policy is off, `unbound` without a context, `headers` with one.
//! - `stamp`: putting a stamp on a 2.3 KB Pod. Baselines: `scan`, one pass over the bytes that knows strings, which any
//!   splice needs; `value`, the same through a `serde_json::Value`.
//! - `fingerprint`: hashing that Pod for the comparison with the object as read. Baseline: `value`, parsing it to a tree.

use std::{hint::black_box, sync::Arc, time::Duration};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Method, Request, Response};
use http_body_util::Full;
use kontext::{Context, Controller, Fingerprint, ObjectRef, Policy, client::ContextLayer};
use kube::client::Body;
use serde_json::{Value, json};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn, util::BoxService};

type Inner = BoxService<Request<Body>, Response<Full<Bytes>>, BoxError>;

fn inner() -> Inner {
    service_fn(|request: Request<Body>| async move {
        black_box(request);
        Ok::<_, BoxError>(Response::new(Full::new(Bytes::new())))
    })
    .boxed()
}

fn context() -> Context {
    let object =
        ObjectRef::new("ReplicaSet", Some("shop"), "web").with_uid("b3a7c0de-0000-4000-8000-000000000001");
    Context::builder(Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet")), object).build()
}

fn get() -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = "/api/v1/namespaces/shop/pods/web".parse().expect("a URI");
    request
}

/// A Pod of about 2.3 KB, as a controller sends it.
fn pod() -> String {
    let env: Vec<Value> = (0..31)
        .map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("value of setting {n}")}))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "web-7d4b9-", "namespace": "shop", "labels": {"app": "web", "pod-template-hash": "7d4b9"},
            "annotations": {"note": "x"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d4b9", "controller": true,
                "uid": "b3a7c0de-0000-4000-8000-000000000001", "blockOwnerDeletion": true}]},
        "spec": {"containers": [{"name": "app", "image": "registry.example/web:1", "env": env,
            "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}}],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler"},
    })
    .to_string()
}

fn requests(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut group = criterion.benchmark_group("request");
    let mut bare = inner();
    group.bench_function("no layer", |bencher| {
        bencher.iter(|| runtime.block_on(async { bare.ready().await.expect("ready").call(get()).await }));
    });
    let context = context();
    let object = context.object().clone();
    let action = context.start(&object, "replicaset.CreatePod");
    for (name, policy, bound) in [
        ("off", Policy::off(), true),
        ("unbound", Policy::new(), false),
        ("headers", Policy::new(), true),
        ("headers without audit id", Policy::new().with_audit_id(false), true),
    ] {
        let mut service = ContextLayer::new(Arc::new(policy)).layer(inner());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let call = service.call(get());
                if bound { runtime.block_on(action.context().scope(call)) } else { runtime.block_on(call) }
            });
        });
    }
    group.finish();
}

/// One pass over JSON that knows strings and counts brackets: what any splice has to do at least.
fn scan(bytes: &[u8]) -> usize {
    let (mut brackets, mut in_string, mut escaped) = (0, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'}' | b'[' | b']') => brackets += 1,
            _ => {}
        }
    }
    brackets
}

fn stamps(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pod = pod();
    let mut group = criterion.benchmark_group(format!("stamp of {} bytes", pod.len()));
    group.bench_function("scan", |bencher| bencher.iter(|| scan(black_box(pod.as_bytes()))));
    let context = context();
    let object = context.object().clone();
    let action = context.start(&object, "replicaset.CreatePod").because("1 of 3 replicas missing");
    let policy = Policy::new();
    let stamp = |body: &str| {
        let mut value: Value = serde_json::from_str(body).expect("JSON");
        let annotations = value["metadata"]["annotations"].as_object_mut().expect("a map");
        annotations.insert(
            "tracing.k8s.io/traceparent".into(),
            action.context().traceparent().to_annotation().into(),
        );
        annotations.insert("kontext.dev/cause".into(), "x".repeat(400).into());
        serde_json::to_vec(&value).expect("JSON")
    };
    group.bench_function("value", |bencher| bencher.iter(|| stamp(black_box(&pod))));
    group.bench_function("splice", |bencher| {
        let cause = "x".repeat(400);
        let annotations = [
            ("tracing.k8s.io/traceparent", action.context().traceparent().to_annotation()),
            ("kontext.dev/cause", cause),
        ];
        let edits: Vec<(&str, &str)> =
            annotations.iter().map(|(key, value)| (*key, value.as_str())).collect();
        bencher.iter(|| kontext::client::annotate(black_box(pod.as_bytes()), &edits).expect("an object"));
    });
    let mut service = ContextLayer::new(Arc::new(policy)).layer(inner());
    let post = |body: &Bytes| {
        let mut request = Request::new(Body::from(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = "/api/v1/namespaces/shop/pods".parse().expect("a URI");
        request
    };
    let body = Bytes::from(pod.clone());
    group.bench_function("whole request through the layer", |bencher| {
        bencher.iter(|| {
            let call = service.call(post(&body));
            runtime.block_on(action.context().scope(call))
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("fingerprint");
    group.bench_function("value", |bencher| {
        bencher.iter(|| serde_json::from_str::<Value>(black_box(&pod)).expect("JSON"));
    });
    group.bench_function("fingerprint", |bencher| {
        bencher.iter(|| Fingerprint::of_json(black_box(&pod)).expect("an object"));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(700));
    targets = requests, stamps
}
criterion_main!(benches);
