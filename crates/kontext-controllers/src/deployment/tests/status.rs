//! Status and conditions.

use std::time::Duration;

use serde_json::json;

use super::world::{World, rolling};
use crate::{
    deployment::{
        Requeue, conditions,
        sets::Sets,
        status::{calculate, is_complete, is_progressing, is_timed_out, requeue_stuck, rollout},
    },
    fixtures::{at, time},
    model::DeploymentStatus,
};

fn numbers(replicas: i32, updated: i32, ready: i32, available: i32) -> DeploymentStatus {
    DeploymentStatus {
        observed_generation: 1,
        replicas,
        updated_replicas: updated,
        ready_replicas: ready,
        available_replicas: available,
        ..DeploymentStatus::default()
    }
}

#[test]
fn a_rollout_is_complete_when_every_pod_is_new_and_available() {
    for (wanted, replicas, updated, available, observed, complete) in [
        (5, 5, 5, 5, 1, true),
        (5, 5, 5, 4, 1, false),
        (5, 6, 5, 5, 1, false),
        (5, 5, 4, 5, 1, false),
        (1, 2, 1, 1, 1, false),
        (5, 5, 5, 5, 0, false),
    ] {
        let mut status = numbers(replicas, updated, available, available);
        status.observed_generation = observed;
        assert_eq!(
            is_complete(&rolling(wanted, 1, 0).deployment(), &status),
            complete,
            "{wanted} {replicas} {updated} {available} {observed}"
        );
    }
}

#[test]
fn any_number_in_the_right_direction_is_progress() {
    let old = numbers(10, 4, 4, 4);
    for (what, new, progress) in [
        ("nothing", numbers(10, 4, 4, 4), false),
        ("one more updated", numbers(11, 5, 4, 4), true),
        ("one less old", numbers(9, 4, 4, 4), true),
        ("one more ready", numbers(10, 4, 5, 4), true),
        ("one more available", numbers(10, 4, 4, 5), true),
        ("backwards", numbers(10, 3, 3, 3), false),
        ("one old pod more", numbers(11, 4, 4, 4), false),
    ] {
        assert_eq!(is_progressing(&old, &new), progress, "{what}");
    }
}

fn with_progress(reason: &str, updated: i64, deadline: Option<i32>) -> World {
    let mut world = rolling(3, 1, 0);
    world.deployment["spec"]["progressDeadlineSeconds"] = deadline.into();
    if !reason.is_empty() {
        world.deployment["status"] = json!({"observedGeneration": 1, "conditions": [{
            "type": "Progressing", "status": "True", "reason": reason, "message": "m",
            "lastUpdateTime": time(updated), "lastTransitionTime": time(updated)}]});
    }
    world
}

#[test]
fn the_deadline_counts_from_the_last_progress() {
    for (reason, updated, deadline, late) in [
        ("ReplicaSetUpdated", -20, Some(10), true),
        ("ReplicaSetUpdated", -10, Some(10), false),
        ("ReplicaSetUpdated", -5, Some(10), false),
        ("ReplicaSetUpdated", -20, None, false),
        ("ReplicaSetUpdated", -20, Some(i32::MAX), false),
        ("", -20, Some(10), false),
        ("NewReplicaSetAvailable", -20, Some(10), false),
        ("ProgressDeadlineExceeded", -1, Some(10), true),
    ] {
        let deployment = with_progress(reason, updated, deadline).deployment();
        assert_eq!(
            is_timed_out(&deployment, &deployment.status, at(0)),
            late,
            "{reason} {updated} {deadline:?}"
        );
    }
}

#[test]
fn a_rollout_without_news_is_looked_at_again_after_its_deadline() {
    let after = |seconds| Requeue::After(Duration::from_secs(seconds));
    for (what, reason, updated, deadline, status, expected) in [
        ("no deadline", "ReplicaSetUpdated", 0, None, numbers(3, 2, 2, 2), Requeue::Never),
        ("an infinite deadline", "ReplicaSetUpdated", 0, Some(i32::MAX), numbers(3, 2, 2, 2), Requeue::Never),
        ("no condition", "", 0, Some(600), numbers(3, 2, 2, 2), Requeue::Never),
        ("complete", "ReplicaSetUpdated", 0, Some(600), numbers(3, 3, 3, 3), Requeue::Never),
        ("timed out", "ProgressDeadlineExceeded", 0, Some(600), numbers(3, 2, 2, 2), Requeue::Never),
        ("time is left", "ReplicaSetUpdated", -10, Some(15), numbers(3, 2, 2, 2), after(6)),
        ("a second is left", "ReplicaSetUpdated", -10, Some(11), numbers(3, 2, 2, 2), after(2)),
        ("less than a second", "ReplicaSetUpdated", -10, Some(10), numbers(3, 2, 2, 2), Requeue::RateLimited),
        ("it has passed", "ReplicaSetUpdated", -99, Some(10), numbers(3, 2, 2, 2), Requeue::RateLimited),
    ] {
        let deployment = with_progress(reason, updated, deadline).deployment();
        assert_eq!(requeue_stuck(&deployment, &status, at(0)), expected, "{what}");
    }
}

#[test]
fn the_numbers_add_up_over_all_replica_sets() {
    let mut world = rolling(4, 1, 1);
    world.add("web-1", 1, 3, 10)["status"] = json!({"replicas": 3, "readyReplicas": 2, "availableReplicas": 1,
        "terminatingReplicas": 1, "observedGeneration": 1});
    world.add("web-2", 2, 2, 20)["status"]["terminatingReplicas"] = 2.into();
    let deployment = world.deployment();
    let computed =
        |world: &World| calculate(&deployment, &Sets::classify(&deployment, &world.replica_sets()), at(0));
    let status = computed(&world);
    assert_eq!((status.replicas, status.updated_replicas, status.ready_replicas), (5, 3, 4));
    assert_eq!((status.available_replicas, status.unavailable_replicas), (3, 2));
    assert_eq!(status.conditions[0].reason, "MinimumReplicasAvailable");
    assert_eq!(status.terminating_replicas, Some(3));
    world.add("web-3", 3, 1, 30)["status"] = json!({});
    assert_eq!(computed(&world).terminating_replicas, Some(3), "one never observed is skipped");
    world.sets.get_mut("web-3").unwrap()["status"] = json!({"observedGeneration": 1});
    assert_eq!(computed(&world).terminating_replicas, None, "one that was observed and does not say");
}

#[test]
fn a_failing_replica_set_shows_on_the_deployment_the_new_one_first() {
    let mut world = rolling(1, 1, 1);
    let failure = |text: &str| {
        json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": text, "lastTransitionTime": time(5)}])
    };
    world.add("old", 2, 1, 20)["status"]["conditions"] = failure("old quota");
    world.add("new", 1, 1, 30);
    let shown = |world: &World| {
        let deployment = world.deployment();
        let status = rollout(&deployment, &Sets::classify(&deployment, &world.replica_sets()), at(0));
        let failure =
            status.conditions.iter().find(|condition| condition.kind == conditions::REPLICA_FAILURE);
        failure.map(|condition| (condition.message.clone(), condition.last_update))
    };
    assert_eq!(shown(&world), Some(("old quota".to_owned(), Some(at(5)))));
    world.sets.get_mut("new").unwrap()["status"]["conditions"] = failure("new quota");
    assert_eq!(shown(&world), Some(("new quota".to_owned(), Some(at(5)))));
    for name in ["old", "new"] {
        world.sets.get_mut(name).unwrap()["status"]["conditions"] = json!([]);
    }
    world.deployment["status"]["conditions"] = failure("gone");
    assert_eq!(shown(&world), None, "removed with the cause");
}

#[test]
fn progress_is_reported_by_state() {
    // (old size, new size, new available), stored numbers, reason before, age -> reason and message after
    for (what, new, available, stored, reason, age, expected) in [
        ("complete", 3, 3, numbers(3, 2, 2, 2), "ReplicaSetUpdated", 1, "NewReplicaSetAvailable"),
        ("moving", 2, 1, numbers(2, 1, 0, 0), "ReplicaSetUpdated", 1, "ReplicaSetUpdated"),
        ("waiting", 2, 1, numbers(2, 2, 1, 1), "ReplicaSetUpdated", 1, "ReplicaSetUpdated"),
        ("late", 2, 1, numbers(2, 2, 1, 1), "ReplicaSetUpdated", 700, "ProgressDeadlineExceeded"),
        (
            "late and then moving",
            2,
            1,
            numbers(2, 2, 0, 0),
            "ProgressDeadlineExceeded",
            700,
            "ReplicaSetUpdated",
        ),
        (
            "complete since long",
            3,
            2,
            numbers(3, 3, 3, 3),
            "NewReplicaSetAvailable",
            700,
            "NewReplicaSetAvailable",
        ),
    ] {
        let mut world = with_progress(reason, -age, Some(600));
        let set = world.add("web-1", 1, new, 20);
        set["status"]["readyReplicas"] = available.into();
        set["status"]["availableReplicas"] = available.into();
        let mut deployment = world.deployment();
        deployment.status = DeploymentStatus { conditions: deployment.status.conditions.clone(), ..stored };
        let status = rollout(&deployment, &Sets::classify(&deployment, &world.replica_sets()), at(0));
        let progress = crate::model::condition(&status.conditions, "Progressing").unwrap();
        assert_eq!(progress.reason, expected, "{what}");
        let moved = progress.last_update != Some(at(-age));
        assert_eq!(moved, expected != reason || what == "moving", "{what}");
    }
}
