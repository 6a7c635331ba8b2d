//! New Deployments and new templates: names, revisions, the steps between, and the way back.

mod support;

use anyhow::Result;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kontext_testbed::{Server, on_both_servers};
use kube::{ResourceExt, api::DeleteParams};
use serde_json::json;
use support::*;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";

fn image_of(set: &ReplicaSet) -> &str {
    let template = set.spec.as_ref().and_then(|spec| spec.template.as_ref());
    let pod = template.and_then(|template| template.spec.as_ref()).expect("has one");
    pod.containers[0].image.as_deref().unwrap_or("")
}

/// `kubectl rollout undo`, by kubectl where there is one: it writes the template and the annotations of the ReplicaSet
/// back to the Deployment.
async fn undo(scene: &Scene, name: &str, target: &ReplicaSet) -> Result<()> {
    if let Some(server) = scene.server.real() {
        let name = format!("deployment/{name}");
        server.kubectl("alice")?.run(&["-n", &scene.namespace, "rollout", "undo", &name]).await?;
        return Ok(());
    }
    let mut template = serde_json::to_value(target.spec.as_ref().and_then(|spec| spec.template.as_ref()))?;
    template["metadata"]["labels"].as_object_mut().expect("has some").remove("pod-template-hash");
    let own = |key: &str| {
        key.starts_with("deployment.kubernetes.io/") || [LAST_APPLIED, ROLLBACK_TO].contains(&key)
    };
    let api = scene.api::<Deployment>();
    let deployment = api.get(name).await?;
    let mut annotations = deployment.annotations().clone();
    annotations.retain(|key, _| own(key));
    annotations.extend(target.annotations().clone().into_iter().filter(|(key, _)| !own(key)));
    let patch = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]);
    let request = http::Request::patch(format!("{}/{name}", api.resource_url()))
        .header(http::header::CONTENT_TYPE, "application/json-patch+json")
        .body(serde_json::to_vec(&patch)?)?;
    scene.client.request::<Deployment>(request).await?;
    Ok(())
}

on_both_servers! {
    async fn a_new_deployment_has_one_replica_set_of_its_name_and_hash(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = deployment("web", 3);
        value["metadata"]["annotations"] = json!({"team": "shop", LAST_APPLIED: "{}"});
        let web = scene.create::<Deployment>(value).await?;
        let set = scene.until_sizes(&[3]).await?.remove(0);
        let hash = set.labels()["pod-template-hash"].clone();
        assert_eq!(set.name_any(), format!("web-{hash}"));
        let labels = [("app".to_owned(), "web".to_owned()), ("pod-template-hash".to_owned(), hash)].into();
        let spec = set.spec.as_ref().expect("has one");
        let template = spec.template.as_ref().and_then(|template| template.metadata.as_ref());
        assert_eq!(set.labels(), &labels);
        assert_eq!(spec.selector.match_labels.as_ref(), Some(&labels));
        assert_eq!(template.and_then(|template| template.labels.as_ref()), Some(&labels));
        let owner = controller_of(&set).expect("has one");
        assert_eq!((&*owner.kind, &*owner.name, owner.block_owner_deletion), ("Deployment", "web", Some(true)));
        assert_eq!(Some(&owner.uid), web.metadata.uid.as_ref());
        assert_eq!(bookkeeping(&set), ["1", "", "3", "4"]);
        assert_eq!(set.annotations().get("team").map(String::as_str), Some("shop"));
        assert!(!set.annotations().contains_key(LAST_APPLIED));

        let pods = scene.until_pods(3).await?;
        assert!(pods.iter().all(|pod| pod.labels() == &labels && is_controlled_by(pod, &set)));
        scene.until_condition("web", "Available", "False MinimumReplicasUnavailable: Deployment does not have minimum availability.").await?;
        scene.until_condition("web", "Progressing", &format!("True ReplicaSetUpdated: ReplicaSet {:?} is progressing.", set.name_any())).await?;
        scene.until_totals("web", Totals { replicas: 3, updated: 3, unavailable: 3, ..Totals::default() }).await?;
        scene.make_ready(&pods).await?;
        scene.until_totals("web", Totals::done(3)).await?;
        scene.until_condition("web", "Available", "True MinimumReplicasAvailable: Deployment has minimum availability.").await?;
        let done = format!("True NewReplicaSetAvailable: ReplicaSet {:?} has successfully progressed.", set.name_any());
        let web = scene.until_condition("web", "Progressing", &done).await?;
        assert_eq!(annotation(&web, "revision"), "1");
        scene.until_said("Deployment", "web", &[scaled(&set, 0, 3)]).await?;
        if scene.is_ours() {
            let stamp = cause_of(&set).expect("stamped");
            assert_eq!((&*stamp.action, &*stamp.reason), ("deployment.CreateReplicaSet", "first revision: 3 wanted"));
            assert_eq!(stamp.origin.expect("known").to_string(), "field manager kubectl-create created Deployment web, generation 1");
            assert!(cause_of(&web).is_none(), "status is not intent");
        }
        scene.every_write_tells_why().await
    }

    async fn a_template_is_rolled_out_and_back_and_out_again(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.rolled_out(rolling("web", 2, 1, 0)).await?;
        let kubelet = scene.keep_ready();
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        let web = scene.until_rolled_out("web").await?;
        assert_eq!(annotation(&web, "revision"), "2");
        let second = scene.sets().await?.into_iter().find(|set| set.name_any() != first.name_any()).expect("a second one");
        assert_eq!((size(&second), bookkeeping(&second)), (2, ["2", "", "2", "3"]));
        let own = |set: &ReplicaSet| set.name_any() == first.name_any();
        let back = |sets: Vec<ReplicaSet>| sets.into_iter().find(own).expect("is kept");
        assert_eq!((size(&back(scene.sets().await?)), annotation(&back(scene.sets().await?), "revision")), (0, "1"));
        scene.until_said("Deployment", "web", &[
            scaled(&first, 0, 2), scaled(&second, 0, 1), scaled(&first, 2, 1), scaled(&second, 1, 2), scaled(&first, 1, 0)]).await?;

        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:1")).await?;
        let web = scene.until_rolled_out("web").await?;
        assert_eq!(annotation(&web, "revision"), "3");
        let sets = scene.sets().await?;
        assert_eq!(sets.len(), 2, "the old ReplicaSet is the new one again");
        let first = back(sets);
        assert_eq!((size(&first), bookkeeping(&first)), (2, ["3", "1", "2", "3"]));

        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        scene.until_rolled_out("web").await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:1")).await?;
        let web = scene.until_rolled_out("web").await?;
        assert_eq!(annotation(&web, "revision"), "5");
        assert_eq!(bookkeeping(&back(scene.sets().await?)), ["5", "1,3", "2", "3"]);
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn a_stuck_rollout_is_rolled_over_by_the_next_template(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.rolled_out(rolling("web", 10, 3, 2)).await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        // None of the new ones becomes ready: 13 at most, 8 available at least.
        let sizes = |sets: &[ReplicaSet]| {
            let mut sizes: Vec<(String, i32)> = sets.iter().map(|set| (image_of(set).to_owned(), size(set))).collect();
            sizes.sort();
            sizes.into_iter().map(|(_, size)| size).collect::<Vec<_>>()
        };
        let until = async |wanted: &[i32]| scene.until(&format!("the sizes by image are {wanted:?}"), || async {
            let sets = scene.sets().await?;
            Ok(is(&*sizes(&sets), wanted).map(|()| sets))
        }).await;
        until(&[8, 5]).await?;
        scene.until_totals("web", Totals { replicas: 13, updated: 5, ready: 8, available: 8, unavailable: 5, terminating: 0 }).await?;
        scene.settle().await?;
        until(&[8, 5]).await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:3")).await?;
        let sets = until(&[8, 0, 5]).await?;
        scene.until_totals("web", Totals { replicas: 13, updated: 5, ready: 8, available: 8, unavailable: 5, terminating: 0 }).await?;
        let of = |image: &str| sets.iter().find(|set| image_of(set) == image).expect("is there");
        let (second, third) = (of("registry.example/web:2"), of("registry.example/web:3"));
        assert_eq!((annotation(second, "revision"), annotation(third, "revision")), ("2", "3"));
        scene.until_said("Deployment", "web", &[
            scaled(&first, 0, 10), scaled(second, 0, 3), scaled(&first, 10, 8), scaled(second, 3, 5),
            scaled(second, 5, 0), scaled(third, 0, 5)]).await?;
        let kubelet = scene.keep_ready();
        scene.until_rolled_out("web").await?;
        until(&[0, 0, 10]).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn kubectl_undo_brings_the_template_and_the_annotations_back(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = deployment("web", 2);
        value["metadata"]["annotations"] = json!({"kubernetes.io/change-cause": "first"});
        let first = scene.rolled_out(value).await?;
        let kubelet = scene.keep_ready();
        let mut second = image("registry.example/web:2");
        second["metadata"] = json!({"annotations": {"kubernetes.io/change-cause": "second"}});
        scene.patch::<Deployment>("web", "kubectl-set", second).await?;
        scene.until_rolled_out("web").await?;
        let target = scene.api::<ReplicaSet>().get(&first.name_any()).await?;
        undo(&scene, "web", &target).await?;
        let web = scene.until_rolled_out("web").await?;
        assert_eq!(annotation(&web, "revision"), "3");
        assert_eq!(web.annotations()["kubernetes.io/change-cause"], "first");
        let first = scene.api::<ReplicaSet>().get(&first.name_any()).await?;
        assert_eq!((size(&first), &bookkeeping(&first)[..2]), (2, &["3", "1"][..]));
        assert_eq!(first.annotations()["kubernetes.io/change-cause"], "first");
        if scene.is_ours() {
            // It took the ReplicaSet's stamp along, which can be seen to be no Deployment's.
            assert_eq!(cause_of(&web).expect("came along").on.kind, "ReplicaSet");
        }
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn the_annotation_of_old_clients_rolls_back_and_says_so(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let first = scene.rolled_out(deployment("web", 1)).await?;
        let kubelet = scene.keep_ready();
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        scene.until_rolled_out("web").await?;
        let until_answered = async |revision: &str, answer: &str| {
            let ask = json!({"metadata": {"annotations": {ROLLBACK_TO: revision}}});
            scene.merge::<Deployment>("web", "alice", ask).await?;
            scene.until_object::<Deployment>("web", "the request is answered", |web| {
                is(web.annotations().get(ROLLBACK_TO), None)
            }).await?;
            // Perhaps twice: it is said before the write that drops the request, which may meet a conflict.
            scene.until(&format!("it says {answer}"), || async {
                let said = scene.said("Deployment", "web").await?;
                Ok(if said.iter().any(|sentence| sentence.starts_with(answer)) { Ok(()) } else { Err(format!("{said:#?}")) })
            }).await
        };
        until_answered("99", "Warning DeploymentRollbackRevisionNotFound by deployment-controller: Unable to find the revision to rollback to.").await?;
        until_answered("2", "Warning DeploymentRollbackTemplateUnchanged by deployment-controller: The rollback revision contains the same template as current deployment \"web\"").await?;
        until_answered("1", &deployment_said("DeploymentRollback", "Rolled back deployment \"web\" to revision 1")).await?;
        let web = scene.until_rolled_out("web").await?;
        assert_eq!(annotation(&web, "revision"), "3");
        assert_eq!(size(&scene.api::<ReplicaSet>().get(&first.name_any()).await?), 1);
        if scene.is_ours() {
            let stamp = cause_of(&web).expect("the loop wrote the spec");
            assert_eq!(&*stamp.action, "deployment.Rollback");
            assert_eq!(&*stamp.reason, format!("rollback: back to revision 1 ({})", first.name_any()));
        }
        // 0 is the one before.
        until_answered("0", &deployment_said("DeploymentRollback", "Rolled back deployment \"web\" to revision 2")).await?;
        let web = scene.until_rolled_out("web").await?;
        assert_eq!(annotation(&web, "revision"), "4");
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }

    async fn recreate_waits_until_the_last_old_pod_is_gone(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = on_a_node(deployment("web", 2));
        value["spec"]["strategy"] = json!({"type": "Recreate"});
        let first = scene.rolled_out(value).await?;
        let old = scene.pods().await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        scene.until_totals("web", Totals { terminating: 2, ..Totals::default() }).await?;
        scene.settle().await?;
        assert_eq!(names(&scene.sets().await?), [first.name_any()], "no new ReplicaSet yet");
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        scene.api::<Pod>().delete(&old[0].name_any(), &now).await?;
        scene.until_totals("web", Totals { terminating: 1, ..Totals::default() }).await?;
        scene.settle().await?;
        assert_eq!(scene.sets().await?.len(), 1, "one old pod is left");
        scene.api::<Pod>().delete(&old[1].name_any(), &now).await?;
        scene.until_pods(2).await?;
        scene.until_totals("web", Totals { replicas: 2, updated: 2, unavailable: 2, ..Totals::default() }).await?;
        let kubelet = scene.keep_ready();
        scene.until_rolled_out("web").await?;
        kubelet.stop().await;
        let sets = scene.sets().await?;
        let second = sets.iter().find(|set| set.name_any() != first.name_any()).expect("the new one");
        assert_eq!((sets.len(), size(second)), (2, 2));
        scene.until_said("Deployment", "web", &[scaled(&first, 0, 2), scaled(&first, 2, 0), scaled(second, 0, 2)]).await?;
        if scene.is_ours() {
            assert_eq!(&*cause_of(second).expect("stamped").reason, "recreate: the old pods are gone, 2 wanted");
        }
        scene.every_write_tells_why().await
    }

    async fn old_revisions_beyond_the_limit_are_deleted(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = deployment("web", 1);
        value["spec"]["revisionHistoryLimit"] = 1.into();
        scene.rolled_out(value).await?;
        let kubelet = scene.keep_ready();
        for number in 2..=4 {
            scene.patch::<Deployment>("web", "kubectl-set", image(&format!("registry.example/web:{number}"))).await?;
            scene.until_rolled_out("web").await?;
        }
        let until_revisions = async |wanted: &[&str]| scene.until(&format!("the revisions {wanted:?} are left"), || async {
            let sets = scene.sets().await?;
            let mut left: Vec<&str> = sets.iter().map(|set| annotation(set, "revision")).collect();
            left.sort_unstable();
            Ok(is(&*left, wanted))
        }).await;
        until_revisions(&["3", "4"]).await?;
        scene.merge::<Deployment>("web", "alice", json!({"spec": {"revisionHistoryLimit": 0}})).await?;
        until_revisions(&["4"]).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }
}
