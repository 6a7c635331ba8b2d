//! Zero extra writes, no work no spans, self-caused status causes nothing, off costs nothing (DESIGN.md §3: 2, 6, 9, 10).

mod proxied;
mod support;

use anyhow::Result;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kontext::{Attribution, Counted, Policy};
use kontext_testbed::{Server, on_both_servers};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use proxied::{CAUSE, Passed, Stage, TRACEPARENT};
use serde_json::{Value, json};
use support::*;

const TIMES: usize = 500;

/// A settled Deployment of 3 with ready pods.
async fn settled(server: Server) -> Result<(Stage, KeepReady)> {
    let stage = Stage::new(server).await?;
    let kubelet = stage.keep_ready();
    stage.create::<Deployment>(deployment("web", 3)).await?;
    stage.rolled_out("web").await?;
    Ok((stage, kubelet))
}

/// Nothing was written and no span opened since `before`.
async fn nothing_was_done(stage: &Stage, before: &std::collections::BTreeMap<String, String>) -> Result<()> {
    stage.settle().await?;
    assert_eq!(stage.written(), Vec::<String>::new());
    assert_eq!(stage.told.actions().len(), 0);
    assert_eq!(stage.told.opened().len(), 0);
    assert_eq!(&stage.versions().await?, before);
    Ok(())
}

fn forget(stage: &Stage) {
    stage.proxy.forget();
    stage.told.forget();
}

on_both_servers! {
    async fn idle_resyncs_change_nothing(server: Server) -> Result<()> {
        let (stage, kubelet) = settled(server).await?;
        drop(kubelet);
        let before = stage.versions().await?;
        forget(&stage);
        for _ in 0..TIMES {
            stage.handle().resync();
        }
        nothing_was_done(&stage, &before).await?;
        // And one by one, each with reconciles of its own.
        for _ in 0..20 {
            stage.handle().resync();
            while !stage.handle().is_idle() {
                tokio::task::yield_now().await;
            }
        }
        nothing_was_done(&stage, &before).await
    }

    async fn writes_that_change_nothing_cause_nothing(server: Server) -> Result<()> {
        let (stage, kubelet) = settled(server).await?;
        drop(kubelet);
        let before = stage.versions().await?;
        forget(&stage);
        let set = stage.sets().await?.remove(0).name_any();
        for _ in 0..TIMES {
            stage.merge::<Deployment>("web", "kubectl-create", json!({"spec": {"replicas": 3}})).await?;
        }
        stage.merge::<ReplicaSet>(&set, "deployment-controller", json!({"spec": {"replicas": 3}})).await?;
        nothing_was_done(&stage, &before).await?;
        assert_eq!(stage.told.counted(Counted::Unattributed), 0, "no event came");
        Ok(())
    }

    async fn changes_that_need_no_action_are_seen_and_write_nothing(server: Server) -> Result<()> {
        let (stage, kubelet) = settled(server).await?;
        drop(kubelet);
        let set = stage.sets().await?.remove(0).name_any();
        let pod = stage.pods().await?.remove(0).name_any();
        // Changed by the person alone below; everything else must keep its version.
        let untouched = |mut versions: std::collections::BTreeMap<String, String>| {
            versions.retain(|name, _| *name != format!("ReplicaSet {set}") && *name != format!("Pod {pod}"));
            versions
        };
        let before = untouched(stage.versions().await?);
        forget(&stage);
        let mut last = String::new();
        for number in 0..TIMES {
            let note = json!({"metadata": {"annotations": {"example.com/note": number.to_string()}}});
            last = stage.merge::<ReplicaSet>(&set, "alice", note.clone()).await?.resource_version().expect("one");
            stage.merge::<Pod>(&pod, "alice", note).await?;
        }
        stage.until("all events came", || async {
            let seen = stage.told.counted(Counted::Unattributed);
            // Each loop sees each change of the ReplicaSet.
            Ok(if seen >= 2 * TIMES as u64 { Ok(()) } else { Err(format!("{seen} changes")) })
        }).await?;
        stage.settle().await?;
        assert_eq!(stage.written(), Vec::<String>::new());
        assert_eq!(stage.told.opened().len(), 0, "no work, no spans");
        assert_eq!(untouched(stage.versions().await?), before);
        assert_eq!(stage.api::<ReplicaSet>().get(&set).await?.resource_version(), Some(last));
        Ok(())
    }

    async fn status_only_events_cause_no_writes(server: Server) -> Result<()> {
        let (stage, kubelet) = settled(server).await?;
        drop(kubelet);
        let pod = stage.pods().await?.remove(0).name_any();
        let untouched = |mut versions: std::collections::BTreeMap<String, String>| {
            versions.retain(|name, _| name != "Deployment web" && *name != format!("Pod {pod}"));
            versions
        };
        let before = untouched(stage.versions().await?);
        forget(&stage);
        let params = PatchParams { field_manager: Some("kubelet".into()), ..PatchParams::default() };
        let mut last = None;
        for number in 0..TIMES {
            let message = json!({"status": {"message": number.to_string()}});
            stage.api::<Pod>().patch_status(&pod, &params, &Patch::Merge(message)).await?;
            // A condition that the loop does not know is not its to change.
            let condition = json!({"status": {"conditions": [{
                "type": "example.com/Checked", "status": "True", "reason": "Checked", "message": number.to_string()}]}});
            let patched =
                stage.api::<Deployment>().patch_status("web", &params, &Patch::Strategic(condition)).await?;
            last = patched.resource_version();
        }
        nothing_was_written(&stage).await?;
        assert_eq!(untouched(stage.versions().await?), before);
        assert_eq!(stage.api::<Deployment>().get("web").await?.resource_version(), last);
        Ok(())
    }

    /// The loop's own status writes come back as events; none of them is a cause of its next reconcile.
    async fn own_status_writes_cause_nothing_and_every_span_has_work(server: Server) -> Result<()> {
        let (stage, _kubelet) = settled(server).await?;
        stage.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        stage.rolled_out("web").await?;
        let opened = stage.told.opened();
        assert!(opened.iter().any(|opened| opened.controller == "replicaset-controller"));
        assert!(opened.iter().any(|opened| opened.controller == "deployment-controller"));
        for reconcile in &opened {
            for cause in reconcile.causes.iter().filter(|cause| cause.object.is_same(&reconcile.object)) {
                if let Attribution::Unattributed(Some(writer)) = &cause.attribution {
                    assert_ne!(*writer.manager, *reconcile.controller, "{cause}");
                }
            }
        }
        // A reconcile opens its span with its first action or when it fails; a failure here would be a conflict.
        assert!(opened.len() <= stage.told.actions().len() + conflicts(&stage), "{} spans", opened.len());
        Ok(())
    }

    /// The same story with propagation on and off: the same writes, none of them without an effect.
    async fn propagation_adds_no_write(server: Server) -> Result<()> {
        let on = story(server.clone(), Policy::new()).await?;
        let off = story(server, Policy::off()).await?;
        assert_eq!(on, off);
        Ok(())
    }

    async fn switched_off_there_are_no_keys_and_no_headers(server: Server) -> Result<()> {
        let stage = Stage::with(server, |scene| scene.with_policy(Policy::off())).await?;
        let _kubelet = stage.keep_ready();
        stage.create::<Deployment>(deployment("web", 3)).await?;
        stage.rolled_out("web").await?;
        stage.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        stage.rolled_out("web").await?;
        assert_eq!(stage.pods().await?.len(), 3);
        for passed in stage.proxy.passed() {
            for header in ["traceparent", "tracestate", "baggage", "audit-id"] {
                assert_eq!(passed.header(header), None, "{}", passed.what());
            }
            let body = String::from_utf8_lossy(&passed.body);
            assert!(!body.contains(CAUSE) && !body.contains(TRACEPARENT), "{body}");
        }
        for counted in [Counted::Injected, Counted::Extracted, Counted::Unattributed, Counted::LookedUp, Counted::Malformed] {
            assert_eq!(stage.told.counted(counted), 0, "{counted:?}");
        }
        Ok(())
    }
}

async fn nothing_was_written(stage: &Stage) -> Result<()> {
    stage.settle().await?;
    assert_eq!(stage.written(), Vec::<String>::new());
    Ok(())
}

fn conflicts(stage: &Stage) -> usize {
    stage.proxy.passed().iter().filter(|passed| passed.status == Some(409)).count()
}

/// Create, scale up, change the image, delete a pod, scale down, delete: the writes of the loops but those of status,
/// whose number depends on how many events come between two reconciles.
async fn story(server: Server, policy: Policy) -> Result<(Vec<String>, Vec<String>)> {
    let mut stage = Stage::with(server, |scene| scene.with_policy(policy)).await?;
    let kubelet = stage.keep_ready();
    let scale = |replicas: usize| {
        let stage = &stage;
        async move {
            let patch = json!({"spec": {"replicas": replicas}});
            stage.merge::<Deployment>("web", "kubectl-scale", patch).await?;
            stage.until_pods(replicas).await?;
            stage.rolled_out("web").await
        }
    };
    stage.create::<Deployment>(deployment("web", 1)).await?;
    stage.rolled_out("web").await?;
    scale(4).await?;
    let victim = stage.pods().await?.remove(0).name_any();
    stage.api::<Pod>().delete(&victim, &DeleteParams::default()).await?;
    stage
        .until("the pod is replaced", || async {
            let pods = stage.pods().await?;
            let replaced = pods.len() == 4 && pods.iter().all(|pod| pod.name_any() != victim);
            Ok(if replaced { Ok(()) } else { Err(format!("{} pods", pods.len())) })
        })
        .await?;
    stage.rolled_out("web").await?;
    scale(1).await?;
    // Of one replica: one more is added, and when it is ready the old one goes. With more, the number of steps depends
    // on which pods become ready between two looks.
    stage.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
    stage.rolled_out("web").await?;
    drop(kubelet);
    stage.stop().await?;
    let writes = stage.proxy.writes();
    no_write_is_without_effect(&stage, &writes);
    let objects = timeless(&stage).await?;
    let mut what: Vec<String> = writes
        .iter()
        .filter(|write| write.status.is_some_and(|status| status < 300))
        .filter(|write| write.subresource() != "status" && write.resource() != "events")
        .map(Passed::what)
        .collect();
    what.sort();
    Ok((what, objects))
}

/// All Deployments, ReplicaSets and pods, without what differs from run to run and without our keys.
async fn timeless(stage: &Stage) -> Result<Vec<String>> {
    let mut objects = Vec::new();
    for deployment in stage.api::<Deployment>().list(&ListParams::default()).await? {
        objects.push(serde_json::to_value(deployment)?);
    }
    for set in stage.sets().await? {
        objects.push(serde_json::to_value(set)?);
    }
    for pod in stage.pods().await? {
        objects.push(serde_json::to_value(pod)?);
    }
    let mut texts = Vec::new();
    for mut object in objects {
        strip(&mut object);
        texts.push(serde_json::to_string_pretty(&object)?);
    }
    texts.sort();
    Ok(texts)
}

fn strip(value: &mut Value) {
    const VARIES: [&str; 10] = [
        "uid",
        "resourceVersion",
        "managedFields",
        "creationTimestamp",
        "namespace",
        "lastUpdateTime",
        "lastTransitionTime",
        "lastProbeTime",
        CAUSE,
        TRACEPARENT,
    ];
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !VARIES.contains(&key.as_str()));
            // Pods have names by chance.
            if map.contains_key("generateName") {
                map.remove("name");
            }
            map.values_mut().for_each(strip);
            // An object that is as if it were not there.
            map.retain(|_, value| *value != json!({}));
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Each write that succeeded gave its object another version than it had.
fn no_write_is_without_effect(stage: &Stage, writes: &[Passed]) {
    for write in writes.iter().filter(|write| write.method == "PUT") {
        let sent = write.json();
        let before = sent["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        if let (Some(before), Some((name, after))) = (before, write.result.clone())
            && write.status == Some(200)
        {
            assert_ne!(before, after, "{} of {name} in {} changed nothing", write.what(), stage.namespace);
        }
    }
}
