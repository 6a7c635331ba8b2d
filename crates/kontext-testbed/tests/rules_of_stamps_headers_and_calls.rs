//! What bears a stamp and what never does, headers on every call, and calls bounded in time (DESIGN.md §3: 1, 5, 6, 8).

mod proxied;
mod support;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Result;
use futures::TryStreamExt;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    coordination::v1::Lease,
    core::v1::{Event, Pod},
};
use kontext::{
    CallError, Context, Controller, Counted, ObjectRef, Outcome, Policy, Unstamped,
    client::{Builder, Unbound, UnboundError},
};
use kontext_controllers::manager::LoopName;
use kontext_testbed::{Server, on_both_servers};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use proxied::{CAUSE, Fault, Passed, Stage, TRACEPARENT, origin_of};
use serde_json::{Value, json};
use support::*;

/// Create, scale, new image, a pod deleted by hand, scaled to one: all kinds of writes of both loops.
async fn story(stage: &Stage) -> Result<()> {
    stage.create::<Deployment>(deployment("web", 3)).await?;
    stage.rolled_out("web").await?;
    stage.merge::<Deployment>("web", "kubectl-scale", json!({"spec": {"replicas": 4}})).await?;
    stage.rolled_out("web").await?;
    stage.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
    stage.rolled_out("web").await?;
    let victim = stage.pods().await?.remove(0).name_any();
    stage.api::<Pod>().delete(&victim, &DeleteParams::default()).await?;
    stage
        .until("the pod is replaced", || async {
            let pods = stage.pods().await?;
            let done = pods.len() == 4 && pods.iter().all(|pod| pod.name_any() != victim);
            Ok(if done { Ok(()) } else { Err(format!("{} pods", pods.len())) })
        })
        .await?;
    stage.merge::<Deployment>("web", "kubectl-scale", json!({"spec": {"replicas": 1}})).await?;
    stage.until_pods(1).await?;
    stage.rolled_out("web").await?;
    Ok(())
}

async fn played(server: Server, policy: Policy) -> Result<(Stage, KeepReady)> {
    let stage = Stage::with(server, |scene| scene.with_policy(policy)).await?;
    let kubelet = stage.keep_ready();
    story(&stage).await?;
    Ok((stage, kubelet))
}

fn has_our_keys(value: &Value) -> bool {
    let text = value.to_string();
    text.contains(CAUSE) || text.contains(TRACEPARENT)
}

/// `traceparent` and `Audit-ID` of a call, which name the same trace and span.
fn carried(passed: &Passed) -> (String, String) {
    let what = passed.what();
    let traceparent = passed.header("traceparent").unwrap_or_else(|| panic!("{what} has no traceparent"));
    let parsed: kontext::Traceparent = traceparent.parse().expect("a traceparent");
    assert!(traceparent.ends_with("-00") || traceparent.ends_with("-01"), "{what}: {traceparent}");
    let audit_id = passed.header("audit-id").unwrap_or_else(|| panic!("{what} has no Audit-ID"));
    assert!(
        audit_id.len() <= 64 && audit_id.starts_with(&format!("{}-{}-", parsed.trace_id, parsed.span_id)),
        "{what}: {audit_id}"
    );
    (parsed.trace_id.to_string(), audit_id.to_owned())
}

fn shop() -> (ObjectRef, Arc<Controller>) {
    (ObjectRef::new("Shop", None, "main"), Arc::new(Controller::new("shop-operator", "shop.example", "Shop")))
}

on_both_servers! {
    async fn every_call_of_the_loops_carries_trace_and_audit_id(server: Server) -> Result<()> {
        let (stage, _kubelet) = played(server.clone(), Policy::new()).await?;
        let calls = stage.proxy.calls();
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        let mut audit_ids = Vec::new();
        for call in &calls {
            let (trace, audit_id) = carried(call);
            *kinds.entry(call.what()).or_default() += 1;
            audit_ids.push(audit_id);
            // What is written says the trace that the request said.
            let annotations = &call.json()["metadata"]["annotations"];
            let is_stamped = call.verb() == "create" && call.subresource().is_empty();
            if is_stamped {
                let told = annotations[TRACEPARENT].as_str().unwrap_or_else(|| panic!("{} is not stamped", call.what()));
                assert!(told.contains(&trace), "{}: {told} and {trace}", call.what());
            }
        }
        for kind in ["create pods", "delete pods", "create replicasets", "update replicasets", "update replicasets/status", "update deployments/status", "create events"] {
            assert!(kinds.contains_key(kind), "{kind} is not among {kinds:?}");
        }
        let number = audit_ids.len();
        audit_ids.sort();
        audit_ids.dedup();
        assert_eq!(audit_ids.len(), number, "an Audit-ID names one request");
        assert_eq!(stage.told.counted(Counted::Unbound), 0, "a call without a context would have failed");
        // The server's own account has them, deletes too.
        match server.in_memory() {
            Some(server) => {
                let log = server.requests();
                for call in &calls {
                    let (_, audit_id) = carried(call);
                    let seen = log.iter().find(|record| record.audit_id == audit_id).expect("in the request log");
                    assert_eq!((seen.verb.as_str(), seen.traceparent.as_deref()), (call.verb(), call.header("traceparent")));
                }
            }
            None => {
                let real = server.real().expect("one of the two");
                let deletion = calls.iter().find(|call| call.what() == "delete pods").expect("one");
                let (_, last) = carried(calls.last().expect("one"));
                let is = |event: &kontext_testbed::audit::AuditEvent, id: &str| event.text("/auditID") == Some(id);
                real.audit_event(Duration::from_secs(60), |event| is(event, &last)).await?;
                let (_, audit_id) = carried(deletion);
                let event = real.audit_event(Duration::from_secs(60), |event| is(event, &audit_id)).await?;
                assert_eq!((event.verb(), event.user()), ("delete", "kontext"));
                assert_eq!(event.text("/objectRef/name"), Some(deletion.name()));
            }
        }
        Ok(())
    }

    async fn stamps_stand_on_main_resources_and_nowhere_else(server: Server) -> Result<()> {
        let stage = Stage::new(server).await?;
        let _kubelet = stage.keep_ready();
        let watch = WatchParams::default().timeout(290);
        let api = stage.api::<ReplicaSet>();
        let from = api.list(&ListParams::default()).await?.metadata.resource_version.expect("a list has a version");
        let mut history = Box::pin(api.watch(&watch, &from).await?);
        story(&stage).await?;
        for write in stage.proxy.writes() {
            let body = write.json();
            assert!(!has_our_keys(&body["spec"]["template"]), "{} has our keys in its template", write.what());
        }
        for deployment in stage.api::<Deployment>().list(&ListParams::default()).await? {
            assert!(!has_our_keys(&serde_json::to_value(&deployment)?), "no loop writes a Deployment but its status");
        }
        let mut live = BTreeMap::new();
        for set in stage.sets().await? {
            assert!(!has_our_keys(&serde_json::to_value(&set.spec)?));
            assert!(cause_of(&set).is_some());
            live.insert(set.name_any(), set.resource_version());
        }
        assert_eq!(live.len(), 2);
        // In the history of each ReplicaSet, the stamp changes with its content and stays with its status.
        let mut seen: BTreeMap<String, ReplicaSet> = BTreeMap::new();
        let (mut status_writes, mut new_stamps) = (0, 0);
        while seen.iter().map(|(name, set)| (name.clone(), set.resource_version())).collect::<BTreeMap<_, _>>() != live {
            let Some(event) = history.try_next().await? else { anyhow::bail!("the watch ended") };
            let (WatchEvent::Added(set) | WatchEvent::Modified(set)) = event else { continue };
            let stamp = |set: &ReplicaSet| [CAUSE, TRACEPARENT].map(|key| set.annotations().get(key).cloned());
            if let Some(before) = seen.insert(set.name_any(), set.clone()) {
                let status_only = before.status != set.status && before.metadata.generation == set.metadata.generation;
                if status_only {
                    assert_eq!(stamp(&before), stamp(&set), "a status write moved the stamp");
                    status_writes += 1;
                }
                if before.metadata.generation != set.metadata.generation {
                    assert_ne!(stamp(&before), stamp(&set), "another scale with the old stamp");
                    new_stamps += 1;
                }
            }
            let stamped = cause_of(&set).expect("stamped");
            assert_eq!(stamped.generation, set.metadata.generation, "the stamp explains this generation");
        }
        assert!(status_writes > 5 && new_stamps > 2, "{status_writes} status writes, {new_stamps} new stamps");
        Ok(())
    }

    async fn statuses_scales_and_leases_are_never_stamped_and_carry_headers(server: Server) -> Result<()> {
        let stage = Stage::still(server, |scene| scene).await?;
        stage.create::<Deployment>(deployment("web", 1)).await?;
        let client = kontext::client(stage.proxy.config()?, Arc::new(Policy::new()))?;
        let web: Api<Deployment> = Api::namespaced(client.clone(), &stage.namespace);
        let leases: Api<Lease> = Api::namespaced(client, &stage.namespace);
        let (shop, operator) = shop();
        let context = Context::builder(operator, shop.clone()).build();
        let action = context.start(&shop, "shop.Write").because("a test");
        let post = PostParams::default();
        let patch = PatchParams { field_manager: Some("shop-operator".into()), ..PatchParams::default() };
        let lease: Lease = serde_json::from_value(json!({"metadata": {"name": "leader"}, "spec": {"holderIdentity": "a"}}))?;
        let mut lease = action.call(leases.create(&post, &lease)).await?;
        lease.spec.get_or_insert_default().holder_identity = Some("b".into());
        let lease = action.call(leases.replace("leader", &post, &lease)).await?;
        assert!(!has_our_keys(&serde_json::to_value(&lease)?));
        let two = json!({"spec": {"replicas": 2}});
        action.call(web.patch_scale("web", &patch, &Patch::Merge(two))).await?;
        let condition = json!({"status": {"observedGeneration": 2}});
        action.call(web.patch_status("web", &patch, &Patch::Merge(condition))).await?;
        let mut whole = action.call(web.get("web")).await?;
        whole.status.get_or_insert_default().replicas = Some(2);
        action.call(web.replace_status("web", &post, &whole)).await?;
        assert!(!has_our_keys(&serde_json::to_value(web_of(&stage).await?)?));
        // The main resource is, and then keeps its stamp through all of these.
        let three = json!({"spec": {"replicas": 3}});
        let stamped = action.call(web.patch("web", &patch, &Patch::Merge(three))).await?;
        assert!(cause_of(&stamped).is_some());
        action.call(web.patch_scale("web", &patch, &Patch::Merge(json!({"spec": {"replicas": 4}})))).await?;
        let status = Patch::Merge(json!({"status": {"observedGeneration": 3}}));
        action.call(web.patch_status("web", &patch, &status)).await?;
        assert_eq!(web_of(&stage).await?.annotations()[CAUSE], stamped.annotations()[CAUSE]);
        action.call(leases.delete("leader", &DeleteParams::default())).await?;
        let calls = stage.proxy.calls();
        assert!(calls.len() >= 10);
        calls.iter().for_each(|call| drop(carried(call)));
        Ok(())
    }

    async fn keys_in_a_template_stay_in_the_template_and_pods_bear_their_own(server: Server) -> Result<()> {
        let stage = Stage::new(server).await?;
        let _kubelet = stage.keep_ready();
        let mut web = deployment("web", 2);
        let forged = json!({CAUSE: "forged", TRACEPARENT: "forged", "team": "shop"});
        web["spec"]["template"]["metadata"]["annotations"] = forged.clone();
        stage.create::<Deployment>(web).await?;
        stage.rolled_out("web").await?;
        for pod in stage.pods().await? {
            assert_eq!(&*cause_of(&pod).expect("stamped").action, "replicaset.CreatePod");
            assert_eq!(pod.annotations()["team"], "shop");
        }
        let set = serde_json::to_value(stage.sets().await?.remove(0))?;
        assert_eq!(set["spec"]["template"]["metadata"]["annotations"], forged);
        assert_eq!(stage.sets().await?.len(), 1);
        Ok(())
    }

    async fn a_chain_of_too_many_hops_is_cut_and_counted_and_the_rollout_ends(server: Server) -> Result<()> {
        for (bound, pods_are_stamped) in [(0, false), (1, true)] {
            let (stage, kubelet) = played(server.clone(), Policy::new().with_max_hops(bound)).await?;
            drop(kubelet);
            for set in stage.sets().await? {
                assert!(set.annotations().contains_key(CAUSE), "a ReplicaSet is one hop from the person");
            }
            for pod in stage.pods().await? {
                assert_eq!(pod.annotations().contains_key(CAUSE), pods_are_stamped);
            }
            let cut = stage.told.counted(Counted::Unstamped(Unstamped::TooManyHops));
            assert_eq!(cut > 0, !pods_are_stamped, "{cut} cut");
            stage.proxy.calls().iter().for_each(|call| drop(carried(call)));
        }
        Ok(())
    }

    async fn an_event_keeps_the_stamp_of_its_first_occurrence(server: Server) -> Result<()> {
        let stage = Stage::with(server, |scene| scene.with_loops(&[LoopName::ReplicaSet])).await?;
        // A quota in the way of every create, as often as it takes for the Event to be counted up.
        stage.proxy.fault(Fault::Status(403, None), 1, u64::MAX, |passed| passed.what() == "create pods");
        stage.create::<ReplicaSet>(replica_set("web", 1)).await?;
        let find = |least: i32| {
            let stage = &stage;
            async move {
                stage.until(&format!("the Event has occurred {least} times"), || async {
                    let events: Vec<Event> = stage.events().await?.into_iter().filter(|e| e.reason.as_deref() == Some("FailedCreate")).collect();
                    let count = events.first().and_then(|event| event.count).unwrap_or(0);
                    Ok(if count >= least { Ok(events[0].clone()) } else { Err(format!("{count} in {} Events", events.len())) })
                }).await
            }
        };
        let first = find(1).await?;
        let again = find(4).await?;
        assert_eq!(first.name_any(), again.name_any());
        let keys = |event: &Event| [CAUSE, TRACEPARENT].map(|key| event.annotations().get(key).cloned().expect("stamped"));
        assert_eq!(keys(&first), keys(&again));
        assert_eq!(&*cause_of(&again).expect("stamped").action, "replicaset.CreatePod");
        assert!(origin_of(&again).starts_with("field manager kubectl-create created ReplicaSet web"));
        for write in stage.proxy.writes().iter().filter(|write| write.what() == "patch events") {
            assert!(!has_our_keys(&write.json()));
        }
        stage.proxy.heal();
        stage.until_pods(1).await?;
        Ok(())
    }

    async fn a_call_without_a_context_is_refused_before_it_is_sent(server: Server) -> Result<()> {
        let stage = Stage::still(server, |scene| scene).await?;
        let policy = Arc::new(Policy::new());
        let client = Builder::new(stage.proxy.config()?, policy.clone())
            .telemetry(stage.told.clone())
            .unbound(Unbound::Reject)
            .build()?;
        let pods: Api<Pod> = Api::namespaced(client, &stage.namespace);
        let pod: Pod = serde_json::from_value(bare_pod("web", "web"))?;
        let refused = pods.create(&PostParams::default(), &pod).await.expect_err("it has no context");
        let kube::Error::Service(error) = refused else { anyhow::bail!("{refused}") };
        assert!(error.downcast_ref::<UnboundError>().is_some(), "{error}");
        assert!(pods.list(&ListParams::default()).await.is_err() && pods.delete("web", &DeleteParams::default()).await.is_err());
        assert_eq!(stage.proxy.passed().len(), 0);
        assert_eq!(stage.told.counted(Counted::Unbound), 3);
        // With one it goes, in a task that was spawned with it too.
        let (shop, operator) = shop();
        let context = Context::builder(operator, shop).policy(policy).build();
        context.call(pods.create(&PostParams::default(), &pod)).await?;
        let listed = context.spawn({ let pods = pods.clone(); async move { pods.list(&ListParams::default()).await } }).await??;
        assert_eq!(listed.items.len(), 1);
        Ok(())
    }

    async fn a_server_that_never_answers_ends_in_a_timeout_and_the_loop_goes_on(server: Server) -> Result<()> {
        let timeout = Duration::from_millis(700);
        let stage = Stage::with(server, |scene| {
            scene.with_policy(Policy::new().with_call_timeout(timeout)).with_loops(&[LoopName::ReplicaSet])
        }).await?;
        let hangs = ["create pods", "update replicasets/status", "delete pods"]
            .map(|what| stage.proxy.fault(Fault::Hang, 1, 1, move |passed| passed.what() == what));
        let began = tokio::time::Instant::now();
        stage.create::<ReplicaSet>(replica_set("web", 2)).await?;
        stage.until_pods(2).await?;
        stage.settle().await?;
        stage.merge::<ReplicaSet>("web", "kubectl-scale", json!({"spec": {"replicas": 1}})).await?;
        stage.until_pods(1).await?;
        let api = stage.api::<ReplicaSet>();
        stage.until("the status tells of one", || async {
            let replicas = api.get("web").await?.status.map(|status| status.replicas);
            Ok(if replicas == Some(1) { Ok(()) } else { Err(format!("{replicas:?}")) })
        }).await?;
        stage.settle().await?;
        assert_eq!(hangs.map(|hang| hang.number()), [1, 1, 1]);
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        let timed_out: Vec<String> = stage.told.actions().into_iter().filter(|(_, outcome)| *outcome == Outcome::TimedOut).map(|(name, _)| name).collect();
        for action in ["replicaset.CreatePod", "replicaset.DeletePod"] {
            assert!(timed_out.iter().any(|name| name == action), "{action} is not among {timed_out:?}");
        }
        Ok(())
    }

    async fn a_hanging_call_is_bounded_by_the_deadline_of_its_context(server: Server) -> Result<()> {
        let stage = Stage::still(server, |scene| scene).await?;
        let policy = Arc::new(Policy::new());
        let client = kontext::client(stage.proxy.config()?, policy.clone())?;
        stage.proxy.fault(Fault::Hang, 1, u64::MAX, |_| true);
        let pods: Api<Pod> = Api::namespaced(client, &stage.namespace);
        let (shop, operator) = shop();
        let context = Context::builder(operator, shop.clone()).policy(policy).build().with_timeout(Duration::from_millis(300));
        let began = tokio::time::Instant::now();
        let action = context.start(&shop, "shop.List");
        let ended = action.call(pods.list(&ListParams::default())).await.expect_err("nobody answers");
        assert!(matches!(ended, CallError::DeadlineExceeded { .. }), "{ended}");
        assert!(began.elapsed() < Duration::from_secs(10));
        Ok(())
    }
}

async fn web_of(stage: &Stage) -> Result<Deployment> {
    Ok(stage.api::<Deployment>().get("web").await?)
}
