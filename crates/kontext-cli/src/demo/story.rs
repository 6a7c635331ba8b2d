//! The story: who does what, and what is waited for before the next one.

use std::{collections::BTreeSet, time::Instant};

use super::{
    people::Person,
    screen::Screen,
    stage::Stage,
    world::{PodState, Snapshot, World},
};

/// Where it plays.
pub(super) const NAMESPACE: &str = "shop";
/// What it is about.
pub(super) const DEPLOYMENT: &str = "web";
const OLD: &str = "registry.example/web:1";
const NEW: &str = "registry.example/web:2";

/// Who plays.
pub(super) struct Cast {
    alice: Person,
    bob: Person,
    ci: Person,
}

impl Cast {
    pub(super) async fn enter(stage: &Stage) -> anyhow::Result<Self> {
        Ok(Self {
            alice: Person::enter(stage, "alice").await?,
            bob: Person::enter(stage, "bob").await?,
            ci: Person::enter(stage, "ci").await?,
        })
    }
}

/// What can be asked about afterwards.
pub(super) struct Told {
    rolled_out: String,
    replacement: String,
    new_set: String,
}

impl Told {
    /// As `kubectl why` takes them.
    pub(super) fn objects(&self) -> [String; 4] {
        [
            format!("pod/{}", self.rolled_out),
            format!("pod/{}", self.replacement),
            format!("replicaset/{}", self.new_set),
            format!("deployment/{DEPLOYMENT}"),
        ]
    }
}

pub(super) async fn tell(cast: &Cast, world: &World, screen: &Screen) -> anyhow::Result<Told> {
    let Cast { alice, bob, ci } = cast;

    screen.act(alice, &format!("kubectl create namespace {NAMESPACE}"))?;
    alice.create_namespace(NAMESPACE).await?;
    screen.act(alice, &format!("kubectl create deployment {DEPLOYMENT} --image={OLD} --replicas=3"))?;
    let since = Instant::now();
    alice.create_deployment(NAMESPACE, DEPLOYMENT, OLD, 3).await?;
    world.until("3 pods to be ready", |now| settled(now, 3, OLD)).await?;
    screen.note("3 of 3 pods ready", since)?;

    screen.act(bob, &format!("kubectl scale deployment {DEPLOYMENT} --replicas=5"))?;
    let since = Instant::now();
    bob.scale(NAMESPACE, DEPLOYMENT, 5).await?;
    world.until("5 pods to be ready", |now| settled(now, 5, OLD)).await?;
    screen.note("5 of 5 pods ready", since)?;

    screen.act(ci, &format!("kubectl set image deployment/{DEPLOYMENT} {DEPLOYMENT}={NEW}"))?;
    let since = Instant::now();
    ci.set_image(NAMESPACE, DEPLOYMENT, DEPLOYMENT, NEW).await?;
    world.until("the rollout to end", |now| settled(now, 5, NEW)).await?;
    screen.note("rolled out: 5 of 5 pods replaced", since)?;

    let before: Vec<String> = ready_pods(&world.snapshot());
    let [rolled_out, .., victim] = before.as_slice() else { anyhow::bail!("the rollout left {before:?}") };
    screen.act(bob, &format!("kubectl delete pod {victim}"))?;
    let since = Instant::now();
    bob.delete_pod(NAMESPACE, victim).await?;
    let gone = |now: &Snapshot| settled(now, 5, NEW) && !ready_pods(now).contains(victim);
    world.until("the deleted pod to be replaced", gone).await?;
    let known: BTreeSet<&String> = before.iter().collect();
    let after = world.snapshot();
    let Some(replacement) = ready_pods(&after).into_iter().find(|pod| !known.contains(pod)) else {
        anyhow::bail!("no pod came for {victim}");
    };
    screen.note(&format!("replaced by {replacement}"), since)?;

    let new_set = after.sets.iter().find(|set| set.image == NEW).map(|set| set.name.clone());
    let new_set = new_set.ok_or_else(|| anyhow::anyhow!("no ReplicaSet has the image {NEW}"))?;
    Ok(Told { rolled_out: rolled_out.clone(), replacement, new_set })
}

/// Whether the Deployment has said that it is done, and every pod there is agrees.
fn settled(now: &Snapshot, pods: usize, image: &str) -> bool {
    let told = now.deployment.as_ref().is_some_and(|deployment| {
        deployment.observed
            && [deployment.wanted, deployment.updated, deployment.available, deployment.total]
                .iter()
                .all(|count| *count == pods)
    });
    let fits = |set: &super::world::Set| set.pods.is_empty() || set.image == image;
    told && ready_pods(now).len() == pods && now.sets.iter().all(fits) && now.pods() == pods
}

/// Oldest first.
fn ready_pods(now: &Snapshot) -> Vec<String> {
    let mut pods: Vec<_> = now.sets.iter().flat_map(|set| &set.pods).collect();
    pods.retain(|pod| pod.state == PodState::Ready);
    pods.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    pods.iter().map(|pod| pod.name.clone()).collect()
}
