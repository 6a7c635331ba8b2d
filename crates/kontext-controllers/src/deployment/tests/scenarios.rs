//! Whole syncs.

use expect_test::expect;
use serde_json::json;

use super::world::{Fault, World, rolling};
use crate::{
    Failure, FailureKind,
    deployment::{AnnotationRules, Next, Observed, REVISION, ROLLBACK_TO, Requeue, StepResult, next},
    fixtures::{deployment_json, time},
};

fn settled() -> World {
    let mut world = rolling(3, 1, 1);
    world.settle();
    world.told();
    world
}

fn fail_once(wanted: &'static str, kind: FailureKind) -> Option<Fault> {
    let mut left = 1;
    Some(Box::new(move |step| {
        (step.action() == Some(wanted) && left > 0).then(|| {
            left -= 1;
            Failure::new(kind, format!("{wanted} went wrong"))
        })
    }))
}

#[test]
fn a_new_deployment_gets_its_replica_set() {
    let mut world = rolling(3, 1, 1);
    let done = world.sync();
    assert_eq!((done.result, done.requeue), (Ok(()), Requeue::Never));
    expect![[r#"
        deployment.CreateReplicaSet: first revision: 3 wanted
          Normal ScalingReplicaSet: Scaled up replica set web-rpq8kqhv47 from 0 to 3
        deployment.UpdateStatus: revision 1, condition Progressing is True (NewReplicaSetCreated)
        deployment.UpdateStatus: unavailable 0 -> 3, terminating unset -> 0, observed generation 0 -> 1, condition Available is False (MinimumReplicasUnavailable)
    "#]].assert_eq(&world.told());
    let (_, set) = world.sets.first_key_value().unwrap();
    expect![[r#"
        {
          "apiVersion": "apps/v1",
          "kind": "ReplicaSet",
          "metadata": {
            "annotations": {
              "deployment.kubernetes.io/desired-replicas": "3",
              "deployment.kubernetes.io/max-replicas": "4",
              "deployment.kubernetes.io/revision": "1"
            },
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "generation": 1,
            "labels": {
              "app": "web",
              "pod-template-hash": "rpq8kqhv47"
            },
            "name": "web-rpq8kqhv47",
            "namespace": "shop",
            "ownerReferences": [
              {
                "apiVersion": "apps/v1",
                "blockOwnerDeletion": true,
                "controller": true,
                "kind": "Deployment",
                "name": "web",
                "uid": "u-deployment"
              }
            ],
            "resourceVersion": "101",
            "uid": "u-web-rpq8kqhv47"
          },
          "spec": {
            "replicas": 3,
            "selector": {
              "matchLabels": {
                "app": "web",
                "pod-template-hash": "rpq8kqhv47"
              }
            },
            "template": {
              "metadata": {
                "creationTimestamp": null,
                "labels": {
                  "app": "web",
                  "pod-template-hash": "rpq8kqhv47"
                }
              },
              "spec": {
                "containers": [
                  {
                    "image": "registry.example/web:1",
                    "imagePullPolicy": "IfNotPresent",
                    "name": "app",
                    "resources": {},
                    "terminationMessagePath": "/dev/termination-log"
                  }
                ],
                "dnsPolicy": "ClusterFirst",
                "restartPolicy": "Always",
                "schedulerName": "default-scheduler",
                "securityContext": {},
                "terminationGracePeriodSeconds": 30
              }
            }
          },
          "status": {
            "replicas": 0
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(set).unwrap());
}

#[test]
fn a_rollout_from_the_first_to_the_last_pod() {
    let mut world = settled();
    world.image(2);
    world.settle();
    expect![[r#"
        deployment.CreateReplicaSet: rolling update: 3 wanted, surge 1, new 1 of 3
          Normal ScalingReplicaSet: Scaled up replica set web-ksrxc4fcf6 from 0 to 1
        deployment.UpdateStatus: revision 1 -> 2, condition Progressing is True (NewReplicaSetCreated)
        deployment.ScaleReplicaSet: rolling update: old web-rpq8kqhv47 3 -> 2, 1 above the minimum of 2 available
          Normal ScalingReplicaSet: Scaled down replica set web-rpq8kqhv47 from 3 to 2
        deployment.UpdateStatus: updated 3 -> 0, unavailable 0 -> 1, observed generation 1 -> 2
        deployment.ScaleReplicaSet: rolling update: 3 wanted, surge 1, new 2 of 3
          Normal ScalingReplicaSet: Scaled up replica set web-ksrxc4fcf6 from 1 to 2
        deployment.UpdateStatus: updated 0 -> 1, unavailable 1 -> 0, condition Progressing is True (ReplicaSetUpdated)
        deployment.ScaleReplicaSet: rolling update: old web-rpq8kqhv47 2 -> 0, 2 above the minimum of 2 available
          Normal ScalingReplicaSet: Scaled down replica set web-rpq8kqhv47 from 2 to 0
        deployment.UpdateStatus: replicas 3 -> 4, updated 1 -> 2, ready 3 -> 4, available 3 -> 4, condition Progressing refreshed
        deployment.ScaleReplicaSet: 3 wanted, nothing old left: new web-ksrxc4fcf6 2 -> 3
          Normal ScalingReplicaSet: Scaled up replica set web-ksrxc4fcf6 from 2 to 3
        deployment.UpdateStatus: replicas 4 -> 2, ready 4 -> 2, available 4 -> 2, condition Progressing refreshed
        deployment.UpdateStatus: replicas 2 -> 3, updated 2 -> 3, ready 2 -> 3, available 2 -> 3, condition Progressing is True (NewReplicaSetAvailable)
    "#]].assert_eq(&world.told());
}

#[test]
fn a_settled_deployment_is_left_alone() {
    let mut world = settled();
    for _ in 0..500 {
        let done = world.sync();
        assert_eq!((done.result, done.swallowed, done.requeue), (Ok(()), None, Requeue::Never));
    }
    assert_eq!(world.told(), "");
}

#[test]
fn rolling_back_makes_the_old_replica_set_the_new_one() {
    let mut world = settled();
    world.image(2);
    world.settle();
    world.image(1);
    world.told();
    world.settle();
    let revisions: Vec<_> = world.sets.values().map(|set| set["metadata"]["annotations"].clone()).collect();
    expect![[r#"
        [
          {
            "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
            "deployment.kubernetes.io/revision": "2"
          },
          {
            "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
            "deployment.kubernetes.io/revision": "3",
            "deployment.kubernetes.io/revision-history": "1"
          }
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&revisions).unwrap());
    assert_eq!(world.deployment["metadata"]["annotations"][REVISION], "3");
}

#[test]
fn recreate_waits_for_the_last_old_pod() {
    let mut world = rolling(2, 0, 1);
    world.change_spec(|spec| spec["strategy"] = json!({"type": "Recreate"}));
    world.settle();
    world.told();
    let old = world.sets.keys().next().unwrap().clone();
    world.image(2);
    world.unfinished.insert(format!("u-{old}").into(), 2);
    for _ in 0..3 {
        world.sync().result.unwrap();
        world.pods_follow(0);
    }
    assert_eq!(world.sets.len(), 1, "two pods are still there");
    world.unfinished.clear();
    world.sync().result.unwrap();
    expect![[r#"
        deployment.ScaleReplicaSet: recreate: old web-rpq8kqhv47 2 -> 0 before new pods start
          Normal ScalingReplicaSet: Scaled down replica set web-rpq8kqhv47 from 2 to 0
        deployment.UpdateStatus: updated 2 -> 0, observed generation 2 -> 3
        deployment.UpdateStatus: replicas 2 -> 0, ready 2 -> 0, available 2 -> 0, condition Available is False (MinimumReplicasUnavailable)
        deployment.CreateReplicaSet: recreate: the old pods are gone, 2 wanted
          Normal ScalingReplicaSet: Scaled up replica set web-ksrxc4fcf6 from 0 to 2
        deployment.UpdateStatus: revision 1 -> 2, condition Progressing is True (NewReplicaSetCreated)
        deployment.UpdateStatus: unavailable 0 -> 2
    "#]].assert_eq(&world.told());
}

#[test]
fn a_paused_deployment_scales_and_does_not_roll() {
    let mut world = settled();
    world.change_spec(|spec| spec["paused"] = true.into());
    world.image(2);
    world.change_spec(|spec| spec["replicas"] = 5.into());
    world.settle();
    assert_eq!(world.sets.len(), 1);
    world.change_spec(|spec| spec["paused"] = false.into());
    world.sync().result.unwrap();
    expect![[r#"
        deployment.UpdateStatus: condition Progressing is Unknown (DeploymentPaused)
        deployment.ScaleReplicaSet: scaling: web-rpq8kqhv47 3 -> 5
          Normal ScalingReplicaSet: Scaled up replica set web-rpq8kqhv47 from 3 to 5
        deployment.UpdateStatus: updated 3 -> 0, observed generation 1 -> 4, condition Available is False (MinimumReplicasUnavailable)
        deployment.UpdateStatus: replicas 3 -> 5, ready 3 -> 5, available 3 -> 5, condition Available is True (MinimumReplicasAvailable)
        deployment.UpdateStatus: condition Progressing is Unknown (DeploymentResumed)
        deployment.CreateReplicaSet: rolling update: 5 wanted, surge 1, new 1 of 5
          Normal ScalingReplicaSet: Scaled up replica set web-ksrxc4fcf6 from 0 to 1
        deployment.UpdateStatus: revision 1 -> 2, condition Progressing is True (NewReplicaSetCreated)
        deployment.ScaleReplicaSet: rolling update: old web-rpq8kqhv47 5 -> 4, 1 above the minimum of 4 available
          Normal ScalingReplicaSet: Scaled down replica set web-rpq8kqhv47 from 5 to 4
        deployment.UpdateStatus: unavailable 0 -> 1, observed generation 4 -> 5
    "#]].assert_eq(&world.told());
}

#[test]
fn pausing_does_not_hide_a_passed_deadline() {
    let mut world = settled();
    world.deployment["status"]["conditions"] = json!([{"type": "Progressing", "status": "False",
        "reason": "ProgressDeadlineExceeded", "lastUpdateTime": time(0), "lastTransitionTime": time(0)}]);
    world.change_spec(|spec| spec["paused"] = true.into());
    world.sync().result.unwrap();
    assert_eq!(world.deployment().condition("Progressing").unwrap().reason, "ProgressDeadlineExceeded");
}

#[test]
fn a_deployment_being_deleted_only_reports() {
    let mut world = rolling(3, 1, 1);
    world.deployment["metadata"]["deletionTimestamp"] = time(0).into();
    world.sync().result.unwrap();
    assert!(world.sets.is_empty());
    expect![[r#"
        deployment.UpdateStatus: terminating unset -> 0, observed generation 0 -> 1, condition Available is False (MinimumReplicasUnavailable)
    "#]].assert_eq(&world.told());
}

#[test]
fn a_selector_for_everything_is_refused() {
    let mut world = rolling(3, 1, 1);
    world.change_spec(|spec| spec["selector"] = json!({}));
    assert!(crate::deployment::claim_selector(&world.deployment()).is_none());
    world.sync().result.unwrap();
    world.sync().result.unwrap();
    expect![[r#"
          Warning SelectingAll: This deployment is selecting all pods. A non-empty selector is required.
        deployment.UpdateStatus: observed generation 0 -> 2
          Warning SelectingAll: This deployment is selecting all pods. A non-empty selector is required.
    "#]]
    .assert_eq(&world.told());
}

#[test]
fn what_cannot_be_understood_is_an_error_and_no_write() {
    let error = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut world = World::new(deployment_json(1));
        world.change_spec(|spec| change(spec));
        let text = world.sync().result.unwrap_err().message;
        assert_eq!(world.told(), "");
        text
    };
    expect!["unexpected deployment strategy type: Sideways"]
        .assert_eq(&error(&|spec| spec["strategy"]["type"] = "Sideways".into()));
    expect!["deployment shop/web has an invalid label selector: spec.selector is missing"]
        .assert_eq(&error(&|spec| spec["selector"] = json!(null)));
}

#[test]
fn a_create_that_the_cache_does_not_show_yet_is_found() {
    let mut world = rolling(3, 1, 1);
    world.sync().result.unwrap();
    world.told();
    world.hidden = std::mem::take(&mut world.sets);
    world.deployment["metadata"]["annotations"] = json!({});
    assert_eq!(world.sync().result, Ok(()));
    expect![[r#"
        deployment.CreateReplicaSet: first revision: 3 wanted
        find web-rpq8kqhv47
        deployment.UpdateStatus: revision 1
    "#]]
    .assert_eq(&world.told());
}

#[test]
fn a_name_taken_by_something_else_counts_a_collision_and_is_tried_anew() {
    let mut world = rolling(3, 1, 1);
    world.sync().result.unwrap();
    world.told();
    world.hidden = std::mem::take(&mut world.sets);
    for set in world.hidden.values_mut() {
        set["spec"]["template"]["spec"]["containers"][0]["image"] = "edited".into();
    }
    assert_eq!(world.sync().result.unwrap_err().kind, FailureKind::AlreadyExists);
    assert_eq!(world.deployment["status"]["collisionCount"], 1);
    world.sync().result.unwrap();
    expect![[r#"
        deployment.CreateReplicaSet: first revision: 3 wanted
        find web-rpq8kqhv47
        deployment.UpdateStatus: collisions unset -> 1
        deployment.CreateReplicaSet: first revision: 3 wanted
          Normal ScalingReplicaSet: Scaled up replica set web-tx4hbnx4dl from 0 to 3
    "#]]
    .assert_eq(&world.told());
    assert_ne!(world.sets.keys().next(), world.hidden.keys().next());
}

#[test]
fn a_create_that_fails_is_reported_and_retried() {
    let mut world = rolling(3, 1, 1);
    world.fault = fail_once("deployment.CreateReplicaSet", FailureKind::Other);
    let done = world.sync();
    assert_eq!(done.result.unwrap_err().message, "deployment.CreateReplicaSet went wrong");
    world.sync().result.unwrap();
    expect![[r#"
        deployment.CreateReplicaSet: first revision: 3 wanted
          failed: deployment.CreateReplicaSet went wrong
        deployment.UpdateStatus: condition Progressing is False (ReplicaSetCreateError)
          Warning ReplicaSetCreateError: Failed to create new replica set "web-rpq8kqhv47": deployment.CreateReplicaSet went wrong
        deployment.CreateReplicaSet: first revision: 3 wanted
          Normal ScalingReplicaSet: Scaled up replica set web-rpq8kqhv47 from 0 to 3
        deployment.UpdateStatus: revision 1, condition Progressing is True (NewReplicaSetCreated)
        deployment.UpdateStatus: unavailable 0 -> 3, terminating unset -> 0, observed generation 0 -> 1, condition Available is False (MinimumReplicasUnavailable)
    "#]].assert_eq(&world.told());
}

#[test]
fn nothing_is_reported_while_the_namespace_is_deleted() {
    let mut world = rolling(3, 1, 1);
    world.fault = fail_once("deployment.CreateReplicaSet", FailureKind::NamespaceTerminating);
    assert_eq!(world.sync().result.unwrap_err().kind, FailureKind::NamespaceTerminating);
    expect![[r#"
        deployment.CreateReplicaSet: first revision: 3 wanted
          failed: deployment.CreateReplicaSet went wrong
    "#]]
    .assert_eq(&world.told());
}

#[test]
fn a_failed_scale_down_does_not_stop_the_status_and_is_retried() {
    let mut world = rolling(3, 0, 1);
    world.settle();
    world.image(2);
    world.told();
    world.fault = fail_once("deployment.ScaleReplicaSet", FailureKind::Other);
    let done = world.sync();
    assert_eq!((done.result, done.requeue), (Ok(()), Requeue::RateLimited));
    assert_eq!(done.swallowed.unwrap().message, "deployment.ScaleReplicaSet went wrong");
    world.sync().result.unwrap();
    expect![[r#"
        deployment.CreateReplicaSet: rolling update: 3 wanted, surge 0, new 0 of 3
        deployment.UpdateStatus: revision 1 -> 2, condition Progressing is True (NewReplicaSetCreated)
        deployment.ScaleReplicaSet: rolling update: old web-rpq8kqhv47 3 -> 2, 1 above the minimum of 2 available
          failed: deployment.ScaleReplicaSet went wrong
        deployment.UpdateStatus: updated 3 -> 0, observed generation 1 -> 2
        deployment.ScaleReplicaSet: rolling update: old web-rpq8kqhv47 3 -> 2, 1 above the minimum of 2 available
          Normal ScalingReplicaSet: Scaled down replica set web-rpq8kqhv47 from 3 to 2
    "#]].assert_eq(&world.told());
}

#[test]
fn a_conflict_anywhere_ends_the_sync_with_it() {
    let mut world = rolling(3, 1, 1);
    world.fault = fail_once("deployment.UpdateStatus", FailureKind::Conflict);
    assert_eq!(world.sync().result.unwrap_err().kind, FailureKind::Conflict);
    world.settle();
    assert_eq!(world.deployment().status.available_replicas, 3);
}

#[test]
fn annotations_go_down_but_not_the_stamps() {
    let mut world = settled();
    world.deployment["metadata"]["annotations"]["team"] = "shop".into();
    world.deployment["metadata"]["annotations"]["tracing.k8s.io/traceparent"] = "00-1-2-01".into();
    world.deployment["metadata"]["annotations"]["kontext.dev/cause"] = "{}".into();
    world.settle();
    expect![[r#"
        deployment.UpdateReplicaSet: the deployment's annotations team
    "#]]
    .assert_eq(&world.told());
    let annotations =
        world.sets.values().next().unwrap()["metadata"]["annotations"].as_object().unwrap().clone();
    assert_eq!(annotations["team"], "shop");
    assert!(
        annotations.keys().all(|key| !key.contains("trace") && !key.contains("kontext")),
        "{annotations:?}"
    );
}

#[test]
fn a_deadline_passes_and_the_rollout_recovers() {
    let mut world = settled();
    world.change_spec(|spec| spec["progressDeadlineSeconds"] = 10.into());
    world.image(2);
    for _ in 0..6 {
        world.sync().result.unwrap();
        world.pods_follow(0);
    }
    let done = world.sync();
    assert_eq!(done.requeue, Requeue::After(std::time::Duration::from_secs(11)));
    world.told();
    world.now += 11;
    world.sync().result.unwrap();
    world.settle();
    expect![[r#"
        deployment.UpdateStatus: condition Progressing is False (ProgressDeadlineExceeded)
        deployment.ScaleReplicaSet: rolling update: old web-rpq8kqhv47 2 -> 0, 2 above the minimum of 2 available
          Normal ScalingReplicaSet: Scaled down replica set web-rpq8kqhv47 from 2 to 0
        deployment.UpdateStatus: ready 2 -> 4, available 2 -> 4, unavailable 2 -> 0, condition Progressing is True (ReplicaSetUpdated)
        deployment.ScaleReplicaSet: 3 wanted, nothing old left: new web-ksrxc4fcf6 2 -> 3
          Normal ScalingReplicaSet: Scaled up replica set web-ksrxc4fcf6 from 2 to 3
        deployment.UpdateStatus: replicas 4 -> 2, ready 4 -> 2, available 4 -> 2, condition Progressing refreshed
        deployment.UpdateStatus: replicas 2 -> 3, updated 2 -> 3, ready 2 -> 3, available 2 -> 3, condition Progressing is True (NewReplicaSetAvailable)
    "#]].assert_eq(&world.told());
}

#[test]
fn the_rollback_annotation_is_obeyed_and_cleared() {
    let ask = |world: &mut World, revision: &str| {
        world.deployment["metadata"]["annotations"][ROLLBACK_TO] = revision.into();
        world.sync().result.unwrap();
        assert!(world.deployment["metadata"]["annotations"].get(ROLLBACK_TO).is_none());
        world.told()
    };
    let mut world = settled();
    expect![[r#"
          Warning DeploymentRollbackRevisionNotFound: Unable to find last revision.
        deployment.Rollback: rollback: Unable to find last revision.
    "#]]
    .assert_eq(&ask(&mut world, "0"));
    expect![[r#"
          Warning DeploymentRollbackRevisionNotFound: Unable to find the revision to rollback to.
        deployment.Rollback: rollback: Unable to find the revision to rollback to.
    "#]]
    .assert_eq(&ask(&mut world, "7"));
    expect![[r#"
          Warning DeploymentRollbackTemplateUnchanged: The rollback revision contains the same template as current deployment "web"
        deployment.Rollback: rollback: the template is that of the revision already
    "#]].assert_eq(&ask(&mut world, "1"));
    world.image(2);
    world.settle();
    world.told();
    expect![[r#"
        deployment.Rollback: rollback: back to revision 1 (web-rpq8kqhv47)
          Normal DeploymentRollback: Rolled back deployment "web" to revision 1
    "#]]
    .assert_eq(&ask(&mut world, "0"));
    assert_eq!(
        world.deployment["spec"]["template"]["spec"]["containers"][0]["image"],
        "registry.example/web:1"
    );
    world.deployment["metadata"]["annotations"][ROLLBACK_TO] = "soon".into();
    world.settle();
    assert_eq!(
        world.deployment["metadata"]["annotations"][ROLLBACK_TO], "soon",
        "what is no number is ignored"
    );
}

#[test]
fn a_revision_that_is_no_number_keeps_annotations_from_being_copied() {
    let mut world = settled();
    let name = world.sets.keys().next().unwrap().clone();
    world.sets.get_mut(&name).unwrap()["metadata"]["annotations"][REVISION] = "odd".into();
    world.deployment["metadata"]["annotations"]["team"] = "shop".into();
    world.settle();
    assert!(world.sets[&name]["metadata"]["annotations"].get("team").is_none());
    assert_eq!(world.deployment["metadata"]["annotations"][REVISION], "odd");
}

#[test]
fn the_oldest_of_equal_replica_sets_is_the_new_one() {
    let mut world = rolling(3, 1, 1);
    world.add("younger", 1, 3, 20);
    world.add("elder", 1, 0, 10);
    world.settle();
    assert_eq!(world.sizes(), "elder=3 younger=0");
}

#[test]
fn min_ready_seconds_reach_the_replica_set() {
    let mut world = settled();
    world.change_spec(|spec| spec["minReadySeconds"] = 5.into());
    world.settle();
    expect![[r#"
        deployment.UpdateReplicaSet: minReadySeconds 0 -> 5
        deployment.UpdateStatus: observed generation 1 -> 2
    "#]]
    .assert_eq(&world.told());
    assert_eq!(world.sets.values().next().unwrap()["spec"]["minReadySeconds"], 5);
    world.change_spec(|spec| drop(spec.as_object_mut().unwrap().remove("minReadySeconds")));
    world.settle();
    assert!(world.sets.values().next().unwrap()["spec"].get("minReadySeconds").is_none());
}

#[test]
fn a_replica_set_that_is_there_already_is_found_and_announced() {
    let mut world = rolling(3, 1, 1);
    world.add("web-made-by-upstream", 1, 3, 0);
    world.settle();
    expect![[r#"
        deployment.UpdateStatus: revision 1, condition Progressing is True (FoundNewReplicaSet)
        deployment.UpdateStatus: replicas 0 -> 3, updated 0 -> 3, ready 0 -> 3, available 0 -> 3, terminating unset -> 0, observed generation 0 -> 1, condition Available is True (MinimumReplicasAvailable), condition Progressing is True (NewReplicaSetAvailable)
    "#]].assert_eq(&world.told());
    assert_eq!(world.sets.len(), 1);
}

#[test]
fn a_look_up_that_finds_nothing_is_retried() {
    let mut world = rolling(3, 1, 1);
    world.fault = fail_once("deployment.CreateReplicaSet", FailureKind::AlreadyExists);
    assert_eq!(world.sync().result.unwrap_err().kind, FailureKind::NotFound);
    world.sync().result.unwrap();
    assert_eq!(world.sets.len(), 1);
}

#[test]
fn a_result_of_the_wrong_kind_is_an_error() {
    let (deployment, annotations) = (rolling(3, 1, 1).deployment().into(), AnnotationRules::default());
    let observed = Observed {
        deployment: &deployment,
        replica_sets: &[],
        unfinished_pods: &std::collections::HashMap::new(),
        now: crate::fixtures::at(0),
        annotations: &annotations,
    };
    let Next::Done(done) = next(&observed, &[StepResult::Done]) else { panic!("it goes on") };
    assert_eq!(done.result.unwrap_err().message, "a step was to return a ReplicaSet and returned nothing");
}
