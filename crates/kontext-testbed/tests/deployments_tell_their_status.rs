//! Conditions and numbers of a Deployment.

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

const AVAILABLE: &str = "True MinimumReplicasAvailable: Deployment has minimum availability.";
const UNAVAILABLE: &str = "False MinimumReplicasUnavailable: Deployment does not have minimum availability.";

fn progress(set: &ReplicaSet, what: &str) -> String {
    let (state, text) = match what {
        "NewReplicaSetAvailable" => ("True", "has successfully progressed."),
        "ProgressDeadlineExceeded" => ("False", "has timed out progressing."),
        _ => ("True", "is progressing."),
    };
    format!("{state} {what}: ReplicaSet {:?} {text}", set.name_any())
}

on_both_servers! {
    async fn the_selector_cannot_be_changed(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.create::<Deployment>(deployment("web", 0)).await?;
        let other = json!({"spec": {
            "selector": {"matchLabels": {"app": "other"}}, "template": {"metadata": {"labels": {"app": "other"}}}}});
        let refused = scene.merge::<Deployment>("web", "alice", other).await.expect_err("immutable");
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

    async fn it_is_available_when_enough_pods_were_ready_for_long_enough(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = rolling("web", 4, 1, 1);
        value["spec"]["minReadySeconds"] = 3600.into();
        value["spec"]["progressDeadlineSeconds"] = 7200.into();
        scene.create::<Deployment>(value).await?;
        let pods = scene.until_pods(4).await?;
        scene.until_totals("web", Totals { replicas: 4, updated: 4, unavailable: 4, ..Totals::default() }).await?;
        scene.until_condition("web", "Available", UNAVAILABLE).await?;
        // Three of four would do, but they are not ready for long enough.
        scene.make_ready(&pods[..3]).await?;
        scene.until_totals("web", Totals { replicas: 4, updated: 4, ready: 3, unavailable: 4, ..Totals::default() }).await?;
        scene.settle().await?;
        scene.until_condition("web", "Available", UNAVAILABLE).await?;
        scene.merge::<Deployment>("web", "alice", json!({"spec": {"minReadySeconds": 1}})).await?;
        scene.until_condition("web", "Available", AVAILABLE).await?;
        scene.until_totals("web", Totals { replicas: 4, updated: 4, ready: 3, available: 3, unavailable: 1, terminating: 0 }).await?;
        let set = scene.sets().await?.remove(0);
        assert_eq!(set.spec.as_ref().and_then(|spec| spec.min_ready_seconds), Some(1));
        if scene.is_ours() {
            let stamp = cause_of(&set).expect("stamped");
            assert_eq!((&*stamp.action, &*stamp.reason), ("deployment.UpdateReplicaSet", "minReadySeconds 3600 -> 1"));
        }
        scene.every_write_tells_why().await
    }

    async fn a_rollout_past_its_deadline_fails_and_recovers_with_its_pods(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = deployment("web", 2);
        value["spec"]["progressDeadlineSeconds"] = 3.into();
        scene.create::<Deployment>(value).await?;
        let pods = scene.until_pods(2).await?;
        let set = scene.until_sizes(&[2]).await?.remove(0);
        scene.until_condition("web", "Progressing", &progress(&set, "ProgressDeadlineExceeded")).await?;
        scene.until_condition("web", "Available", UNAVAILABLE).await?;
        // It is a statement and no more: nothing is undone.
        scene.settle().await?;
        scene.until_totals("web", Totals { replicas: 2, updated: 2, unavailable: 2, ..Totals::default() }).await?;
        scene.make_ready(&pods).await?;
        let web = scene.until_condition("web", "Progressing", &progress(&set, "NewReplicaSetAvailable")).await?;
        assert_eq!(condition(&web, "Available"), AVAILABLE);
        assert_eq!(Totals::of(&web), Totals::done(2));
        assert_eq!(scene.said("Deployment", "web").await?, [scaled(&set, 0, 2)], "conditions are told by no Event");
        scene.every_write_tells_why().await
    }

    async fn without_a_deadline_nothing_is_said_about_progress(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        let mut value = deployment("web", 1);
        value["spec"]["progressDeadlineSeconds"] = i32::MAX.into();
        scene.rolled_out(value).await?;
        let web = scene.until_condition("web", "Available", AVAILABLE).await?;
        assert_eq!(condition(&web, "Progressing"), "");
        scene.merge::<Deployment>("web", "alice", json!({"spec": {"progressDeadlineSeconds": 600}})).await?;
        let set = scene.sets().await?.remove(0);
        scene.until_condition("web", "Progressing", &progress(&set, "NewReplicaSetAvailable")).await?;
        scene.every_write_tells_why().await
    }

    async fn terminating_pods_are_counted_until_they_are_gone(server: Server) -> Result<()> {
        let scene = Scene::for_either(server).await?;
        scene.rolled_out(on_a_node(deployment("web", 3))).await?;
        let kubelet = scene.keep_ready();
        let pods = scene.pods().await?;
        let api = scene.api::<Pod>();
        for pod in &pods[..2] {
            api.delete(&pod.name_any(), &DeleteParams::default()).await?;
        }
        scene.until_totals("web", Totals { terminating: 2, ..Totals::done(3) }).await?;
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        api.delete(&pods[0].name_any(), &now).await?;
        scene.until_totals("web", Totals { terminating: 1, ..Totals::done(3) }).await?;
        scene.merge::<Deployment>("web", "alice", json!({"spec": {"replicas": 1}})).await?;
        scene.until_totals("web", Totals { terminating: 3, ..Totals::done(1) }).await?;
        let going: Vec<Pod> = scene.until_all_pods("three are going", |pods| {
            let going: Vec<Pod> = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_some()).collect();
            is(going.len(), 3).map(|()| going)
        }).await?;
        for pod in going {
            api.delete(&pod.name_any(), &now).await?;
        }
        scene.until_totals("web", Totals::done(1)).await?;
        kubelet.stop().await;
        scene.every_write_tells_why().await
    }
}
