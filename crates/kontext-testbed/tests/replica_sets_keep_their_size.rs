//! How many pods a ReplicaSet has, which it deletes, and what its status says.

mod support;

use anyhow::Result;
use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use kontext_testbed::{Server, on_both_servers};
use kube::{
    ResourceExt,
    api::{DeleteParams, PostParams, PropagationPolicy},
};
use serde_json::json;
use support::*;

/// A moment so many minutes ago, as conditions have it.
fn minutes_ago(minutes: i64) -> String {
    let moment = k8s_openapi::jiff::Timestamp::now() - k8s_openapi::jiff::SignedDuration::from_mins(minutes);
    format!("{moment:.0}")
}

async fn resize(scene: &Scene, replicas: i32) -> Result<ReplicaSet> {
    scene.merge("web", "alice", json!({"spec": {"replicas": replicas}})).await
}

/// Two pods with these deletion costs; which of them is left when one is wanted.
async fn left_of(scene: &Scene, costs: [Option<&str>; 2]) -> Result<(Vec<String>, String)> {
    resize(scene, 2).await?;
    let pods = scene.until_pods(2).await?;
    for (pod, cost) in pods.iter().zip(costs) {
        let cost = json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": cost}}});
        scene.merge::<Pod>(&pod.name_any(), "alice", cost).await?;
    }
    scene.until_seen().await?;
    resize(scene, 1).await?;
    let left = scene.until_pods(1).await?.remove(0);
    scene.until_counts("web", Counts::pods(1)).await?;
    Ok((names(&pods), left.name_any()))
}

on_both_servers! {
    async fn the_selector_cannot_be_changed(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 0)).await?;
        let other = json!({"spec": {
            "selector": {"matchLabels": {"app": "other"}}, "template": {"metadata": {"labels": {"app": "other"}}}}});
        let refused = scene.merge::<ReplicaSet>("web", "alice", other).await.expect_err("immutable");
        let status = match refused.downcast::<kube::Error>()? {
            kube::Error::Api(status) => status,
            other => anyhow::bail!("{other}"),
        };
        assert_eq!((status.code, &*status.reason), (422, "Invalid"));
        let details = status.details.expect("says what");
        let causes: Vec<_> = details.causes.iter().map(|cause| (&*cause.field, &*cause.reason)).collect();
        assert_eq!(causes, [("spec.selector", "FieldValueInvalid")]);
        assert!(details.causes[0].message.ends_with("field is immutable"), "{}", details.causes[0].message);
        scene.every_write_tells_why().await
    }

    async fn pods_follow_the_wanted_size_up_and_down_and_to_nothing(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 2)).await?;
        let two = scene.until_pods(2).await?;
        scene.until_counts("web", Counts::pods(2)).await?;
        scene.until_said("ReplicaSet", "web", &[created(&two[0]), created(&two[1])]).await?;
        resize(&scene, 4).await?;
        scene.until_counts("web", Counts::pods(4)).await?;
        resize(&scene, 1).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.until_pods(1).await?;
        resize(&scene, 0).await?;
        scene.until_counts("web", Counts::pods(0)).await?;
        scene.until_pods(0).await?;
        let said = scene.said("ReplicaSet", "web").await?;
        let count = |word: &str| said.iter().filter(|sentence| sentence.contains(word)).count();
        assert_eq!((count("SuccessfulCreate"), count("SuccessfulDelete")), (4, 4), "{said:#?}");
        scene.every_write_tells_why().await
    }

    async fn a_change_that_concerns_no_pod_is_observed_and_nothing_else(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 1)).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        let before = scene.until_pods(1).await?.remove(0);
        let note = json!({"spec": {"template": {"metadata": {"annotations": {"note": "new"}}}}});
        let changed = scene.merge::<ReplicaSet>("web", "alice", note).await?;
        assert_eq!(changed.metadata.generation, Some(2));
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.settle().await?;
        let after = scene.pods().await?;
        assert_eq!(names(&after), [before.name_any()]);
        assert_eq!(after[0].metadata.resource_version, before.metadata.resource_version);
        scene.every_write_tells_why().await
    }

    async fn pods_that_failed_or_are_going_are_replaced_and_left_alone(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 2)).await?;
        let old = scene.until_pods(2).await?;
        scene.until_counts("web", Counts::pods(2)).await?;
        scene.hold(&old[0]).await?;
        scene.api::<Pod>().delete(&old[0].name_any(), &DeleteParams::default()).await?;
        scene.pod_status(&old[1].name_any(), json!({"phase": "Failed"})).await?;
        let all = scene.until_all_pods("both have somebody in their place", |pods| {
            is(pods.len(), 4).map(|()| pods)
        }).await?;
        scene.until_counts("web", Counts { terminating: 1, ..Counts::pods(2) }).await?;
        scene.settle().await?;
        let still = scene.until_all_pods("none went", |pods| is(pods.len(), 4).map(|()| pods)).await?;
        let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
        let failed = still.iter().find(|pod| pod.name_any() == old[1].name_any()).expect("is there");
        assert_eq!(phase(failed).as_deref(), Some("Failed"));
        assert!(failed.metadata.deletion_timestamp.is_none());
        let mut new: Vec<&Pod> = all.iter().filter(|pod| !names(&old).contains(&pod.name_any())).collect();
        new.sort_by_key(|pod| pod.name_any());
        let said: Vec<String> = old.iter().chain(new).map(created).collect();
        scene.until_said("ReplicaSet", "web", &said).await?;
        scene.let_go(&old[0]).await?;
        scene.until_counts("web", Counts::pods(2)).await?;
        scene.every_write_tells_why().await
    }

    async fn the_pod_that_is_cheapest_to_delete_goes(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 0)).await?;
        let (pods, left) = left_of(&scene, [Some("200"), Some("100")]).await?;
        assert_eq!(left, pods[0]);
        resize(&scene, 0).await?;
        scene.until_pods(0).await?;
        let (pods, left) = left_of(&scene, [Some("-1"), Some("0")]).await?;
        assert_eq!(left, pods[1], "a negative cost is less than none");
        resize(&scene, 0).await?;
        scene.until_pods(0).await?;
        let (pods, left) = left_of(&scene, [Some("1"), None]).await?;
        assert_eq!(left, pods[0], "no cost is 0");
        resize(&scene, 0).await?;
        scene.until_pods(0).await?;
        let (pods, left) = left_of(&scene, [Some("7"), Some("7")]).await?;
        assert!(pods.contains(&left), "equal costs decide nothing");
        scene.every_write_tells_why().await
    }

    async fn readiness_is_stronger_than_the_cost_of_deletion(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 2)).await?;
        let pods = scene.until_pods(2).await?;
        let dear = json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "100"}}});
        scene.merge::<Pod>(&pods[0].name_any(), "alice", dear).await?;
        set_ready(&scene.api(), &pods[0].name_any(), false).await?;
        scene.make_ready(&pods[1..]).await?;
        scene.until_counts("web", Counts { ready: 1, available: 1, ..Counts::pods(2) }).await?;
        resize(&scene, 1).await?;
        assert_eq!(names(&scene.until_pods(1).await?), [pods[1].name_any()]);
        if scene.is_ours() {
            // What was chosen, and why, stands in the Event's stamp: a delete has nowhere else to leave it.
            let said = scene.until("the deletion is told", || async {
                let events = scene.events().await?;
                let found = events.into_iter().find(|event| event.reason.as_deref() == Some("SuccessfulDelete"));
                Ok(found.ok_or_else(|| "no such Event".to_owned()))
            }).await?;
            let stamp = cause_of(&said).expect("stamped");
            assert_eq!((&*stamp.action, &*stamp.reason), ("replicaset.DeletePod", "1 more than 1 wanted; not ready first"));
        }
        scene.every_write_tells_why().await
    }

    async fn a_pod_is_available_when_it_was_ready_for_long_enough(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut set = replica_set("web", 3);
        set["spec"]["minReadySeconds"] = 3600.into();
        scene.create::<ReplicaSet>(set).await?;
        let pods = scene.until_pods(3).await?;
        for (pod, minutes) in pods.iter().zip([120, 1]) {
            let ready = json!({"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": minutes_ago(minutes)}]});
            scene.pod_status(&pod.name_any(), ready).await?;
        }
        scene.until_counts("web", Counts { ready: 2, available: 1, ..Counts::pods(3) }).await?;
        scene.every_write_tells_why().await
    }

    async fn a_pod_becomes_available_by_time_alone(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut set = replica_set("web", 1);
        set["spec"]["minReadySeconds"] = 3.into();
        scene.create::<ReplicaSet>(set).await?;
        let pods = scene.until_pods(1).await?;
        scene.make_ready(&pods).await?;
        // Nothing happens from here on but time.
        scene.until_counts("web", Counts { ready: 1, available: 1, ..Counts::pods(1) }).await?;
        let pod = scene.pods().await?.remove(0);
        let conditions = pod.status.and_then(|status| status.conditions).expect("has some");
        let since = conditions.iter().find(|one| one.type_ == "Ready").and_then(|one| one.last_transition_time.clone());
        let ready_for = k8s_openapi::jiff::Timestamp::now().duration_since(since.expect("has one").0);
        assert!(ready_for >= k8s_openapi::jiff::SignedDuration::from_secs(3), "{ready_for}");
        scene.every_write_tells_why().await
    }

    async fn the_size_can_be_read_and_written_at_scale(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 1)).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        let api = scene.api::<ReplicaSet>();
        let mut scale = api.get_scale("web").await?;
        assert_eq!(scale.spec.as_ref().and_then(|spec| spec.replicas), Some(1));
        let status = scale.status.clone().expect("has one");
        assert_eq!((status.replicas, status.selector.as_deref()), (1, Some("app=web")));
        scale.spec.as_mut().expect("has one").replicas = Some(2);
        let answer = api.replace_scale("web", &PostParams::default(), &scale).await?;
        assert_eq!(answer.spec.and_then(|spec| spec.replicas), Some(2));
        scene.until_counts("web", Counts::pods(2)).await?;
        scene.until_pods(2).await?;
        scene.every_write_tells_why().await
    }

    async fn pods_that_lost_a_label_of_the_template_are_counted_apart(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut set = replica_set("web", 2);
        set["spec"]["template"]["metadata"]["labels"]["tier"] = "front".into();
        scene.create::<ReplicaSet>(set).await?;
        scene.until_counts("web", Counts::pods(2)).await?;
        let pod = scene.until_pods(2).await?.remove(0);
        scene.merge::<Pod>(&pod.name_any(), "alice", json!({"metadata": {"labels": {"tier": null}}})).await?;
        scene.until_counts("web", Counts { labeled: 1, ..Counts::pods(2) }).await?;
        scene.every_write_tells_why().await
    }

    async fn deleting_a_replica_set_leaves_it_no_finalizer_but_its_own(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut set = replica_set("web", 2);
        set["metadata"]["finalizers"] = json!([HOLD]);
        scene.create::<ReplicaSet>(set).await?;
        let pods = scene.until_pods(2).await?;
        scene.until_counts("web", Counts::pods(2)).await?;
        scene.api::<ReplicaSet>().delete("web", &DeleteParams::default()).await?;
        let going = scene.until_object::<ReplicaSet>("web", "it is going", |set| {
            is(set.metadata.deletion_timestamp.is_some(), true)
        }).await?;
        assert_eq!(going.finalizers(), [HOLD]);
        // Going, it makes no more pods.
        scene.api::<Pod>().delete(&pods[0].name_any(), &DeleteParams::default()).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.settle().await?;
        assert_eq!(names(&scene.pods().await?), [pods[1].name_any()]);
        scene.every_write_tells_why().await?;
        scene.merge::<ReplicaSet>("web", "alice", json!({"metadata": {"finalizers": null}})).await?;
        Ok(())
    }

    async fn pods_left_by_a_replica_set_become_the_next_ones(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.create::<ReplicaSet>(replica_set("web", 2)).await?;
        let pods = scene.until_pods(2).await?;
        scene.until_counts("web", Counts::pods(2)).await?;
        // What the garbage collector does for `--cascade=orphan`.
        let orphan = DeleteParams { propagation_policy: Some(PropagationPolicy::Orphan), ..DeleteParams::default() };
        scene.api::<ReplicaSet>().delete("web", &orphan).await?;
        scene.until_object::<ReplicaSet>("web", "it waits for its pods", |set| is(set.finalizers(), &["orphan".to_owned()])).await?;
        for pod in &pods {
            scene.merge::<Pod>(&pod.name_any(), "garbage-collector", json!({"metadata": {"ownerReferences": null}})).await?;
        }
        scene.merge::<ReplicaSet>("web", "garbage-collector", json!({"metadata": {"finalizers": null}})).await?;
        let second = scene.create::<ReplicaSet>(replica_set("web", 2)).await?;
        assert_ne!(first.uid(), second.uid());
        scene.until_counts("web", Counts::pods(2)).await?;
        scene.settle().await?;
        let after = scene.pods().await?;
        assert_eq!(names(&after), names(&pods), "none made, none deleted");
        assert!(after.iter().all(|pod| is_controlled_by(pod, &second)));
        scene.every_write_tells_why().await
    }

    async fn pods_being_deleted_are_counted_until_they_are_gone(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut set = replica_set("web", 3);
        // On a node, a pod has time to end: nobody but a kubelet can say that it did.
        set["spec"]["template"]["spec"]["nodeName"] = "somewhere".into();
        scene.create::<ReplicaSet>(set).await?;
        let pods = scene.until_pods(3).await?;
        scene.until_counts("web", Counts::pods(3)).await?;
        let api = scene.api::<Pod>();
        for pod in &pods[..2] {
            api.delete(&pod.name_any(), &DeleteParams::default()).await?;
        }
        scene.until_pods(3).await?;
        scene.until_counts("web", Counts { terminating: 2, ..Counts::pods(3) }).await?;
        // One that failed while going is over.
        scene.pod_status(&pods[0].name_any(), json!({"phase": "Failed"})).await?;
        scene.until_counts("web", Counts { terminating: 1, ..Counts::pods(3) }).await?;
        api.delete(&pods[1].name_any(), &DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() }).await?;
        scene.until_counts("web", Counts::pods(3)).await?;
        resize(&scene, 0).await?;
        scene.until_counts("web", Counts { terminating: 3, ..Counts::pods(0) }).await?;
        scene.every_write_tells_why().await
    }
}
