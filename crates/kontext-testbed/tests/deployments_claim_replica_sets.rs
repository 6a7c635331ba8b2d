//! Which ReplicaSets are a Deployment's, and what it does where the name of a new one is taken.

mod support;

use anyhow::Result;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kontext_testbed::{Server, on_both_servers};
use kube::{ResourceExt, api::DeleteParams};
use serde_json::json;
use support::*;

fn owners(set: &ReplicaSet) -> Vec<String> {
    let mut owners: Vec<String> = set
        .owner_references()
        .iter()
        .map(|owner| format!("{}/{} {}", owner.kind, owner.name, owner.controller == Some(true)))
        .collect();
    owners.sort();
    owners
}

on_both_servers! {
    async fn two_deployments_with_one_selector_have_replica_sets_of_their_own(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let kubelet = scene.keep_ready();
        for (name, replicas) in [("one", 1), ("two", 2)] {
            let mut value = deployment("web", replicas);
            value["metadata"]["name"] = name.into();
            scene.create::<Deployment>(value).await?;
        }
        for (name, replicas) in [("one", 1), ("two", 2)] {
            scene.until_rolled_out(name).await?;
            scene.until_totals(name, Totals::done(replicas)).await?;
        }
        // Both grow, each by its own.
        for name in ["one", "two"] {
            scene.merge::<Deployment>(name, "alice", json!({"spec": {"replicas": 3}})).await?;
        }
        scene.until_totals("one", Totals::done(3)).await?;
        scene.until_totals("two", Totals::done(3)).await?;
        kubelet.stop().await;
        scene.settle().await?;
        let sets = scene.sets().await?;
        let mut owned: Vec<_> = sets.iter().flat_map(owners).collect();
        owned.sort();
        assert_eq!(owned, ["Deployment/one true", "Deployment/two true"]);
        let hashes: Vec<_> = sets.iter().map(|set| &set.labels()["pod-template-hash"]).collect();
        assert_eq!(hashes[0], hashes[1], "the templates are alike");
        let pods = scene.pods().await?;
        assert!(sets.iter().all(|set| pods_of(&pods, set).len() == 3));
        scene.every_write_tells_why().await
    }

    async fn a_replica_set_that_lost_its_controller_gets_it_back(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let set = scene.rolled_out(deployment("web", 1)).await?.name_any();
        let uid = scene.api::<Deployment>().get("web").await?.uid().expect("has one");
        // A bystander in place of the controller.
        let bystander = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "other",
            "uid": "0a1b2c3d-0000-4000-8000-00000000000f", "controller": false});
        scene.merge::<ReplicaSet>(&set, "alice", json!({"metadata": {"ownerReferences": [bystander]}})).await?;
        let adopted = scene.until_object::<ReplicaSet>(&set, "it is adopted", |set| {
            is(owners(set), vec!["Deployment/web true".to_owned(), "StatefulSet/other false".to_owned()])
        }).await?;
        if scene.is_ours() {
            assert_eq!(&*cause_of(&adopted).expect("stamped").action, "deployment.AdoptReplicaSet");
        }
        // The Deployment as owner, but not as controller.
        let half = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid, "controller": false});
        scene.merge::<ReplicaSet>(&set, "alice", json!({"metadata": {"ownerReferences": [half]}})).await?;
        scene.until_object::<ReplicaSet>(&set, "it is adopted", |set| {
            is(owners(set), vec!["Deployment/web true".to_owned()])
        }).await?;
        scene.settle().await?;
        assert_eq!(scene.sets().await?.len(), 1);
        scene.until_totals("web", Totals::done(1)).await?;
        scene.every_write_tells_why().await
    }

    async fn a_replica_set_without_an_owner_becomes_the_new_one_if_its_template_is(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = replica_set("web", 1);
        value["metadata"]["labels"] = json!({"app": "web"});
        let orphan = scene.create::<ReplicaSet>(value).await?;
        scene.until_counts("web", Counts::pods(1)).await?;
        scene.until_seen().await?;
        scene.create::<Deployment>(deployment("web", 1)).await?;
        let adopted = scene.until_object::<ReplicaSet>("web", "it is the first revision", |set| {
            is(owners(set), vec!["Deployment/web true".to_owned()])?;
            is(annotation(set, "revision"), "1")
        }).await?;
        assert_eq!(adopted.uid(), orphan.uid());
        let progress = "True FoundNewReplicaSet: Found new replica set \"web\"";
        scene.until_object::<Deployment>("web", "it found its ReplicaSet", |web| {
            let saw = condition(web, "Progressing");
            is([progress, "True ReplicaSetUpdated: ReplicaSet \"web\" is progressing."].contains(&&*saw), true).map_err(|_| saw)
        }).await?;
        scene.settle().await?;
        assert_eq!(names(&scene.sets().await?), ["web"], "with a name of its own");
        let kubelet = scene.keep_ready();
        scene.until_rolled_out("web").await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn a_replica_set_leaves_with_its_label_and_comes_back_with_it(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.rolled_out(deployment("web", 1)).await?;
        let kubelet = scene.keep_ready();
        scene.until_the_clock_ticks().await?;
        scene.merge::<ReplicaSet>(&first.name_any(), "alice", json!({"metadata": {"labels": {"app": "debug"}}})).await?;
        let released = scene.until_object::<ReplicaSet>(&first.name_any(), "it is let go", |set| is(owners(set), vec![])).await?;
        if scene.is_ours() {
            assert_eq!(&*cause_of(&released).expect("stamped").action, "deployment.ReleaseReplicaSet");
        }
        // Its name is still taken, so that the one in its place has another hash.
        let web = scene.until_object::<Deployment>("web", "it has counted the collision", |web| {
            is(web.status.as_ref().and_then(|status| status.collision_count), Some(1))
        }).await?;
        let sets = scene.until_sizes(&[1, 1]).await?;
        let second = sets.iter().find(|set| set.name_any() != first.name_any()).expect("the one in its place");
        assert!(is_controlled_by(second, &web));
        scene.until_rolled_out("web").await?;
        scene.merge::<ReplicaSet>(&first.name_any(), "alice", json!({"metadata": {"labels": {"app": "web"}}})).await?;
        // Two with the same template: the older is the new one.
        scene.until_sizes(&[1, 0]).await?;
        let sets = scene.sets().await?;
        assert!(sets.iter().all(|set| owners(set) == ["Deployment/web true"]));
        scene.until_totals("web", Totals::done(1)).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn a_name_that_is_taken_by_another_template_makes_another_hash(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.rolled_out(deployment("web", 1)).await?;
        if scene.is_ours() {
            // Upstream's are others and change with its Go types. Ours must not depend on the server, nor on the day.
            assert_eq!(first.name_any(), "web-nmgjz8p6wh");
        }
        let kubelet = scene.keep_ready();
        // The Deployment does not know its template any more, and the name is taken.
        scene.patch::<ReplicaSet>(&first.name_any(), "alice", image("registry.example/other:1")).await?;
        scene.until_object::<Deployment>("web", "it has counted the collision", |web| {
            is(web.status.as_ref().and_then(|status| status.collision_count), Some(1))
        }).await?;
        let web = scene.until_object::<Deployment>("web", "the second revision is rolled out", |web| {
            is(annotation(web, "revision"), "2")?;
            rolled_out(web)
        }).await?;
        let sets = scene.sets().await?;
        let second = sets.iter().find(|set| set.name_any() != first.name_any()).expect("the new one");
        if scene.is_ours() {
            assert_eq!(second.name_any(), "web-fwdcx4hss2");
        }
        assert_eq!((sets.len(), size(second), annotation(second, "revision")), (2, 1, "2"));
        assert!(is_controlled_by(second, &web));
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn a_deployment_that_is_being_deleted_makes_and_scales_nothing(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = deployment("web", 2);
        value["metadata"]["finalizers"] = json!([HOLD]);
        scene.rolled_out(value).await?;
        scene.api::<Deployment>().delete("web", &DeleteParams::default()).await?;
        let mut both = image("registry.example/web:2");
        both["spec"]["replicas"] = 5.into();
        scene.patch::<Deployment>("web", "alice", both).await?;
        let web = scene.until_object::<Deployment>("web", "the change is observed", |web: &Deployment| {
            let observed = web.status.as_ref().and_then(|status| status.observed_generation);
            is((observed, web.metadata.deletion_timestamp.is_some()), (web.metadata.generation, true))
        }).await?;
        assert_eq!(web.finalizers(), [HOLD]);
        scene.settle().await?;
        scene.until_sizes(&[2]).await?;
        assert_eq!(scene.pods().await?.len(), 2);
        scene.every_write_tells_why().await?;
        scene.merge::<Deployment>("web", "alice", json!({"metadata": {"finalizers": null}})).await?;
        Ok(())
    }
}
