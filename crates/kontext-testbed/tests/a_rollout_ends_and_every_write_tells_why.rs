//! The first whole path: a person's write, two loops, pods that tell why they are there.

mod support;

use anyhow::Result;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kontext_testbed::{Server, on_both_servers};
use kube::{ResourceExt, api::DeleteParams};
use support::*;

on_both_servers! {
    async fn a_rollout_ends_and_its_pods_lead_back_to_the_person(server: Server) -> Result<()> {
        let scene = Scene::new(server).await?;
        let _kubelet = scene.keep_ready();
        scene.create::<Deployment>(deployment("web", 3)).await?;
        let web = scene.api::<Deployment>();
        let done = || async { Ok(rolled_out(&web.get("web").await?)) };
        scene.until("the first rollout ends", done).await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        scene.until("the second rollout ends", done).await?;
        scene.until_pods(3).await?;
        for pod in scene.pods().await? {
            let stamp = cause_of(&pod).expect("stamped");
            assert_eq!(&*stamp.action, "replicaset.CreatePod");
            assert_eq!(stamp.hops, 1);
            let origin = stamp.origin.expect("known").to_string();
            assert!(origin.starts_with("field manager kubectl-set changed Deployment web, generation"), "{origin}");
        }
        let new = scene.sets().await?.pop().expect("the new one");
        let stamp = cause_of(&new).expect("stamped");
        assert_eq!(&*stamp.controller, "deployment-controller");
        Ok(())
    }

    async fn a_pod_that_replaces_a_deleted_one_tells_of_the_deletion(server: Server) -> Result<()> {
        let scene = Scene::new(server).await?;
        let _kubelet = scene.keep_ready();
        scene.create::<Deployment>(deployment("web", 3)).await?;
        let web = scene.api::<Deployment>();
        scene.until("the rollout ends", || async { Ok(rolled_out(&web.get("web").await?)) }).await?;
        scene.settle().await?;
        let before = scene.pods().await?;
        let victim = before[1].name_any();
        scene.api::<Pod>().delete(&victim, &DeleteParams::default()).await?;
        let after = scene.until("another pod is there", || async {
            let pods = scene.pods().await?;
            let new = pods.iter().find(|pod| before.iter().all(|old| old.uid() != pod.uid()));
            Ok(new.cloned().ok_or_else(|| format!("{} pods", pods.len())))
        });
        let stamp = cause_of(&after.await?).expect("stamped");
        assert_eq!(&*stamp.reason, "1 of 3 replicas missing");
        let origin = stamp.origin.expect("known");
        assert_eq!(origin.to_string(), format!("somebody deleted Pod {victim}, generation {}", origin.object.generation.unwrap_or(0)));
        Ok(())
    }
}
