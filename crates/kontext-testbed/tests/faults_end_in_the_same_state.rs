//! Whatever the API server answers in the middle of a rollout, it ends the same, with no pod too many.

mod proxied;
mod support;

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
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
        assert!(proxied::origin_of(&pod).starts_with("field manager kubectl-set changed Deployment web"));
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

    /// Watches that break again and again, and a history that is gone when they come back.
    async fn watches_that_break(server: Server) -> Result<()> {
        let expired = |passed: &Passed| passed.verb() == "watch";
        with_broken_watches(server, |stage| vec![stage.proxy.fault(Fault::Status(410, None), 3, 6, expired)]).await
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

/// The same rollout while all watches are cut, again as soon as they are back, eight times.
async fn with_broken_watches(server: Server, arm: impl Fn(&Stage) -> Vec<proxied::Strikes>) -> Result<()> {
    let stop = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    rollout(server, Policy::new(), |stage| {
        let cutter = stage.proxy.cutter(8);
        stop.lock().expect("not poisoned").push(cutter);
        arm(stage)
    })
    .await
}
