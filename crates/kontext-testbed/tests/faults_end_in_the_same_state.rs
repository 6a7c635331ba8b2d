//! Whatever the API server answers in the middle of a rollout, it ends the same, with no pod too many.

mod proxied;
mod support;

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kontext::Policy;
use kontext_testbed::{Server, on_both_servers};
use proxied::{Census, Fault, Passed, Stage};
use support::*;

/// Replicas of the Deployment that is rolled out.
const REPLICAS: i32 = 5;

fn call(passed: &Passed) -> bool {
    !passed.is_informers()
}

/// Creates a Deployment and changes its image while `arm` makes faults; then everything is as without.
async fn rollout(
    server: Server,
    policy: Policy,
    arm: impl Fn(&Stage) -> Vec<proxied::Strikes>,
) -> Result<()> {
    let stage = Stage::with(server, |scene| scene.with_policy(policy)).await?;
    let census = Census::start(stage.api()).await?;
    let _kubelet = stage.keep_ready();
    let strikes = arm(&stage);
    stage.create::<Deployment>(deployment("web", REPLICAS)).await?;
    stage.rolled_out("web").await?;
    stage.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
    stage.rolled_out("web").await?;
    for (index, strikes) in strikes.iter().enumerate() {
        assert!(strikes.number() > 0, "fault {index} never struck");
    }
    stage.proxy.heal();
    stage.settle().await?;
    let wanted = usize::try_from(REPLICAS)?;
    assert_eq!(stage.pods().await?.len(), wanted);
    let (ever, most) = census.finish().await?;
    assert_eq!(ever, 2 * wanted, "pods that there ever were");
    assert!(most <= wanted, "{most} of one ReplicaSet at a time");
    let sets = stage.sets().await?;
    let mut replicas: Vec<_> =
        sets.iter().map(|set| set.spec.as_ref().and_then(|spec| spec.replicas)).collect();
    replicas.sort();
    assert_eq!(replicas, [Some(0), Some(REPLICAS)]);
    // Each pod tells why it is there, whatever happened on the way.
    for pod in stage.pods().await? {
        assert_eq!(&*cause_of(&pod).expect("stamped").action, "replicaset.CreatePod");
        let origin = proxied::origin_of(&pod);
        assert!(
            origin.starts_with("field manager kubectl-set changed Deployment web"),
            "{origin} in {:#?}",
            cause_of(&pod)
        );
    }
    Ok(())
}

/// Every second call of the loops, 25 times.
async fn every_second_call(server: Server, fault: Fault) -> Result<()> {
    rollout(server, Policy::new(), |stage| vec![stage.proxy.fault(fault.clone(), 2, 25, call)]).await
}

/// Each kind of write twice, at its first and second coming.
async fn first_writes(server: Server, policy: Policy, fault: Fault) -> Result<()> {
    rollout(server, policy, |stage| {
        let writes = [
            ("create pods", 3),
            ("delete pods", 2),
            ("create replicasets", 1),
            ("update replicasets", 2),
            ("update replicasets/status", 2),
            ("update deployments/status", 2),
        ];
        let arm =
            |(what, times)| stage.proxy.fault(fault.clone(), 1, times, move |passed| passed.what() == what);
        writes.into_iter().map(arm).collect()
    })
    .await
}

on_both_servers! {
    async fn too_many_requests(server: Server) -> Result<()> {
        every_second_call(server, Fault::Status(429, None)).await
    }
    async fn too_many_requests_with_a_wish_to_wait(server: Server) -> Result<()> {
        first_writes(server, Policy::new(), Fault::Status(429, Some(1))).await
    }
    async fn internal_errors(server: Server) -> Result<()> {
        every_second_call(server, Fault::Status(500, None)).await
    }
    async fn an_unavailable_server(server: Server) -> Result<()> {
        every_second_call(server, Fault::Status(503, None)).await
    }
    async fn timeouts_of_the_server_itself(server: Server) -> Result<()> {
        first_writes(server, Policy::new(), Fault::Status(504, None)).await
    }
    async fn connections_that_break_before_the_commit(server: Server) -> Result<()> {
        every_second_call(server, Fault::ResetBefore).await
    }
    async fn connections_that_break_after_the_commit(server: Server) -> Result<()> {
        every_second_call(server, Fault::ResetAfter).await
    }
    async fn first_writes_whose_answers_are_lost(server: Server) -> Result<()> {
        first_writes(server, Policy::new(), Fault::ResetAfter).await
    }
    async fn answers_that_come_after_the_call_was_given_up(server: Server) -> Result<()> {
        let policy = Policy::new().with_call_timeout(Duration::from_millis(500));
        first_writes(server, policy, Fault::SlowAnswer(Duration::from_secs(2))).await
    }
    async fn slow_answers(server: Server) -> Result<()> {
        every_second_call(server, Fault::SlowAnswer(Duration::from_millis(200))).await
    }
    async fn requests_that_are_never_answered(server: Server) -> Result<()> {
        let policy = Policy::new().with_call_timeout(Duration::from_millis(500));
        first_writes(server, policy, Fault::Hang).await
    }

    async fn a_create_that_is_carried_out_late(server: Server) -> Result<()> {
        a_late_create(server).await
    }

    /// Watches that break again and again, and a history that is gone when they come back.
    async fn watches_that_break(server: Server) -> Result<()> {
        let expired = |passed: &Passed| passed.verb() == "watch";
        with_broken_watches(server, |stage| vec![stage.proxy.fault(Fault::Status(410, None), 2, 6, expired)]).await
    }

    async fn watches_that_break_while_calls_fail(server: Server) -> Result<()> {
        with_broken_watches(server, |stage| {
            let fail = |fault, every| stage.proxy.fault(fault, every, 12, call);
            vec![fail(Fault::ResetAfter, 3), fail(Fault::Status(503, None), 4)]
        })
        .await
    }

    /// Lists fail too when the informers come back.
    async fn lists_that_fail_after_a_history_that_is_gone(server: Server) -> Result<()> {
        with_broken_watches(server, |stage| {
            let expired = |passed: &Passed| passed.verb() == "watch";
            let list = |passed: &Passed| passed.verb() == "list" && passed.is_informers();
            vec![
                stage.proxy.fault(Fault::Status(410, None), 2, 6, expired),
                stage.proxy.fault(Fault::ResetAfter, 2, 3, list),
            ]
        })
        .await
    }
}

/// The in-memory server's own faults: over HTTPS, where a broken connection takes all requests on it along.
mod with_the_servers_own_faults {
    use kontext_apiserver::{Fault, Rule};
    use kontext_testbed::InMemoryServer;

    use super::*;

    fn calls(fault: Fault) -> Rule {
        Rule::new(fault).user("kontext").when(|record| !matches!(record.verb.as_str(), "list" | "watch"))
    }

    async fn rolls_out(arm: impl Fn(&kontext_apiserver::ApiServer)) -> Result<()> {
        let server = Server::InMemory(InMemoryServer::start().await?);
        let scene = Scene::new(server.clone()).await?;
        let _kubelet = scene.keep_ready();
        arm(server.in_memory().expect("it is"));
        let web = scene.api::<Deployment>();
        let done = || async { Ok(rolled_out(&web.get("web").await?)) };
        scene.create::<Deployment>(deployment("web", REPLICAS)).await?;
        scene.until("the first rollout ends", done).await?;
        scene.settle().await?;
        scene.patch::<Deployment>("web", "kubectl-set", image("registry.example/web:2")).await?;
        scene.until("the second rollout ends", done).await?;
        scene.settle().await?;
        let wanted = usize::try_from(REPLICAS)?;
        assert_eq!(scene.pods().await?.len(), wanted);
        let server = server.in_memory().expect("it is");
        // By the server's own account: a compaction ends the watch of a census too.
        let made = |record: &&kontext_apiserver::RequestRecord| {
            record.verb == "create" && record.resource == "pods" && record.changed
        };
        assert_eq!(server.requests().iter().filter(made).count(), 2 * wanted);
        Ok(())
    }

    /// The fault strikes every call of some of the kinds, three times each, and did.
    async fn first_of_each_kind(fault: Fault) -> Result<()> {
        let armed = std::sync::Mutex::new(Vec::new());
        rolls_out(|server| {
            let kinds = [
                ("create", "pods"),
                ("delete", "pods"),
                ("update", "replicasets"),
                ("update", "deployments"),
            ];
            for (verb, resource) in kinds {
                let rule = calls(fault.clone()).verb(verb).resource(resource).times(3);
                armed.lock().expect("not poisoned").push(server.faults().add(rule));
            }
        })
        .await?;
        for rule in armed.lock().expect("not poisoned").iter() {
            assert_eq!(rule.strikes(), 3);
        }
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn connections_that_break_after_the_commit() -> Result<()> {
        first_of_each_kind(Fault::CommitThenReset).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn connections_that_break_before_the_commit() -> Result<()> {
        first_of_each_kind(Fault::ResetBeforeCommit).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn watches_dropped_at_each_write() -> Result<()> {
        rolls_out(|server| {
            server.faults().add(calls(Fault::DropWatches).resource("pods").times(6));
            server.faults().add(calls(Fault::DropWatches).resource("replicasets").times(6));
        })
        .await
    }

    /// What was missed while the watches were down is gone for good, so the informers list again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_history_compacted_at_each_write() -> Result<()> {
        rolls_out(|server| {
            let compacted = server.clone();
            let rule = Rule::new(Fault::DropWatches).user("kontext").resource("replicasets").times(8);
            let always = rule.when(move |record| {
                let is_call = !matches!(record.verb.as_str(), "list" | "watch");
                if is_call {
                    compacted.compact();
                }
                is_call
            });
            server.faults().add(always);
        })
        .await
    }
}

/// A create that the server carries out after the loop gave it up and asked which pods there are: one pod more than
/// wanted for a moment, which nobody could have known, and exactly those wanted in the end.
async fn a_late_create(server: Server) -> Result<()> {
    let policy = Policy::new().with_call_timeout(Duration::from_millis(400));
    let stage = Stage::with(server, |scene| scene.with_policy(policy)).await?;
    let (open, opened) = tokio::sync::watch::channel(false);
    let late = stage.proxy.fault(Fault::Hold(opened), 1, 1, |passed| passed.what() == "create pods");
    let census = Census::start(stage.api()).await?;
    stage.create::<ReplicaSet>(replica_set("web", 1)).await?;
    let made = |stage: &Stage| {
        let writes = stage.proxy.writes();
        writes.iter().filter(|write| write.what() == "create pods" && write.upstream == Some(201)).count()
    };
    let until_made = |number: usize| {
        let stage = &stage;
        stage.until("that many pods were made", move || async move {
            Ok(if made(stage) == number { Ok(()) } else { Err(format!("{} made", made(stage))) })
        })
    };
    until_made(1).await?;
    assert_eq!(late.number(), 1);
    open.send_replace(true);
    until_made(2).await?;
    stage.until_pods(1).await?;
    stage.settle().await?;
    stage.until_pods(1).await?;
    let deletes = stage.proxy.writes().into_iter().filter(|write| write.what() == "delete pods").count();
    assert_eq!((census.finish().await?.0, deletes), (2, 1));
    Ok(())
}

/// The same rollout while all watches are cut, six times.
async fn with_broken_watches(server: Server, arm: impl Fn(&Stage) -> Vec<proxied::Strikes>) -> Result<()> {
    let cutters = std::sync::Mutex::new(Vec::new());
    rollout(server, Policy::new(), |stage| {
        let mut strikes = arm(stage);
        let cutter = stage.proxy.cutter(6);
        strikes.push(cutter.cuts.clone());
        cutters.lock().expect("not poisoned").push(cutter);
        strikes
    })
    .await
}
