//! All causes, and nothing blamed wrongly (DESIGN.md §3: 3, 4, 7).

mod proxied;
mod support;

use std::sync::Arc;

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kontext::{Context, Controller, Counted, EventKind, MAX_KEPT, ObjectRef, Policy};
use kontext_controllers::manager::{LoopConfig, LoopName};
use kontext_testbed::{Server, UpstreamManager, macro_support, on_both_servers};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use proxied::{CAUSE, Fault, Stage, TRACEPARENT, origin_of};
use serde_json::{Value, json};
use support::*;
use tokio::sync::watch;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02";

/// A settled Deployment of 2 with ready pods.
async fn settled(server: Server) -> Result<(Stage, KeepReady)> {
    let stage = Stage::new(server).await?;
    let kubelet = stage.keep_ready();
    stage.create::<Deployment>(deployment("web", 2)).await?;
    stage.rolled_out("web").await?;
    Ok((stage, kubelet))
}

async fn only_set(stage: &Stage) -> Result<ReplicaSet> {
    let mut sets = stage.sets().await?;
    assert_eq!(sets.len(), 1);
    Ok(sets.remove(0))
}

/// Waits for pods beside `before`; all that are new.
async fn new_pods(stage: &Stage, before: &[Pod], number: usize) -> Result<Vec<Pod>> {
    stage
        .until(&format!("{number} new pods are there"), || async {
            let mut pods = stage.pods().await?;
            pods.retain(|pod| before.iter().all(|old| old.uid() != pod.uid()));
            Ok(if pods.len() == number { Ok(pods) } else { Err(format!("{} new pods", pods.len())) })
        })
        .await
}

fn events_of(object: &impl ResourceExt) -> Vec<EventKind> {
    cause_of(object).expect("stamped").causes.iter().map(|cause| cause.event).collect()
}

/// PUT by a person, as `kubectl edit` and `kubectl replace` do it.
async fn edit<K>(stage: &Stage, name: &str, change: impl Fn(&mut Value)) -> Result<K>
where
    K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + serde::Serialize,
{
    let api = stage.api::<K>();
    let params = PostParams { field_manager: Some("kubectl-edit".into()), ..PostParams::default() };
    loop {
        let mut value = serde_json::to_value(api.get(name).await?)?;
        change(&mut value);
        match api.replace(name, &params, &serde_json::from_value(value)?).await {
            // A loop wrote in between; a person would look again.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            result => return Ok(result?),
        }
    }
}

/// Starts the scene again with this loop alone.
async fn restart_with(stage: &mut Stage, name: LoopName) -> Result<()> {
    stage.stop().await?;
    stage.scene.set_loops(&[name]);
    stage.start().await?;
    stage.settle().await
}

on_both_servers! {
    async fn a_restart_with_nothing_to_do_writes_nothing(server: Server) -> Result<()> {
        let (mut stage, kubelet) = settled(server).await?;
        drop(kubelet);
        for _ in 0..3 {
            stage.stop().await?;
            let before = stage.versions().await?;
            stage.proxy.forget();
            stage.told.forget();
            stage.start().await?;
            stage.settle().await?;
            assert_eq!(stage.written(), Vec::<String>::new());
            assert_eq!(stage.told.opened().len(), 0);
            assert_eq!(stage.versions().await?, before);
        }
        Ok(())
    }

    async fn after_a_restart_new_work_names_the_new_event(server: Server) -> Result<()> {
        let (mut stage, _kubelet) = settled(server).await?;
        stage.stop().await?;
        stage.start().await?;
        stage.settle().await?;
        let before = stage.pods().await?;
        let victim = before[0].name_any();
        stage.api::<Pod>().delete(&victim, &DeleteParams::default()).await?;
        let new = new_pods(&stage, &before, 1).await?.remove(0);
        assert!(origin_of(&new).starts_with(&format!("somebody deleted Pod {victim}")), "{}", origin_of(&new));
        stage.merge::<Deployment>("web", "kubectl-scale", json!({"spec": {"replicas": 3}})).await?;
        let before = stage.until_pods(3).await?;
        let third = before.iter().find(|pod| pod.name_any() != new.name_any() && cause_of(*pod).is_some_and(|s| s.time > cause_of(&new).expect("stamped").time));
        assert!(origin_of(third.expect("the third")).starts_with("field manager kubectl-scale changed Deployment web"));
        Ok(())
    }

    async fn work_found_undone_at_the_start_is_told_as_found_with_who_wished_it(server: Server) -> Result<()> {
        let (mut stage, _kubelet) = settled(server).await?;
        stage.stop().await?;
        let before = stage.pods().await?;
        let edited = edit::<Deployment>(&stage, "web", |web| web["spec"]["replicas"] = json!(3)).await?;
        stage.start().await?;
        let new = new_pods(&stage, &before, 1).await?.remove(0);
        let wanted = format!("field manager kubectl-edit changed Deployment web, generation {}", edited.metadata.generation.expect("one"));
        assert_eq!(origin_of(&new), wanted);
        let set = only_set(&stage).await?;
        assert_eq!(origin_of(&set), wanted);
        assert_eq!(events_of(&set)[0], EventKind::Resync);
        Ok(())
    }

    async fn a_stamp_of_an_earlier_generation_is_not_the_wish_found_at_the_start(server: Server) -> Result<()> {
        let (mut stage, _kubelet) = settled(server).await?;
        let set = only_set(&stage).await?.name_any();
        stage.stop().await?;
        stage.scene.set_loops(&[LoopName::ReplicaSet]);
        let before = stage.pods().await?;
        let edited = edit::<ReplicaSet>(&stage, &set, |set| set["spec"]["replicas"] = json!(3)).await?;
        assert!(cause_of(&edited).is_some(), "the old stamp is still on it");
        stage.start().await?;
        let new = new_pods(&stage, &before, 1).await?.remove(0);
        assert_eq!(
            origin_of(&new),
            format!("field manager kubectl-edit changed ReplicaSet {set}, generation {}", edited.metadata.generation.expect("one"))
        );
        assert_eq!(cause_of(&new).expect("stamped").hops, 0);
        assert_eq!(events_of(&new), [EventKind::Resync]);
        Ok(())
    }

    async fn pods_missing_at_the_start_are_found_missing(server: Server) -> Result<()> {
        let (mut stage, _kubelet) = settled(server).await?;
        let set = only_set(&stage).await?;
        stage.stop().await?;
        let before = stage.pods().await?;
        stage.api::<Pod>().delete(&before[0].name_any(), &DeleteParams::default()).await?;
        stage.start().await?;
        let new = new_pods(&stage, &before, 1).await?.remove(0);
        // Nobody saw the deletion; the wish that stands is the ReplicaSet's, whose stamp holds.
        assert_eq!(events_of(&new), [EventKind::Resync]);
        assert_eq!(origin_of(&new), origin_of(&set));
        Ok(())
    }

    async fn an_edit_of_a_deployment_by_hand_is_named(server: Server) -> Result<()> {
        let (stage, _kubelet) = settled(server).await?;
        let before = stage.pods().await?;
        let edited = edit::<Deployment>(&stage, "web", |web| web["spec"]["replicas"] = json!(4)).await?;
        for pod in new_pods(&stage, &before, 2).await? {
            assert_eq!(origin_of(&pod), format!(
                "field manager kubectl-edit changed Deployment web, generation {} (spec.replicas: 2 -> 4)",
                edited.metadata.generation.expect("one")));
            assert_eq!(cause_of(&pod).expect("stamped").hops, 1);
        }
        Ok(())
    }

    async fn a_replica_set_scaled_by_hand_is_named_and_not_its_last_stamp(server: Server) -> Result<()> {
        let (mut stage, _kubelet) = settled(server).await?;
        restart_with(&mut stage, LoopName::ReplicaSet).await?;
        let (before, set) = (stage.pods().await?, only_set(&stage).await?.name_any());
        let edited = edit::<ReplicaSet>(&stage, &set, |set| set["spec"]["replicas"] = json!(4)).await?;
        for pod in new_pods(&stage, &before, 2).await? {
            assert_eq!(origin_of(&pod), format!(
                "field manager kubectl-edit changed ReplicaSet {set}, generation {} (spec.replicas: 2 -> 4)",
                edited.metadata.generation.expect("one")));
            assert_eq!(cause_of(&pod).expect("stamped").hops, 0);
        }
        // A merge patch is a hand too, and the Deployment loop tells why it puts the number back.
        stage.merge::<ReplicaSet>(&set, "kubectl-patch", json!({"spec": {"replicas": 5}})).await?;
        stage.until_pods(5).await?;
        restart_with(&mut stage, LoopName::Deployment).await?;
        stage.merge::<ReplicaSet>(&set, "kubectl-patch", json!({"spec": {"replicas": 6}})).await?;
        let api = stage.api::<ReplicaSet>();
        let back = stage.until("the ReplicaSet is scaled back", || async {
            let live = api.get(&set).await?;
            let replicas = live.spec.as_ref().and_then(|spec| spec.replicas);
            Ok(if replicas == Some(2) { Ok(live) } else { Err(format!("{replicas:?}")) })
        }).await?;
        assert_eq!(&*cause_of(&back).expect("stamped").action, "deployment.ScaleReplicaSet");
        assert!(origin_of(&back).starts_with(&format!("field manager kubectl-patch changed ReplicaSet {set}")), "{}", origin_of(&back));
        Ok(())
    }

    async fn a_scale_through_the_subresource_is_named(server: Server) -> Result<()> {
        let (mut stage, _kubelet) = settled(server).await?;
        let before = stage.pods().await?;
        let params = PatchParams { field_manager: Some("kubectl-scale".into()), ..PatchParams::default() };
        let three = Patch::Merge(json!({"spec": {"replicas": 3}}));
        stage.api::<Deployment>().patch_scale("web", &params, &three).await?;
        let third = new_pods(&stage, &before, 1).await?.remove(0);
        assert!(origin_of(&third).starts_with("field manager kubectl-scale changed Deployment web"), "{}", origin_of(&third));
        restart_with(&mut stage, LoopName::ReplicaSet).await?;
        let (before, set) = (stage.pods().await?, only_set(&stage).await?.name_any());
        let four = Patch::Merge(json!({"spec": {"replicas": 4}}));
        stage.api::<ReplicaSet>().patch_scale(&set, &params, &four).await?;
        let fourth = new_pods(&stage, &before, 1).await?.remove(0);
        assert!(origin_of(&fourth).starts_with(&format!("field manager kubectl-scale changed ReplicaSet {set}")), "{}", origin_of(&fourth));
        Ok(())
    }

    async fn annotations_of_a_deployment_are_not_its_replica_sets_cause(server: Server) -> Result<()> {
        let (stage, _kubelet) = settled(server).await?;
        let pod = stage.pods().await?.remove(0);
        let forged = json!({"metadata": {"annotations": {
            CAUSE: pod.annotations()[CAUSE], TRACEPARENT: TRACE, "tracing.k8s.io/tracestate": "a=b",
            "tracing.k8s.io/baggage": "k=v", "team": "shop"}}});
        stage.merge::<Deployment>("web", "mallory", forged).await?;
        stage.until("the other annotation is copied", || async {
            let team = only_set(&stage).await?.annotations().get("team").cloned();
            Ok(if team.as_deref() == Some("shop") { Ok(()) } else { Err(format!("{team:?}")) })
        }).await?;
        stage.settle().await?;
        let set = only_set(&stage).await?;
        assert_ne!(set.annotations()[TRACEPARENT], TRACE);
        assert!(!set.annotations().contains_key("tracing.k8s.io/tracestate"));
        assert!(!set.annotations().contains_key("tracing.k8s.io/baggage"));
        assert_eq!(&*cause_of(&set).expect("stamped").controller, "deployment-controller");
        assert_ne!(set.annotations()[CAUSE], pod.annotations()[CAUSE]);
        assert!(stage.told.counted(Counted::Copied) > 0, "the pod's stamp on the Deployment is counted");
        // The next new ReplicaSet has none of it either, and names the person who changed the image.
        stage.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        stage.rolled_out("web").await?;
        for set in stage.sets().await? {
            assert_ne!(set.annotations()[TRACEPARENT], TRACE);
            assert!(!set.annotations().contains_key("tracing.k8s.io/baggage"));
        }
        for pod in stage.pods().await? {
            assert!(origin_of(&pod).starts_with("field manager kubectl-set changed Deployment web"), "{}", origin_of(&pod));
            assert!(!cause_of(&pod).expect("stamped").causes.iter().any(|cause| {
                cause.trace_id.is_some_and(|id| TRACE.contains(&id.to_string()))
            }));
        }
        Ok(())
    }

    /// A valid stamp: an instrumented program wrote the Deployment, so the chain goes on behind it.
    async fn a_stamped_deployment_is_believed_and_causes_no_rollout(server: Server) -> Result<()> {
        let (stage, _kubelet) = settled(server.clone()).await?;
        let (set, template) = (only_set(&stage).await?, stage.api::<Deployment>().get("web").await?.spec.expect("a spec").template);
        let before = stage.pods().await?;
        let client = kontext::client(server.config("operator").await?, Arc::new(Policy::new()))?;
        let web: Api<Deployment> = Api::namespaced(client, &stage.namespace);
        let operator = Arc::new(Controller::new("shop-operator", "shop.example", "Shop"));
        let context = Context::builder(operator, ObjectRef::new("Shop", Some(&stage.namespace), "main")).build();
        let action = context.start(&ObjectRef::new("Shop", Some(&stage.namespace), "main"), "shop.Scale").because("busy hour");
        let params = PatchParams { field_manager: Some("shop-operator".into()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({"spec": {"replicas": 3}}));
        action.call(web.patch("web", &params, &patch)).await?;
        let third = new_pods(&stage, &before, 1).await?.remove(0);
        stage.rolled_out("web").await?;
        let live = stage.api::<Deployment>().get("web").await?;
        assert_eq!(&*cause_of(&live).expect("stamped").action, "shop.Scale");
        assert_eq!(only_set(&stage).await?.name_any(), set.name_any(), "no rollout");
        assert_eq!(live.spec.expect("a spec").template, template);
        let stamp = cause_of(&third).expect("stamped");
        assert_eq!(stamp.hops, 2);
        assert_eq!(stamp.origin.expect("known").to_string(), "controller shop-operator changed Shop main");
        Ok(())
    }

    async fn a_pod_made_again_by_hand_with_its_old_stamp_is_not_the_old_pod(server: Server) -> Result<()> {
        let stage = Stage::with(server, |scene| scene.with_loops(&[LoopName::ReplicaSet])).await?;
        stage.create::<ReplicaSet>(replica_set("web", 1)).await?;
        let old = stage.until_pods(1).await?.remove(0);
        stage.settle().await?;
        // The orphan is made first and then one is too many: with the same name, and with another of the same beginning.
        let params = PostParams { field_manager: Some("kubectl-create".into()), ..PostParams::default() };
        let manifest = |name: &str| -> Result<Pod> {
            let mut copy: Pod = serde_json::from_value(bare_pod(name, "web"))?;
            copy.metadata.annotations = old.metadata.annotations.clone();
            Ok(copy)
        };
        stage.merge::<ReplicaSet>("web", "kubectl-scale", json!({"spec": {"replicas": 2}})).await?;
        stage.until_pods(2).await?;
        stage.settle().await?;
        stage.merge::<Pod>(&old.name_any(), "kubectl-label", json!({"metadata": {"labels": {"app": "other"}}})).await?;
        stage.until_pods(3).await?;
        stage.settle().await?;
        stage.api::<Pod>().delete(&old.name_any(), &DeleteParams::default()).await?;
        stage.until_pods(2).await?;
        let again = stage.api::<Pod>().create(&params, &manifest(&old.name_any())?).await?;
        assert_ne!(again.uid(), old.uid());
        // Three match and two are wanted: it is adopted, and one goes.
        stage.until_pods(2).await?;
        stage.settle().await?;
        let chains: Vec<String> = stage.told.opened().iter()
            .filter(|opened| opened.causes.iter().any(|cause| cause.object.uid.as_deref() == again.uid().as_deref()))
            .flat_map(|opened| opened.causes.iter().filter(|cause| cause.event == EventKind::Created).map(ToString::to_string).collect::<Vec<_>>())
            .collect();
        assert_eq!(chains, [format!("Pod {}/{} created by field manager kubectl-create", stage.namespace, again.name_any())]);
        assert!(stage.told.counted(Counted::Copied) > 0);
        if let Some(live) = stage.api::<Pod>().get_opt(&again.name_any()).await? {
            let stamp = cause_of(&live).expect("stamped");
            assert_eq!(&*stamp.action, "replicaset.AdoptPod");
            assert_eq!(stamp.origin.expect("known").to_string(), format!("field manager kubectl-create created Pod {}, generation 1", again.name_any()));
        }
        Ok(())
    }

    async fn forged_and_broken_annotations_are_counted_and_harmless(server: Server) -> Result<()> {
        let (stage, _kubelet) = settled(server).await?;
        let valid = only_set(&stage).await?.annotations()[CAUSE].clone();
        let forged: Vec<(String, String)> = vec![
            ("x".repeat(600), TRACE.into()),
            ("x".repeat(100_000), TRACE.into()),
            (format!("{valid}\n"), "\n".into()),
            (valid.clone(), TRACE.replace("00-4b", "ff-4b")),
            (valid.clone(), TRACE.to_uppercase()),
            (valid.clone(), format!("{TRACE}-")),
            (valid.clone(), "00-ä".into()),
            ("\u{1b}[31mred\u{7}".into(), "\u{1b}]0;title\u{7}".into()),
            ("{\"v\":1}".into(), TRACE.into()),
            ("{\"v\":99}".into(), TRACE.into()),
            ("[".repeat(500), TRACE.into()),
            (valid.clone(), TRACE.into()),
            (valid.replace("deployment-controller", "\u{202e}evil"), TRACE.into()),
        ];
        let annotated = |mut object: Value, (cause, trace): &(String, String)| {
            object["metadata"]["annotations"] = json!({CAUSE: cause, TRACEPARENT: trace});
            object
        };
        for (number, pair) in forged.iter().enumerate() {
            let name = format!("forged-{number}");
            stage.create::<Deployment>(annotated(deployment(&name, 1), pair)).await?;
            stage.create::<ReplicaSet>(annotated(replica_set(&format!("set-{number}"), 1), pair)).await?;
            // An orphan that the ReplicaSet adopts, and that makes its own pod, if it was made already, one too many.
            stage.create::<Pod>(annotated(bare_pod(&format!("pod-{number}"), &format!("set-{number}")), pair)).await?;
        }
        for (number, pair) in forged.iter().enumerate() {
            let name = format!("forged-{number}");
            stage.rolled_out(&name).await?;
            let annotations = annotated(json!({}), pair);
            // Onto what is there already: the Deployment, its ReplicaSet, its pods.
            stage.merge::<Deployment>(&name, "mallory", annotations.clone()).await?;
            for set in stage.sets().await?.iter().filter(|set| set.name_any().starts_with(&format!("{name}-"))) {
                stage.merge::<ReplicaSet>(&set.name_any(), "mallory", annotations.clone()).await?;
            }
            for pod in stage.pods().await?.iter().filter(|pod| pod.name_any().starts_with(&format!("{name}-"))) {
                stage.merge::<Pod>(&pod.name_any(), "mallory", annotations.clone()).await?;
            }
            stage.patch::<Deployment>(&name, "kubectl-set", image("registry.example/web:2")).await?;
        }
        let malformed = stage.told.counted(Counted::Malformed);
        // All but the two last are broken, on three objects each at least; those are other objects' stamps.
        assert!(malformed >= 3 * (forged.len() as u64 - 2), "{malformed} malformed");
        assert!(stage.told.counted(Counted::Copied) >= 3, "{} copied", stage.told.counted(Counted::Copied));
        for number in 0..forged.len() {
            let name = format!("forged-{number}");
            stage.rolled_out(&name).await?;
            let pods = stage.pods().await?;
            let of = |prefix: &str| pods.iter().filter(|pod| pod.name_any().starts_with(prefix)).cloned().collect::<Vec<_>>();
            let new = of(&format!("{name}-"));
            assert_eq!(new.len(), 1);
            assert!(origin_of(&new[0]).starts_with(&format!("field manager kubectl-set changed Deployment {name}, ")), "{}", origin_of(&new[0]));
            let ready = stage.api::<ReplicaSet>().get(&format!("set-{number}")).await?;
            assert_eq!(ready.status.and_then(|status| status.ready_replicas), Some(1));
            assert_eq!(of(&format!("set-{number}-")).len() + of(&format!("pod-{number}")).iter().filter(|pod| pod.name_any() == format!("pod-{number}")).count(), 1);
        }
        Ok(())
    }

    async fn one_change_before_a_reconcile_is_one_cause(server: Server) -> Result<()> {
        changes_before_one_reconcile(server, 1).await
    }
    async fn two_changes_before_a_reconcile_are_two_causes(server: Server) -> Result<()> {
        changes_before_one_reconcile(server, 2).await
    }
    async fn as_many_changes_as_are_kept_are_all_kept(server: Server) -> Result<()> {
        changes_before_one_reconcile(server, 128).await
    }
    async fn ten_thousand_changes_before_a_reconcile_are_bounded_and_counted(server: Server) -> Result<()> {
        changes_before_one_reconcile(server, 10_000).await
    }
}

/// `changes` changes while the only worker is busy with another ReplicaSet: annotations of the ReplicaSet's pods, and at
/// the end its scale.
async fn changes_before_one_reconcile(server: Server, changes: usize) -> Result<()> {
    let one = LoopConfig { workers: 1, ..LoopConfig::new(LoopName::ReplicaSet) };
    let policy = Policy::new().with_call_timeout(std::time::Duration::from_secs(600));
    let stage = Stage::with(server, |scene| scene.with_policy(policy).with_loop_configs(vec![one])).await?;
    stage.create::<ReplicaSet>(replica_set("web", 10)).await?;
    let gate = stage.create::<ReplicaSet>(replica_set("gate", 0)).await?;
    let pods = stage.until_pods(10).await?;
    stage.settle().await?;

    // The worker's next status of `gate` waits until the gate is opened.
    let (open, opened) = watch::channel(false);
    let held = stage.proxy.fault(Fault::Hold(opened), 1, 1, |passed| {
        passed.name() == "gate" && passed.what() == "update replicasets/status"
    });
    stage.merge::<ReplicaSet>("gate", "alice", json!({"spec": {"minReadySeconds": 1}})).await?;
    stage
        .until("the worker is held", || async {
            Ok(if held.number() == 1 { Ok(()) } else { Err("it is not".into()) })
        })
        .await?;
    stage.told.forget();

    let api = stage.api::<Pod>();
    stream::iter(pods.iter().enumerate())
        .map(|(number, pod)| {
            let (api, name) = (api.clone(), pod.name_any());
            let share = (changes - 1) / pods.len() + usize::from(number < (changes - 1) % pods.len());
            async move {
                for turn in 0..share {
                    let patch = json!({"metadata": {"annotations": {"example.com/turn": turn.to_string()}}});
                    api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await?;
                }
                anyhow::Ok(())
            }
        })
        .buffer_unordered(pods.len())
        .try_collect::<()>()
        .await?;
    stage.merge::<ReplicaSet>("web", "kubectl-scale", json!({"spec": {"replicas": 11}})).await?;
    // A broken stamp on a pod of the gate is counted when the informer has brought all before it.
    let mut marker = bare_pod("marker", "gate");
    marker["metadata"]["annotations"] = json!({CAUSE: "not a stamp"});
    marker["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "gate",
        "uid": gate.uid(), "controller": true}]);
    stage.create::<Pod>(marker).await?;
    stage
        .until("all changes came", || async {
            let seen = [Counted::Malformed, Counted::Unattributed].map(|counted| stage.told.counted(counted));
            Ok(if seen == [1, 1] { Ok(()) } else { Err(format!("{seen:?}")) })
        })
        .await?;
    assert_eq!(stage.told.opened().len(), 0, "the worker is still held");
    open.send_replace(true);

    let new = stage
        .until("the eleventh pod is there", || async {
            let all = stage.pods().await?;
            let of_web = |pod: &&Pod| pod.name_any().starts_with("web-");
            let new = all.iter().filter(of_web).find(|pod| pods.iter().all(|old| old.uid() != pod.uid()));
            Ok(new.cloned().ok_or_else(|| format!("{} pods", all.len())))
        })
        .await?;
    stage.settle().await?;
    let reconcile =
        stage.told.opened().into_iter().find(|opened| &*opened.object.name == "web").expect("one");
    assert_eq!(reconcile.causes.total(), changes as u64);
    assert_eq!(reconcile.causes.iter().count(), changes.min(MAX_KEPT));
    assert_eq!(reconcile.causes.dropped(), changes.saturating_sub(MAX_KEPT) as u64);
    let stamp = cause_of(&new).expect("stamped");
    assert_eq!(stamp.causes.len() as u64 + stamp.more_causes, changes as u64);
    let origin = stamp.origin.expect("known").to_string();
    assert_eq!(
        origin,
        "field manager kubectl-scale changed ReplicaSet web, generation 2 (spec.replicas: 10 -> 11)"
    );
    Ok(())
}

/// Upstream's Deployment controller copies the annotations of a Deployment to its ReplicaSet, a stamp with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamp_that_upstream_copies_down_is_recognised_as_copied() -> Result<()> {
    let test = "a_stamp_that_upstream_copies_down_is_recognised_as_copied";
    let Some(real) = macro_support::own_real_server_or_skip(test).await else {
        return macro_support::skipped();
    };
    let manager = UpstreamManager::builder()
        .controllers(&["deployment-controller"])
        .limits(500.0, 500)
        .start(real.assets(), &real.kubeconfig("system:kube-controller-manager")?)?;
    let server = Server::Real(real);
    let stage = Stage::with(server.clone(), |scene| scene.with_loops(&[LoopName::ReplicaSet])).await?;
    let _kubelet = stage.keep_ready();
    let client = kontext::client(server.config("operator").await?, Arc::new(Policy::new()))?;
    let web: Api<Deployment> = Api::namespaced(client, &stage.namespace);
    let shop = ObjectRef::new("Shop", Some(&stage.namespace), "main");
    let operator = Arc::new(Controller::new("shop-operator", "shop.example", "Shop"));
    let context = Context::builder(operator, shop.clone()).build();
    let act = |reason: &'static str| context.start(&shop, "shop.Write").because(reason);
    let params = PostParams { field_manager: Some("shop-operator".into()), ..PostParams::default() };
    let manifest: Deployment = serde_json::from_value(deployment("web", 2))?;
    act("there is none").call(web.create(&params, &manifest)).await?;
    stage.rolled_out("web").await?;

    let created = web.get("web").await?;
    let set = only_set(&stage).await?;
    assert_eq!(set.annotations()[CAUSE], created.annotations()[CAUSE], "upstream copied it");
    assert!(stage.told.counted(Counted::Copied) > 0);
    for pod in stage.pods().await? {
        assert_eq!(
            origin_of(&pod),
            format!(
                "field manager kube-controller-manager created ReplicaSet {}, generation 1",
                set.name_any()
            )
        );
        assert_eq!(cause_of(&pod).expect("stamped").hops, 0);
    }
    // A new stamp comes with the scale, and is copied in the write that scales the ReplicaSet.
    let before = stage.pods().await?;
    let params = PatchParams { field_manager: Some("shop-operator".into()), ..PatchParams::default() };
    let three = Patch::Merge(json!({"spec": {"replicas": 3}}));
    act("busy hour").call(web.patch("web", &params, &three)).await?;
    let third = new_pods(&stage, &before, 1).await?.remove(0);
    let origin = origin_of(&third);
    let wanted =
        format!("field manager kube-controller-manager changed ReplicaSet {}, generation 2", set.name_any());
    assert!(origin.starts_with(&wanted), "{origin}");
    manager.process().check()?;
    Ok(())
}
