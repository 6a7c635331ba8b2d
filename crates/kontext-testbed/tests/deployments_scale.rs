//! Sizes: while paused, while rolling, by `/scale`, and in proportion.

mod support;

use anyhow::Result;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kontext_testbed::{Server, on_both_servers};
use kube::{ResourceExt, api::PostParams};
use serde_json::{Value, json};
use support::*;

async fn change(scene: &Scene, spec: Value) -> Result<Deployment> {
    scene.merge("web", "alice", json!({ "spec": spec })).await
}

/// Waits until the ReplicaSets have these sizes, by revision.
async fn until_sizes_by_revision(scene: &Scene, wanted: &[i32]) -> Result<Vec<ReplicaSet>> {
    scene
        .until(&format!("the sizes by revision are {wanted:?}"), || async {
            let mut sets = scene.sets().await?;
            sets.sort_by_key(|set| annotation(set, "revision").parse::<i64>().unwrap_or(0));
            let sizes: Vec<i32> = sets.iter().map(size).collect();
            Ok(is(&*sizes, wanted).map(|()| sets))
        })
        .await
}

on_both_servers! {
    async fn pods_follow_the_wanted_size(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let set = scene.rolled_out(deployment("web", 2)).await?;
        let kubelet = scene.keep_ready();
        for (replicas, bookkept) in [(4, ["1", "", "4", "5"]), (0, ["1", "", "0", "0"]), (1, ["1", "", "1", "2"])] {
            change(&scene, json!({"replicas": replicas})).await?;
            scene.until_rolled_out("web").await?;
            scene.until_totals("web", Totals::done(replicas)).await?;
            let sets = scene.until_sizes(&[replicas]).await?;
            assert_eq!(bookkeeping(&sets[0]), bookkept);
        }
        let said = [scaled(&set, 0, 2), scaled(&set, 2, 4), scaled(&set, 4, 0), scaled(&set, 0, 1)];
        scene.until_said("Deployment", "web", &said).await?;
        if scene.is_ours() {
            let stamp = cause_of(&scene.sets().await?[0]).expect("stamped");
            assert_eq!(&*stamp.action, "deployment.ScaleReplicaSet");
        }
        // What concerns no pod is observed all the same.
        change(&scene, json!({"template": {"metadata": {"annotations": {"note": "new"}}}, "paused": true})).await?;
        scene.until_totals("web", Totals { updated: 0, ..Totals::done(1) }).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn the_size_can_be_read_and_written_at_scale(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.rolled_out(deployment("web", 1)).await?;
        let api = scene.api::<Deployment>();
        let mut scale = api.get_scale("web").await?;
        assert_eq!(scale.spec.as_ref().and_then(|spec| spec.replicas), Some(1));
        let status = scale.status.clone().expect("has one");
        assert_eq!((status.replicas, status.selector.as_deref()), (1, Some("app=web")));
        scale.spec.as_mut().expect("has one").replicas = Some(3);
        api.replace_scale("web", &PostParams::default(), &scale).await?;
        let kubelet = scene.keep_ready();
        scene.until_rolled_out("web").await?;
        scene.until_pods(3).await?;
        scale_to(&api, "web", 2).await?;
        scene.until_rolled_out("web").await?;
        scene.until_pods(2).await?;
        scene.until_sizes(&[2]).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn a_paused_deployment_makes_nothing_until_it_is_resumed(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = deployment("web", 2);
        value["spec"]["paused"] = true.into();
        scene.create::<Deployment>(value).await?;
        scene.until_condition("web", "Progressing", "Unknown DeploymentPaused: Deployment is paused").await?;
        scene.settle().await?;
        assert_eq!(scene.sets().await?, []);
        let kubelet = scene.keep_ready();
        change(&scene, json!({"paused": false})).await?;
        scene.until_rolled_out("web").await?;
        let first = scene.until_sizes(&[2]).await?.remove(0);

        // The template of a paused one changes without a rollout.
        change(&scene, json!({"paused": true})).await?;
        scene.until_condition("web", "Progressing", "Unknown DeploymentPaused: Deployment is paused").await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        scene.until_totals("web", Totals { updated: 0, ..Totals::done(2) }).await?;
        scene.settle().await?;
        assert_eq!(names(&scene.sets().await?), [first.name_any()]);
        let resumed = change(&scene, json!({"paused": false})).await?;
        scene.until_rolled_out("web").await?;
        until_sizes_by_revision(&scene, &[0, 2]).await?;
        if scene.is_ours() {
            let second = until_sizes_by_revision(&scene, &[0, 2]).await?.remove(1);
            let origin = cause_of(&second).expect("stamped").origin.expect("known");
            assert_eq!((&*origin.object.kind, &*origin.object.name), ("Deployment", "web"));
            assert!(origin.object.generation <= resumed.metadata.generation, "{origin}");
        }
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn a_paused_deployment_can_be_scaled(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.rolled_out(deployment("web", 2)).await?;
        change(&scene, json!({"paused": true})).await?;
        scene.until_condition("web", "Progressing", "Unknown DeploymentPaused: Deployment is paused").await?;
        let mut both = image("registry.example/web:2");
        both["spec"]["replicas"] = 5.into();
        scene.patch::<Deployment>("web", "alice", both).await?;
        let sets = scene.until_sizes(&[5]).await?;
        assert_eq!(sets[0].name_any(), first.name_any());
        assert_eq!(bookkeeping(&sets[0]), ["1", "", "5", "7"]);
        scene.until_totals("web", Totals { replicas: 5, updated: 0, ready: 2, available: 2, unavailable: 3, terminating: 0 }).await?;
        assert_eq!(scene.sets().await?.len(), 1, "the new template waits");
        let kubelet = scene.keep_ready();
        change(&scene, json!({"paused": false})).await?;
        scene.until_rolled_out("web").await?;
        until_sizes_by_revision(&scene, &[0, 5]).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn size_and_template_change_at_once_in_the_middle_of_a_rollout(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.rolled_out(rolling("web", 10, 3, 2)).await?;
        scene.until_the_clock_ticks().await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        until_sizes_by_revision(&scene, &[8, 5]).await?;
        scene.until_totals("web", Totals { replicas: 13, updated: 5, ready: 8, available: 8, unavailable: 5, terminating: 0 }).await?;
        let mut both = image("registry.example/web:3");
        both["spec"]["replicas"] = 20.into();
        scene.patch::<Deployment>("web", "alice", both).await?;
        // First each gets its share of 23: 14 and 9. Then five that are not available make room for the third.
        let sets = until_sizes_by_revision(&scene, &[9, 9, 5]).await?;
        assert_eq!(bookkeeping(&sets[0]), ["1", "", "20", "23"]);
        assert_eq!(bookkeeping(&sets[1]), ["2", "", "20", "23"]);
        assert_eq!(bookkeeping(&sets[2]), ["3", "", "20", "23"]);
        scene.until_totals("web", Totals { replicas: 23, updated: 5, ready: 8, available: 8, unavailable: 15, terminating: 0 }).await?;
        scene.settle().await?;
        until_sizes_by_revision(&scene, &[9, 9, 5]).await?;
        scene.until_said("Deployment", "web", &[
            scaled(&first, 0, 10), scaled(&sets[1], 0, 3), scaled(&first, 10, 8), scaled(&sets[1], 3, 5),
            scaled(&first, 8, 14), scaled(&sets[1], 5, 9), scaled(&first, 14, 9), scaled(&sets[2], 0, 5)]).await?;
        let kubelet = scene.keep_ready();
        scene.until_rolled_out("web").await?;
        until_sizes_by_revision(&scene, &[0, 0, 20]).await?;
        // Down and over at once.
        let mut both = image("registry.example/web:4");
        both["spec"]["replicas"] = 5.into();
        scene.patch::<Deployment>("web", "alice", both).await?;
        scene.until_rolled_out("web").await?;
        let sets = until_sizes_by_revision(&scene, &[0, 0, 0, 5]).await?;
        assert_eq!(bookkeeping(&sets[3]), ["4", "", "5", "8"]);
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn a_rollout_is_scaled_in_proportion_and_does_not_wait_for_terminating_pods(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.rolled_out(on_a_node(rolling("web", 10, 2, 0))).await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        until_sizes_by_revision(&scene, &[10, 2]).await?;
        scene.until_totals("web", Totals { replicas: 12, updated: 2, ready: 10, available: 10, unavailable: 2, terminating: 0 }).await?;
        change(&scene, json!({"replicas": 20})).await?;
        // 10 and 2 of 12 are 18 and 4 of 22.
        let sets = until_sizes_by_revision(&scene, &[18, 4]).await?;
        scene.until_totals("web", Totals { replicas: 22, updated: 4, ready: 10, available: 10, unavailable: 12, terminating: 0 }).await?;
        assert_eq!([bookkeeping(&sets[0]), bookkeeping(&sets[1])], [["1", "", "20", "22"], ["2", "", "20", "22"]]);
        if scene.is_ours() {
            let stamp = cause_of(&sets[0]).expect("stamped");
            assert_eq!(&*stamp.action, "deployment.ScaleReplicaSet");
            assert_eq!(&*stamp.reason, format!("scaling in proportion, 10 -> 20 wanted: {} 10 -> 18", sets[0].name_any()));
        }
        // With the new ones available, two that are not may go; they are on a node and stay a while, and nobody waits.
        for number in [4, 6] {
            scene.until(&format!("there are {number} new pods"), || async {
                Ok(is(pods_of(&scene.pods().await?, &sets[1]).len(), number))
            }).await?;
            if number == 4 {
                scene.make_ready_of(&sets[1]).await?;
                until_sizes_by_revision(&scene, &[16, 6]).await?;
            }
        }
        scene.until_totals("web", Totals { replicas: 22, updated: 6, ready: 14, available: 14, unavailable: 8, terminating: 2 }).await?;
        // Back to 10: 16 and 6 of 22 are 9 and 3 of 12. Paused, so that the rollout does not go on from there at once.
        change(&scene, json!({"replicas": 10, "paused": true})).await?;
        let sets = until_sizes_by_revision(&scene, &[9, 3]).await?;
        assert_eq!([bookkeeping(&sets[0]), bookkeeping(&sets[1])], [["1", "", "10", "12"], ["2", "", "10", "12"]]);
        scene.until_totals("web", Totals { replicas: 12, updated: 3, ready: 12, available: 12, unavailable: 0, terminating: 12 }).await?;
        change(&scene, json!({"paused": false})).await?;
        let kubelet = scene.keep_ready();
        scene.until_rolled_out("web").await?;
        until_sizes_by_revision(&scene, &[0, 10]).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }
}
