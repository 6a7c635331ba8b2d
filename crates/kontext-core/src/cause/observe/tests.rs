use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tracing::Span;

use super::*;
use crate::{Controller, Name, ObjectRef, On, OpenSpan, Outcome, ReconcileStart, StampCause, TraceId};

/// Counts what is refused.
#[derive(Default)]
struct Counts {
    malformed: AtomicU64,
    copied: AtomicU64,
    unattributed: AtomicU64,
}

impl Telemetry for Counts {
    fn open_reconcile(&self, _: ReconcileStart<'_>) -> OpenSpan {
        OpenSpan { span: Span::none(), traceparent: None }
    }
    fn open_action(&self, _: &Span, _: &str, _: &ObjectRef) -> OpenSpan {
        OpenSpan { span: Span::none(), traceparent: None }
    }
    fn action_ended(&self, _: &Controller, _: &str, _: &Outcome, _: std::time::Duration) {}
    fn count(&self, counted: Counted, number: u64) {
        let counter = match counted {
            Counted::Malformed => &self.malformed,
            Counted::Copied => &self.copied,
            Counted::Unattributed => &self.unattributed,
            _ => return,
        };
        counter.fetch_add(number, Ordering::Relaxed);
    }
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02";

fn stamp(generation: i64) -> String {
    let stamp = Stamp {
        on: On { kind: "ReplicaSet".into(), name: Name::Exact("web".into()), uid: Some("u-1".into()) },
        controller: "deployment-controller".into(),
        action: "deployment.ScaleReplicaSet".into(),
        subject: ObjectRef::new("Deployment", None, "web"),
        reason: "because".into(),
        causes: Vec::<StampCause>::new(),
        more_causes: 0,
        origin: None,
        hops: 0,
        generation: Some(generation),
        content: None,
        time: "2026-01-01T10:00:00Z".parse().expect("a time"),
        manager: Some("kontext".into()),
    };
    stamp.encode().expect("fits")
}

fn replica_set(generation: i64, replicas: i64, annotations: &Value) -> Value {
    json!({"kind": "ReplicaSet", "metadata": {
        "name": "web", "namespace": "shop", "uid": "u-1", "generation": generation, "annotations": annotations,
        "creationTimestamp": "2026-01-01T10:00:00Z", "managedFields": [
            {"manager": "kontext", "operation": "Update", "time": "2026-01-01T10:00:00Z", "fieldsV1": {
                "f:metadata": {"f:annotations": {"f:kontext.dev/cause": {}}}}},
            {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-01T11:00:00Z", "fieldsV1": {
                "f:spec": {"f:replicas": {}}}}]},
        "spec": {"replicas": replicas}})
}

fn stamped(generation: i64, stamp: &str, replicas: i64) -> Value {
    replica_set(
        generation,
        replicas,
        &json!({"kontext.dev/cause": stamp, "tracing.k8s.io/traceparent": TRACE}),
    )
}

fn observe(old: Option<&Value>, new: &Value) -> (String, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let observer = Observer::new(Arc::default(), counts.clone());
    let reference = ObjectRef::new("ReplicaSet", Some("shop"), "web")
        .with_uid("u-1")
        .with_generation(new["metadata"]["generation"].as_i64().expect("a generation"));
    let shown = match observer.write(old, new, &reference).attribution {
        Attribution::Stamped(stamped) => format!("stamped {}", stamped.stamp.action),
        Attribution::Unattributed(writer) => {
            format!("unattributed {}", writer.map_or("-".into(), |w| w.manager))
        }
        other => format!("{other:?}"),
    };
    (shown, counts)
}

#[test]
fn a_stamp_explains_the_write_it_came_with() {
    let (shown, _) = observe(Some(&stamped(1, &stamp(1), 1)), &stamped(2, &stamp(2), 2));
    assert_eq!(shown, "stamped deployment.ScaleReplicaSet");
}

#[test]
fn a_later_write_without_a_stamp_is_its_field_managers_and_not_the_old_stamps() {
    let (shown, counts) = observe(Some(&stamped(2, &stamp(2), 2)), &stamped(3, &stamp(2), 9));
    assert_eq!(shown, "unattributed kubectl-edit");
    assert_eq!(counts.unattributed.load(Ordering::Relaxed), 1);
}

#[test]
fn an_old_stamp_that_comes_back_is_not_believed() {
    let (shown, _) = observe(Some(&stamped(5, &stamp(5), 2)), &stamped(6, &stamp(2), 9));
    assert_eq!(shown, "unattributed kubectl-edit");
}

#[test]
fn a_stamp_copied_from_another_object_is_counted_and_not_believed() {
    let copied = stamp(3).replace("ReplicaSet", "Deployment");
    let (shown, counts) = observe(Some(&stamped(2, &stamp(2), 2)), &stamped(3, &copied, 9));
    assert_eq!((shown.as_str(), counts.copied.load(Ordering::Relaxed)), ("unattributed kubectl-edit", 1));
}

#[test]
fn forged_and_broken_annotations_are_counted_and_harmless() {
    let long = "x".repeat(513);
    let traced = |trace: &str| {
        replica_set(3, 9, &json!({"kontext.dev/cause": stamp(3), "tracing.k8s.io/traceparent": trace}))
    };
    let broken = [
        stamped(3, "not json", 9),
        stamped(3, &long, 9),
        stamped(3, "{}\n", 9),
        replica_set(3, 9, &json!({"kontext.dev/cause": stamp(3)})),
        traced(&TRACE.replace("00-4b", "ff-4b")),
        traced(&TRACE.to_uppercase()),
        traced("00-ä"),
        traced("\u{1b}[31m"),
    ];
    for forged in broken {
        let (shown, counts) = observe(Some(&stamped(2, &stamp(2), 2)), &forged);
        assert_eq!(
            (shown.as_str(), counts.malformed.load(Ordering::Relaxed)),
            ("unattributed kubectl-edit", 1)
        );
    }
}

#[test]
fn the_standing_intent_is_the_stamps_or_the_latest_managers() {
    let observer = Observer::new(Arc::default(), Arc::new(Counts::default()));
    let reference = ObjectRef::new("ReplicaSet", Some("shop"), "web").with_uid("u-1").with_generation(2);
    let known = observer.standing_intent(&stamped(2, &stamp(2), 2), &reference);
    assert_eq!(known.origin.who, Who::Controller("deployment-controller".into()));
    assert_eq!(
        known.stamped.expect("stamped").traceparent.trace_id,
        TraceId::from_hex(&TRACE[3..35]).expect("valid")
    );
    let unknown = observer.standing_intent(&replica_set(2, 2, &Value::Null), &reference);
    assert_eq!(
        unknown.origin.to_string(),
        "field manager kubectl-edit changed ReplicaSet shop/web, generation 2"
    );
}
