//! Waiting for states of objects, and reading them as numbers and sentences.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use anyhow::Result;
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{Event, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Scene, bare_pod, controller_of, deployment, is_ready, replica_set, rolled_out, set_ready};

/// Holds a pod whose deletion has begun, as a kubelet would that is not done with it.
pub const HOLD: &str = "test.example/hold";

/// What a look at an object finds: all right, or what was seen instead.
pub type Seen = std::result::Result<(), String>;

pub fn is<T: PartialEq + Debug>(saw: T, wanted: T) -> Seen {
    if saw == wanted { Ok(()) } else { Err(format!("{saw:?} and not {wanted:?}")) }
}

impl Scene {
    /// Waits until an object is there and `holds`.
    pub async fn until_object<K>(&self, name: &str, what: &str, holds: impl Fn(&K) -> Seen) -> Result<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api = self.api::<K>();
        self.until(what, || async {
            Ok(match api.get_opt(name).await? {
                Some(object) => holds(&object).map(|()| object),
                None => Err(format!("no {name}")),
            })
        })
        .await
    }

    /// Waits until all that `pods` finds holds, of all pods of the namespace.
    pub async fn until_all_pods<T>(
        &self,
        what: &str,
        look: impl Fn(Vec<Pod>) -> std::result::Result<T, String>,
    ) -> Result<T> {
        let api = self.api::<Pod>();
        self.until(what, || async { Ok(look(api.list(&ListParams::default()).await?.items)) }).await
    }

    /// Waits until the Deployment's ReplicaSets have these sizes, oldest first.
    pub async fn until_sizes(&self, wanted: &[i32]) -> Result<Vec<ReplicaSet>> {
        self.until(&format!("the ReplicaSets have the sizes {wanted:?}"), || async {
            let sets = self.sets().await?;
            let sizes: Vec<i32> = sets.iter().map(size).collect();
            Ok(is(&*sizes, wanted).map(|()| sets))
        })
        .await
    }

    /// Waits until nothing was written for a while: all that can be seen of upstream's manager being done.
    pub async fn rest(&self) -> Result<()> {
        let versions = || async {
            let of = |meta: &ObjectMeta| (meta.uid.clone(), meta.resource_version.clone());
            let all = ListParams::default();
            let pods = self.api::<Pod>().list(&all).await?;
            let sets = self.api::<ReplicaSet>().list(&all).await?;
            let deployments = self.api::<Deployment>().list(&all).await?;
            let mut versions: Vec<_> = pods.iter().map(|pod| of(&pod.metadata)).collect();
            versions.extend(sets.iter().map(|set| of(&set.metadata)));
            versions.extend(deployments.iter().map(|deployment| of(&deployment.metadata)));
            anyhow::Ok(versions)
        };
        let (mut last, mut since) = (versions().await?, Instant::now());
        while since.elapsed() < Duration::from_millis(1500) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = versions().await?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// Waits until the manager's caches have every pod and ReplicaSet written so far. Watches of two kinds are not in
    /// step: who makes an orphan and then its owner-to-be, and must have the orphan found, has to wait in between.
    pub async fn until_seen(&self) -> Result<()> {
        let name = "witness";
        let set = self.create::<ReplicaSet>(replica_set(name, 0)).await?;
        self.until_counts(name, Counts::pods(0)).await?;
        // Nobody wants this pod: when it is adopted and gone, all pods before it were seen.
        self.create::<Pod>(bare_pod(name, name)).await?;
        self.until("the witness is gone", || async {
            Ok(if self.api::<Pod>().get_opt(name).await?.is_none() { Ok(()) } else { Err("it".to_owned()) })
        })
        .await?;
        self.api::<ReplicaSet>().delete(&set.name_any(), &DeleteParams::default()).await?;
        Ok(())
    }

    /// Waits until what is created from now on is younger than all ReplicaSets that are there: creation times are whole
    /// seconds, and of two made in one second the name decides which is the older.
    pub async fn until_the_clock_ticks(&self) -> Result<()> {
        let made = |set: &ReplicaSet| set.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let youngest = self.sets().await?.iter().filter_map(made).max();
        self.until("a second has passed", || async {
            let now = k8s_openapi::jiff::Timestamp::now();
            let passed = youngest.is_none_or(|made| now.as_second() > made.as_second());
            Ok(if passed { Ok(()) } else { Err(now.to_string()) })
        })
        .await
    }

    /// Waits for the status numbers of a ReplicaSet, of its present generation.
    pub async fn until_counts(&self, name: &str, wanted: Counts) -> Result<ReplicaSet> {
        self.until_object(name, &format!("{name} has {wanted:?}"), |set: &ReplicaSet| {
            let observed = set.status.as_ref().and_then(|status| status.observed_generation);
            is(observed, set.metadata.generation)?;
            is(Counts::of(set), wanted)
        })
        .await
    }

    /// Waits until the Events about an object are these (sorted, ` ×n` where repeated), and no others.
    pub async fn until_said(&self, kind: &str, name: &str, wanted: &[String]) -> Result<()> {
        let mut wanted = wanted.to_vec();
        wanted.sort();
        self.until(&format!("the Events about {kind} {name} are {wanted:#?}"), || async {
            let saw = self.said(kind, name).await?;
            Ok(if saw == wanted { Ok(()) } else { Err(format!("{saw:#?}")) })
        })
        .await
    }

    /// The Events about an object: `Normal ScalingReplicaSet by deployment-controller: Scaled up …`, sorted.
    pub async fn said(&self, kind: &str, name: &str) -> Result<Vec<String>> {
        let mut said = BTreeMap::<String, i32>::new();
        for event in self.events().await? {
            let about = &event.involved_object;
            if about.kind.as_deref() == Some(kind) && about.name.as_deref() == Some(name) {
                *said.entry(sentence(&event)).or_default() += event.count.unwrap_or(1);
            }
        }
        let times = |count| if count == 1 { String::new() } else { format!(" ×{count}") };
        Ok(said.into_iter().map(|(sentence, count)| sentence + &times(count)).collect())
    }

    /// Marks pods ready, those of one ReplicaSet.
    pub async fn make_ready_of(&self, set: &ReplicaSet) -> Result<()> {
        for pod in self.pods().await?.iter().filter(|pod| is_controlled_by(*pod, set) && !is_ready(pod)) {
            set_ready(&self.api(), &pod.name_any(), true).await?;
        }
        Ok(())
    }

    /// Patches a pod's status, as a kubelet would.
    pub async fn pod_status(&self, name: &str, status: Value) -> Result<Pod> {
        let params = PatchParams { field_manager: Some("kubelet".into()), ..PatchParams::default() };
        let patch = Patch::Strategic(json!({ "status": status }));
        Ok(self.api::<Pod>().patch_status(name, &params, &patch).await?)
    }

    /// Makes the pod stay when it is deleted, until [`let_go`](Self::let_go).
    pub async fn hold(&self, pod: &Pod) -> Result<()> {
        self.merge::<Pod>(&pod.name_any(), "kubelet", json!({"metadata": {"finalizers": [HOLD]}})).await?;
        Ok(())
    }

    pub async fn let_go(&self, pod: &Pod) -> Result<()> {
        self.merge::<Pod>(&pod.name_any(), "kubelet", json!({"metadata": {"finalizers": null}})).await?;
        Ok(())
    }
}

fn sentence(event: &Event) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let source = event.source.as_ref().and_then(|source| source.component.clone()).unwrap_or_default();
    format!("{} {} by {source}: {}", text(&event.type_), text(&event.reason), text(&event.message))
}

/// A sentence of [`Scene::said`] by the Deployment loop.
pub fn scaled(set: &ReplicaSet, from: i32, to: i32) -> String {
    let way = if to > from { "up" } else { "down" };
    deployment_said(
        "ScalingReplicaSet",
        &format!("Scaled {way} replica set {} from {from} to {to}", set.name_any()),
    )
}

pub fn deployment_said(reason: &str, message: &str) -> String {
    format!("Normal {reason} by deployment-controller: {message}")
}

pub fn created(pod: &Pod) -> String {
    format!("Normal SuccessfulCreate by replicaset-controller: Created pod: {}", pod.name_any())
}

pub fn deleted(pod: &Pod) -> String {
    format!("Normal SuccessfulDelete by replicaset-controller: Deleted pod: {}", pod.name_any())
}

/// The numbers of a ReplicaSet's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub replicas: i32,
    pub labeled: i32,
    pub ready: i32,
    pub available: i32,
    pub terminating: i32,
}

impl Counts {
    pub fn of(set: &ReplicaSet) -> Self {
        let status = set.status.clone().unwrap_or_default();
        Self {
            replicas: status.replicas,
            labeled: status.fully_labeled_replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
            available: status.available_replicas.unwrap_or(0),
            terminating: status.terminating_replicas.unwrap_or(-1),
        }
    }

    /// So many pods with all labels, none of them ready, none terminating.
    pub fn pods(replicas: i32) -> Self {
        Self { replicas, labeled: replicas, ..Self::default() }
    }
}

pub fn size(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

pub fn is_controlled_by<K: ResourceExt, O: ResourceExt>(object: &K, owner: &O) -> bool {
    controller_of(object).is_some_and(|reference| Some(&reference.uid) == owner.uid().as_ref())
}

/// An annotation of the Deployment loop: `annotation(set, "revision")`.
pub fn annotation<'a, K: ResourceExt>(object: &'a K, name: &str) -> &'a str {
    object.annotations().get(&format!("deployment.kubernetes.io/{name}")).map_or("", String::as_str)
}

/// `revision`, `revision-history`, `desired-replicas` and `max-replicas` of a ReplicaSet.
pub fn bookkeeping(set: &ReplicaSet) -> [&str; 4] {
    ["revision", "revision-history", "desired-replicas", "max-replicas"].map(|name| annotation(set, name))
}

/// A condition as `True MinimumReplicasAvailable: Deployment has minimum availability.`
pub fn condition(deployment: &Deployment, kind: &str) -> String {
    let conditions = deployment.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let found = conditions.into_iter().find(|condition| condition.type_ == kind);
    found.map_or_else(String::new, |condition| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("{} {}: {}", condition.status, text(&condition.reason), text(&condition.message))
    })
}

/// Whether the Deployment's condition is so, and observed for its present generation.
pub fn has_condition(deployment: &Deployment, kind: &str, wanted: &str) -> Seen {
    let observed = deployment.status.as_ref().and_then(|status| status.observed_generation);
    is(observed, deployment.metadata.generation)?;
    is(condition(deployment, kind).as_str(), wanted)
}

pub fn pods_of(pods: &[Pod], owner: &ReplicaSet) -> Vec<Pod> {
    pods.iter().filter(|pod| is_controlled_by(*pod, owner)).cloned().collect()
}

pub fn names<K: ResourceExt>(objects: &[K]) -> Vec<String> {
    objects.iter().map(ResourceExt::name_any).collect()
}

pub async fn scale_to<K>(api: &Api<K>, name: &str, replicas: i32) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned,
{
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    api.patch_scale(name, &PatchParams::default(), &patch).await?;
    Ok(())
}

/// A Deployment that rolls with so many pods more and so many fewer.
pub fn rolling(name: &str, replicas: i32, surge: i32, unavailable: i32) -> Value {
    let mut value = deployment(name, replicas);
    value["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    value
}

/// Its pods are on a node, so that a deleted one stays until somebody ends it: no kubelet does.
pub fn on_a_node(mut workload: Value) -> Value {
    workload["spec"]["template"]["spec"]["nodeName"] = "somewhere".into();
    workload
}

/// The numbers of a Deployment's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub replicas: i32,
    pub updated: i32,
    pub ready: i32,
    pub available: i32,
    pub unavailable: i32,
    pub terminating: i32,
}

impl Totals {
    pub fn of(deployment: &Deployment) -> Self {
        let status = deployment.status.clone().unwrap_or_default();
        Self {
            replicas: status.replicas.unwrap_or(0),
            updated: status.updated_replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
            available: status.available_replicas.unwrap_or(0),
            unavailable: status.unavailable_replicas.unwrap_or(0),
            terminating: status.terminating_replicas.unwrap_or(-1),
        }
    }

    /// So many pods of the present template, all available.
    pub fn done(replicas: i32) -> Self {
        Self { replicas, updated: replicas, ready: replicas, available: replicas, ..Self::default() }
    }
}

impl Scene {
    /// Waits for the status numbers of a Deployment, of its present generation.
    pub async fn until_totals(&self, name: &str, wanted: Totals) -> Result<Deployment> {
        self.until_object(name, &format!("{name} has {wanted:?}"), |deployment: &Deployment| {
            let observed = deployment.status.as_ref().and_then(|status| status.observed_generation);
            is(observed, deployment.metadata.generation)?;
            is(Totals::of(deployment), wanted)
        })
        .await
    }

    pub async fn until_condition(&self, name: &str, kind: &str, wanted: &str) -> Result<Deployment> {
        let what = format!("{name} is {kind} {wanted}");
        self.until_object(name, &what, |deployment| has_condition(deployment, kind, wanted)).await
    }

    /// Waits until the rollout is over, and the loop has said so.
    pub async fn until_rolled_out(&self, name: &str) -> Result<Deployment> {
        self.until_object(name, &format!("{name} is rolled out"), |deployment: &Deployment| {
            rolled_out(deployment)?;
            let progress = condition(deployment, "Progressing");
            let known = progress.is_empty() || progress.starts_with("True NewReplicaSetAvailable");
            is(known, true).map_err(|_| progress)
        })
        .await
    }

    /// Creates a Deployment and makes it be rolled out: its ReplicaSet.
    pub async fn rolled_out(&self, value: Value) -> Result<ReplicaSet> {
        let name = self.create::<Deployment>(value).await?.name_any();
        let kubelet = self.keep_ready();
        self.until_rolled_out(&name).await?;
        kubelet.stop().await;
        let sets = self.sets().await?;
        Ok(sets
            .into_iter()
            .find(|set| controller_of(set).is_some_and(|owner| owner.name == name))
            .expect("has one"))
    }
}
