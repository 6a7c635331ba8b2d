//! Which pods are a ReplicaSet's: adopting orphans, letting go, leaving alone what is somebody else's.

mod support;

use anyhow::Result;
use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use kontext_testbed::{Server, on_both_servers};
use kube::ResourceExt;
use serde_json::{Value, json};
use support::*;

/// The pod's ownerReferences as `Kind/name controller`.
fn owners(pod: &Pod) -> Vec<String> {
    let mut owners: Vec<String> = pod
        .owner_references()
        .iter()
        .map(|owner| format!("{}/{} {}", owner.kind, owner.name, owner.controller == Some(true)))
        .collect();
    owners.sort();
    owners
}

fn owner(kind: &str, name: &str, uid: &str, controller: bool) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": controller})
}

/// A pod that matches the ReplicaSet `web`, with one owner at most.
async fn pod_owned_by(scene: &Scene, name: &str, owner: Option<Value>) -> Result<Pod> {
    let mut pod = bare_pod(name, "web");
    pod["metadata"]["ownerReferences"] = owner.into_iter().collect();
    scene.create(pod).await
}

const STRANGER: &str = "0a1b2c3d-0000-4000-8000-00000000000f";

on_both_servers! {
    async fn an_owner_that_is_not_the_controller_yet_becomes_it_in_place(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let set = scene.create::<ReplicaSet>(replica_set("web", 0)).await?;
        scene.until_counts("web", Counts::pods(0)).await?;
        let uid = set.uid().expect("has one");
        // Made while one is wanted, so that it is kept.
        scene.merge::<ReplicaSet>("web", "alice", json!({"spec": {"replicas": 1}})).await?;
        let made = scene.until_pods(1).await?.remove(0);
        scene.merge::<Pod>(&made.name_any(), "alice", json!({"metadata": {"ownerReferences": [owner("ReplicaSet", "web", &uid, false)]}})).await?;
        let pod = scene.until_object::<Pod>(&made.name_any(), "it is controlled again", |pod| {
            is(owners(pod), vec!["ReplicaSet/web true".to_owned()])
        }).await?;
        assert_eq!(controller_of(&pod).expect("has one").block_owner_deletion, Some(true));
        scene.until_counts("web", Counts::pods(1)).await?;
        if scene.is_ours() {
            let stamp = cause_of(&pod).expect("stamped");
            assert_eq!(&*stamp.action, "replicaset.AdoptPod");
            assert_eq!(&*stamp.subject.name, "web");
        }
        scene.every_write_tells_why().await
    }

    async fn a_pod_without_an_owner_is_adopted_and_counts(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let orphan = pod_owned_by(&scene, "orphan", None).await?;
        scene.until_seen().await?;
        scene.create::<ReplicaSet>(replica_set("web", 1)).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.settle().await?;
        let pods = scene.pods().await?;
        assert_eq!(names(&pods), ["orphan"], "one is wanted and one is there");
        assert_eq!(pods[0].uid(), orphan.uid());
        assert_eq!(owners(&pods[0]), ["ReplicaSet/web true"]);
        assert_eq!(scene.said("ReplicaSet", "web").await?, Vec::<String>::new(), "adopting is told by no Event");
        scene.every_write_tells_why().await
    }

    async fn a_pod_with_a_bystander_as_owner_gets_the_controller_beside_it(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        pod_owned_by(&scene, "shared", Some(owner("StatefulSet", "other", STRANGER, false))).await?;
        scene.until_seen().await?;
        scene.create::<ReplicaSet>(replica_set("web", 1)).await?;
        scene.until_object::<Pod>("shared", "it is adopted", |pod| {
            is(owners(pod), vec!["ReplicaSet/web true".to_owned(), "StatefulSet/other false".to_owned()])
        }).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.every_write_tells_why().await
    }

    async fn a_pod_that_is_ours_already_is_left_as_it_is(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<ReplicaSet>(replica_set("web", 1)).await?;
        let made = scene.until_pods(1).await?.remove(0);
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.merge::<ReplicaSet>("web", "alice", json!({"metadata": {"labels": {"seen": "again"}}})).await?;
        scene.settle().await?;
        let pod = scene.pods().await?.remove(0);
        assert_eq!(pod.metadata.resource_version, made.metadata.resource_version, "nobody wrote it again");
        assert_eq!(owners(&pod), ["ReplicaSet/web true"]);
        scene.every_write_tells_why().await
    }

    async fn a_pod_of_another_controller_is_not_touched_and_not_counted(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let theirs = pod_owned_by(&scene, "theirs", Some(owner("ReplicaSet", "other", STRANGER, true))).await?;
        scene.create::<ReplicaSet>(replica_set("web", 1)).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        let pods = scene.until_pods(2).await?;
        let still = pods.iter().find(|pod| pod.name_any() == "theirs").expect("is there");
        assert_eq!(still.metadata.resource_version, theirs.metadata.resource_version);
        assert_eq!(owners(still), ["ReplicaSet/other true"]);
        scene.every_write_tells_why().await
    }

    async fn two_replica_sets_with_one_selector_have_pods_of_their_own(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        for (name, replicas) in [("one", 1), ("two", 2)] {
            let mut set = replica_set("web", replicas);
            set["metadata"]["name"] = name.into();
            scene.create::<ReplicaSet>(set).await?;
        }
        let one = scene.until_counts("one", Counts::pods(1)).await?;
        let two = scene.until_counts("two", Counts::pods(2)).await?;
        scene.settle().await?;
        let pods = scene.pods().await?;
        assert_eq!(pods.len(), 3);
        assert_eq!((pods_of(&pods, &one).len(), pods_of(&pods, &two).len()), (1, 2));
        scene.every_write_tells_why().await
    }

    async fn a_pod_leaves_with_its_label_and_comes_back_with_it(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let set = scene.create::<ReplicaSet>(replica_set("web", 1)).await?;
        let first = scene.until_pods(1).await?.remove(0).name_any();
        // Once the pod's creation is counted it is no cause of the next reconcile any more, beside the change.
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.merge::<Pod>(&first, "alice", json!({"metadata": {"labels": {"app": "debug"}}})).await?;
        let released = scene.until_object::<Pod>(&first, "it is let go", |pod| is(owners(pod), vec![])).await?;
        if scene.is_ours() {
            let stamp = cause_of(&released).expect("stamped");
            assert_eq!(&*stamp.action, "replicaset.ReleasePod");
            let origin = stamp.origin.expect("known").to_string();
            // Who, too, where the clock ticked between the loop's write and alice's: managedFields has whole seconds.
            assert!(origin.contains(&format!("changed Pod {first}, generation 1 (metadata.labels)")), "{origin}");
        }
        let pods = scene.until_pods(2).await?;
        let second = pods.iter().find(|pod| pod.name_any() != first).expect("the one in its place").clone();
        assert!(is_controlled_by(&second, &set));
        scene.until_counts("web", Counts::pods(1)).await?;
        // It comes back dearer than the one that took its place, so that it is that one that goes.
        let dear = json!({"metadata": {"labels": {"app": "web"}, "annotations": {"controller.kubernetes.io/pod-deletion-cost": "10"}}});
        scene.merge::<Pod>(&first, "alice", dear).await?;
        scene.until_object::<Pod>(&first, "it is back", |pod| is(owners(pod), vec!["ReplicaSet/web true".to_owned()])).await?;
        let left = scene.until_pods(1).await?;
        assert_eq!(names(&left), [&*first]);
        scene.until_counts("web", Counts::pods(1)).await?;
        let mut first_pod = second.clone();
        first_pod.metadata.name = Some(first);
        scene.until_said("ReplicaSet", "web", &[created(&first_pod), created(&second), deleted(&second)]).await?;
        scene.every_write_tells_why().await
    }

    async fn orphans_beyond_the_wanted_size_are_adopted_and_deleted(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        for name in ["a", "b", "c"] {
            pod_owned_by(&scene, name, None).await?;
        }
        scene.until_seen().await?;
        scene.create::<ReplicaSet>(replica_set("web", 2)).await?;
        let set = scene.until_counts("web", Counts::pods(2)).await?;
        let left = scene.until_pods(2).await?;
        assert!(left.iter().all(|pod| is_controlled_by(pod, &set)));
        assert!(left.iter().all(|pod| ["a", "b", "c"].contains(&&*pod.name_any())), "none was made");
        let mut gone = left[0].clone();
        gone.metadata.name = ["a", "b", "c"].iter().find(|name| !names(&left).contains(&(**name).to_owned())).map(|name| (*name).to_owned());
        scene.until_said("ReplicaSet", "web", &[deleted(&gone)]).await?;
        scene.every_write_tells_why().await
    }
}
