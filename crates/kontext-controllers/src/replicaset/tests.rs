use std::{sync::Arc, time::Duration};

use expect_test::expect;

use super::*;
use crate::{
    expectations::Verdict,
    fixtures::{self, PodSpec, at},
    model::{Phase, Pod, ReplicaSet, ReplicaSetStatus},
    ranking::Neighbours,
};

fn pods(names: &[&'static str]) -> Vec<Arc<Pod>> {
    names.iter().map(|name| Arc::new(PodSpec::new(name).pod())).collect()
}

fn run(set: &ReplicaSet, active: &[Arc<Pod>], expectations: Verdict) -> Decision {
    let neighbours = Neighbours::count(active.iter().map(|pod| &**pod));
    decide(&Observed { replica_set: set, active, expectations, neighbours: &neighbours, now: at(1000) })
}

fn render(decision: &Decision) -> String {
    let mut text = String::new();
    if let Some(why) = &decision.skipped {
        text += &format!("skipped: {why}\n");
    }
    if decision.creates > 0 {
        text += &format!("create {}: {}\n", decision.creates, decision.create_reason);
    }
    for delete in &decision.deletes {
        text += &format!("delete {}: {}\n", delete.pod.meta.name, delete.reason);
    }
    text
}

#[test]
fn the_right_number_of_pods_needs_nothing() {
    let decision = run(&fixtures::replica_set("web", 2), &pods(&["a", "b"]), Verdict::Satisfied);
    assert!(decision.is_idle());
    assert_eq!(decision, Decision::default());
}

#[test]
fn missing_pods_are_created_in_bursts() {
    let decide = |replicas, have: &[&'static str]| {
        render(&run(&fixtures::replica_set("web", replicas), &pods(have), Verdict::Satisfied))
    };
    expect!["create 1: 1 of 3 replicas missing\n"].assert_eq(&decide(3, &["a", "b"]));
    expect!["create 500: 1200 of 1200 replicas missing\n"].assert_eq(&decide(1200, &[]));
}

#[test]
fn excess_pods_go_with_the_reason_why_it_is_them() {
    let mut active = pods(&["a", "b", "c", "d"]);
    Arc::make_mut(&mut active[2]).ready = false;
    Arc::make_mut(&mut active[1]).deletion_cost = -5;
    let decide =
        |replicas| render(&run(&fixtures::replica_set("web", replicas), &active, Verdict::Satisfied));
    expect![[r#"
        delete c: 1 more than 3 wanted; not ready first
    "#]]
    .assert_eq(&decide(3));
    expect![[r#"
        delete c: 2 more than 2 wanted; not ready first
        delete b: 2 more than 2 wanted; lowest deletion cost first
    "#]]
    .assert_eq(&decide(2));
    expect![[r#"
        delete a: 4 more than 0 wanted; all go
        delete b: 4 more than 0 wanted; all go
        delete c: 4 more than 0 wanted; all go
        delete d: 4 more than 0 wanted; all go
    "#]]
    .assert_eq(&decide(0));
}

#[test]
fn deletes_come_in_bursts_too() {
    let many: Vec<_> = (0..700)
        .map(|n| {
            let mut pod = PodSpec::new("web").pod();
            pod.meta.uid = format!("u-{n}").into();
            Arc::new(pod)
        })
        .collect();
    assert_eq!(run(&fixtures::replica_set("web", 0), &many, Verdict::Satisfied).deletes.len(), BURST);
    assert_eq!(run(&fixtures::replica_set("web", 600), &many, Verdict::Satisfied).deletes.len(), 100);
}

#[test]
fn outstanding_expectations_and_a_deletion_stop_the_loop() {
    let mut set = fixtures::replica_set("web", 3);
    let decide = |set: &ReplicaSet, verdict| render(&run(set, &[], verdict));
    expect!["skipped: waiting to see 2 creations\n"]
        .assert_eq(&decide(&set, Verdict::Waiting { creations: 2, deletions: 0 }));
    expect!["skipped: waiting to see 1 deletions\n"]
        .assert_eq(&decide(&set, Verdict::Waiting { creations: -1, deletions: 1 }));
    expect!["skipped: 1 creates of unknown outcome\n"]
        .assert_eq(&decide(&set, Verdict::Uncertain { creates: 1 }));
    set.meta.deleted = Some(at(0));
    expect!["skipped: it is being deleted\n"].assert_eq(&decide(&set, Verdict::Satisfied));
}

#[test]
fn finished_and_terminating_pods_are_replaced_and_not_deleted() {
    let set = fixtures::replica_set("web", 2);
    let candidates = [
        PodSpec { phase: "Failed", ..PodSpec::new("failed") },
        PodSpec { phase: "Succeeded", ..PodSpec::new("succeeded") },
        PodSpec { deleting: true, ..PodSpec::new("terminating") },
        PodSpec { deleting: true, phase: "Failed", ..PodSpec::new("failed-and-terminating") },
        PodSpec { deleting: true, owner: None, ..PodSpec::new("terminating-orphan") },
        PodSpec::new("kept"),
        PodSpec { owner: None, ..PodSpec::new("orphan") },
        PodSpec { app: "db", ..PodSpec::new("relabelled") },
        PodSpec { owner: Some("u-other"), ..PodSpec::new("foreign") },
    ];
    let selector = set.selector.clone().unwrap();
    let sorted = sort_candidates(&set, &selector, candidates.map(|spec| Arc::new(spec.pod())));
    let names = |pods: &[(Arc<Pod>, &str)]| {
        pods.iter().map(|(pod, why)| format!("{}: {why}", pod.meta.name)).collect()
    };
    let (adopt, release): (Vec<String>, Vec<String>) = (names(&sorted.adopt), names(&sorted.release));
    expect![[r#"
        (
            [
                "kept",
            ],
            [
                "orphan: it has no controller and its labels match the selector",
            ],
            [
                "relabelled: its labels no longer match the selector",
            ],
            1,
        )
    "#]]
    .assert_debug_eq(&(
        sorted.kept.iter().map(|pod| pod.meta.name.to_string()).collect::<Vec<_>>(),
        adopt,
        release,
        sorted.terminating,
    ));
    assert_eq!(run(&set, &sorted.kept, Verdict::Satisfied).creates, 1);
}

fn input<'a>(set: &'a ReplicaSet, active: &'a [Arc<Pod>], error: Option<&'a str>) -> StatusInput<'a> {
    StatusInput { replica_set: set, active, terminating: 0, manage_error: error, now: at(100) }
}

#[test]
fn the_status_counts_labelled_ready_and_available_pods() {
    let mut set = fixtures::replica_set("web", 4);
    set.min_ready_seconds = 30;
    let active: Vec<_> = [
        PodSpec { ready_since: 70, ..PodSpec::new("available") },
        PodSpec { ready_since: 71, ..PodSpec::new("ready") },
        PodSpec { ready: false, ..PodSpec::new("unready") },
        PodSpec { labelled: false, ..PodSpec::new("unlabelled") },
    ]
    .map(|spec| Arc::new(spec.pod()))
    .into();
    let status = status(&StatusInput { terminating: 2, ..input(&set, &active, None) }).unwrap();
    expect!["fully labeled 0 -> 3, ready 0 -> 3, available 0 -> 2, terminating unset -> 2"]
        .assert_eq(&status.reason);
    let expected = ReplicaSetStatus {
        replicas: 4,
        fully_labeled_replicas: 3,
        ready_replicas: 3,
        available_replicas: 2,
        terminating_replicas: Some(2),
        observed_generation: 1,
        conditions: Vec::new(),
    };
    assert_eq!(status.status, expected);
}

#[test]
fn a_status_that_is_right_is_not_written() {
    let mut set = fixtures::replica_set("web", 1);
    let active = pods(&["a"]);
    set.status = input(&set, &active, None).compute();
    assert_eq!(status(&input(&set, &active, None)), None);
    set.meta.generation = 2;
    expect!["observed generation 1 -> 2"].assert_eq(&status(&input(&set, &active, None)).unwrap().reason);
}

#[test]
fn a_failure_becomes_a_condition_that_is_not_refreshed_and_goes_with_the_error() {
    let mut set = fixtures::replica_set("web", 2);
    let failed = |set: &ReplicaSet, names: &[&'static str], error| {
        input(set, &pods(names), error)
            .compute()
            .conditions
            .iter()
            .map(|c| format!("{} {}", c.reason, c.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(failed(&set, &["a"], Some("quota")), ["FailedCreate quota"]);
    assert_eq!(failed(&set, &["a", "b", "c"], Some("denied")), ["FailedDelete denied"]);
    assert_eq!(failed(&set, &["a", "b"], Some("odd")), [" odd"]);
    set.status.conditions = input(&set, &pods(&["a"]), Some("quota")).compute().conditions;
    assert_eq!(failed(&set, &["a"], Some("another")), ["FailedCreate quota"]);
    expect!["replicas 2 -> 1, fully labeled 0 -> 1, ready 0 -> 1, available 0 -> 1, terminating unset -> 0, condition ReplicaFailure removed"]
        .assert_eq(&status(&input(&set, &pods(&["a"]), None)).unwrap().reason);
}

#[test]
fn the_next_look_is_when_a_pod_becomes_available() {
    let mut set = fixtures::replica_set("web", 2);
    set.min_ready_seconds = 30;
    let requeue = |set: &ReplicaSet, active: &[Arc<Pod>]| {
        let input = input(set, active, None);
        requeue_after(&input, &input.compute(), at(102))
    };
    let ready = |since| Arc::new(PodSpec { ready_since: since, ..PodSpec::new("a") }.pod());
    assert_eq!(requeue(&set, &[ready(90), ready(95)]), Some(Duration::from_secs(18)));
    assert_eq!(requeue(&set, &[ready(71)]), Some(Duration::ZERO), "it passed meanwhile");
    assert_eq!(requeue(&set, &[ready(70)]), None, "all are available");
    let timeless = Arc::new(Pod { ready_changed: None, ..PodSpec::new("a").pod() });
    assert_eq!(requeue(&set, &[timeless]), Some(Duration::from_secs(30)), "no moment is known");
    set.min_ready_seconds = 0;
    assert_eq!(requeue(&set, &[ready(99)]), None);
}

#[test]
fn a_status_write_keeps_fields_we_do_not_know() {
    let set = fixtures::replica_set("web", 2);
    let active = pods(&["a"]);
    let body = set.status_body(&status(&input(&set, &active, Some("quota"))).unwrap().status);
    assert_eq!(body["spec"]["fieldOfTheFuture"]["kept"], true);
    assert!(body["metadata"].get("managedFields").is_none());
    expect![[r#"{"availableReplicas":1,"conditions":[{"lastTransitionTime":"2026-01-01T00:01:40Z","message":"quota","reason":"FailedCreate","status":"True","type":"ReplicaFailure"}],"fullyLabeledReplicas":1,"observedGeneration":1,"readyReplicas":1,"replicas":1,"statusOfTheFuture":1,"terminatingReplicas":0}"#]]
        .assert_eq(&body["status"].to_string());
}

#[test]
fn phases_are_read_as_upstream_reads_them() {
    for (text, phase) in [("Pending", Phase::Pending), ("Odd", Phase::Pending), ("Unknown", Phase::Unknown)] {
        assert_eq!(PodSpec { phase: text, ..PodSpec::new("a") }.pod().phase, phase, "{text}");
    }
}

#[test]
fn slow_start_with_expectations_stops_after_the_first_failing_batch() {
    // The shell's loop in small: ten creates of which only the first five work.
    let owner = "shop/web".into();
    let mut expectations = crate::expectations::Expectations::default();
    expectations.expect_creations(&owner, 10, at(0));
    let (mut calls, mut failed) = (0, 0);
    let mut batches = crate::slow_start::SlowStart::new(10);
    for batch in batches.by_ref() {
        for _ in 0..batch {
            calls += 1;
            failed += usize::from(calls > 5);
        }
        if failed > 0 {
            break;
        }
    }
    expectations.creations_failed(&owner, failed + batches.left());
    assert_eq!((calls, failed, batches.left()), (7, 2, 3));
    assert_eq!(expectations.verdict(&owner, at(0)), Verdict::Waiting { creations: 5, deletions: 0 });
}
