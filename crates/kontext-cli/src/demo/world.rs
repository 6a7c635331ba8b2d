//! What is to be seen in the namespace, kept up by kontext's own informers.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kontext::informer::{Delta, Informer, InformerOptions, Resource, Seen, Store, Watched};
use kube::ResourceExt;
use serde::de::DeserializeOwned;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

/// Longer than anything in the story takes, even on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

const PODS: Resource = Resource { group: "", version: "v1", plural: "pods", kind: "Pod" };
const REPLICA_SETS: Resource =
    Resource { group: "apps", version: "v1", plural: "replicasets", kind: "ReplicaSet" };
const DEPLOYMENTS: Resource =
    Resource { group: "apps", version: "v1", plural: "deployments", kind: "Deployment" };

/// An object, kept whole: there are only a few.
pub(super) struct Whole<K>(K);

impl<K> Watched for Whole<K>
where
    K: kube::Resource + DeserializeOwned + Send + Sync + 'static,
{
    fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json).map(Self)
    }

    fn namespace(&self) -> Option<&str> {
        self.0.meta().namespace.as_deref()
    }

    fn name(&self) -> &str {
        self.0.meta().name.as_deref().unwrap_or_default()
    }

    fn uid(&self) -> &str {
        self.0.meta().uid.as_deref().unwrap_or_default()
    }

    fn resource_version(&self) -> &str {
        self.0.meta().resource_version.as_deref().unwrap_or_default()
    }

    fn indexes(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// The objects of one namespace. Cheap to clone.
#[derive(Clone)]
pub(super) struct World {
    deployments: Arc<Store<Whole<Deployment>>>,
    sets: Arc<Store<Whole<ReplicaSet>>>,
    pods: Arc<Store<Whole<Pod>>>,
    changed: watch::Receiver<u64>,
}

impl World {
    pub(super) fn watch(client: kube::Client, namespace: &str, stop: CancellationToken) -> Self {
        let (tell, changed) = watch::channel(0);
        Self {
            deployments: inform(&client, DEPLOYMENTS, namespace, &tell, &stop),
            sets: inform(&client, REPLICA_SETS, namespace, &tell, &stop),
            pods: inform(&client, PODS, namespace, &tell, &stop),
            changed,
        }
    }

    /// Waits until it is so; the wait ends with an error when that takes unreasonably long.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> anyhow::Result<()> {
        let mut changed = self.changed.clone();
        let wait = async {
            loop {
                changed.mark_unchanged();
                if is_so(&self.snapshot()) {
                    return Ok(());
                }
                changed.changed().await?;
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(done) => done,
            Err(_) => anyhow::bail!("waited {PATIENCE:?} for {what}; it is now: {:?}", self.snapshot()),
        }
    }

    /// Waits for any change.
    pub(super) async fn changed(&mut self) -> bool {
        self.changed.changed().await.is_ok()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let deployment = self.deployments.all().first().map(|deployment| rollout(&deployment.0));
        let mut sets: Vec<Set> = self.sets.all().iter().map(|set| self.set(&set.0)).collect();
        sets.sort_by_key(|set| std::cmp::Reverse(set.revision));
        Snapshot { deployment, sets }
    }

    fn set(&self, set: &ReplicaSet) -> Set {
        let uid = set.uid();
        let owned = |pod: &Pod| pod.owner_references().iter().any(|owner| Some(&owner.uid) == uid.as_ref());
        let mut pods: Vec<PodView> =
            self.pods.all().iter().filter(|pod| owned(&pod.0)).map(|pod| view(&pod.0)).collect();
        pods.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        let spec = set.spec.as_ref();
        let template =
            spec.and_then(|spec| spec.template.as_ref()).and_then(|template| template.spec.as_ref());
        let image = template.and_then(|spec| spec.containers.first()).and_then(|first| first.image.clone());
        let revision = set.annotations().get("deployment.kubernetes.io/revision");
        Set {
            name: set.name_any(),
            revision: revision.and_then(|revision| revision.parse().ok()).unwrap_or(0),
            image: image.unwrap_or_default(),
            wanted: count(spec.and_then(|spec| spec.replicas)),
            pods,
        }
    }
}

fn inform<K>(
    client: &kube::Client,
    resource: Resource,
    namespace: &str,
    tell: &watch::Sender<u64>,
    stop: &CancellationToken,
) -> Arc<Store<Whole<K>>>
where
    K: kube::Resource + DeserializeOwned + Send + Sync + 'static,
{
    let mut options = InformerOptions::default();
    options.namespace = Some(namespace.to_owned());
    let mut informer = Informer::new(client.clone(), resource, options);
    let tell = tell.clone();
    informer.add_handler(Arc::new(move |_: Delta<'_, Whole<K>>, _: Seen<'_>| {
        tell.send_modify(|changes| *changes = changes.wrapping_add(1));
    }));
    let store = informer.store().clone();
    let stop = stop.clone();
    tokio::spawn(async move { informer.run(stop).await });
    store
}

fn rollout(deployment: &Deployment) -> Rollout {
    let status = deployment.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation).unwrap_or(0);
    Rollout {
        name: deployment.name_any(),
        observed: Some(observed) == deployment.metadata.generation,
        wanted: count(deployment.spec.as_ref().and_then(|spec| spec.replicas)),
        total: count(status.and_then(|status| status.replicas)),
        updated: count(status.and_then(|status| status.updated_replicas)),
        available: count(status.and_then(|status| status.available_replicas)),
    }
}

fn view(pod: &Pod) -> PodView {
    let status = pod.status.as_ref();
    let ready = status.and_then(|status| status.conditions.as_ref()).is_some_and(|all| {
        all.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    });
    let running = status.and_then(|status| status.phase.as_deref()) == Some("Running");
    let state = match (pod.metadata.deletion_timestamp.is_some(), running, ready) {
        (true, ..) => PodState::Ending,
        (false, true, true) => PodState::Ready,
        (false, true, false) => PodState::Running,
        (false, false, _) => PodState::Pending,
    };
    let created = pod.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |time| time.0);
    PodView { name: pod.name_any(), state, created }
}

fn count(number: Option<i32>) -> usize {
    number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

/// What is to be seen at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) deployment: Option<Rollout>,
    /// Newest first.
    pub(super) sets: Vec<Set>,
}

impl Snapshot {
    pub(super) fn pods(&self) -> usize {
        self.sets.iter().map(|set| set.pods.len()).sum()
    }
}

/// A Deployment's own account.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    pub(super) name: String,
    /// Whether the counts are about the present spec.
    pub(super) observed: bool,
    pub(super) wanted: usize,
    pub(super) total: usize,
    pub(super) updated: usize,
    pub(super) available: usize,
}

/// A ReplicaSet and its pods.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) revision: u64,
    pub(super) image: String,
    pub(super) wanted: usize,
    pub(super) pods: Vec<PodView>,
}

#[derive(Clone, Debug)]
pub(super) struct PodView {
    pub(super) name: String,
    pub(super) state: PodState,
    pub(super) created: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PodState {
    Pending,
    Running,
    Ready,
    Ending,
}
