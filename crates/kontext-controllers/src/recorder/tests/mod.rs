mod correlation;
mod fake;
mod order;
mod properties;
mod queue;
mod retries;
mod server;
mod stopping;

use std::sync::Arc;

use jiff::SignedDuration;
use kontext::{Context, Controller, ObjectRef};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Clock, EventSink, Recorder, RecorderMetrics, RecorderTask, Subject};
use crate::{events::Event, fixtures::at};

fn set(name: &str) -> Subject {
    Subject {
        api_version: "apps/v1".into(),
        kind: "ReplicaSet".into(),
        namespace: Some("shop".into()),
        name: name.into(),
        uid: format!("u-{name}").into(),
        resource_version: "5".into(),
    }
}

fn created(pod: &str) -> Event {
    Event::pod_created(pod)
}

fn context() -> Context {
    Context::builder(
        Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet")),
        ObjectRef::new("ReplicaSet", Some("shop"), "web"),
    )
    .build()
}

/// A clock that follows tokio's.
fn clock() -> Clock {
    let start = Instant::now();
    Arc::new(move || at(0) + SignedDuration::try_from(start.elapsed()).unwrap())
}

fn recorder<S: EventSink>(sink: S) -> (Recorder, RecorderTask<S>) {
    Recorder::with_clock("replicaset-controller", sink, RecorderMetrics::default(), clock())
}

/// Runs the task until everything recorded so far has ended one way or another.
async fn drain<S: EventSink>(recorder: Recorder, task: RecorderTask<S>) -> RecorderMetrics {
    let metrics = recorder.metrics().clone();
    drop(recorder);
    task.run(CancellationToken::new()).await;
    metrics
}
