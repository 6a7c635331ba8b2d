//! What scenarios of the loops share: a manager over one namespace, waiting for states, reading chains.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate that uses a part of it")]

mod context;
mod look;
pub mod upstream;

#[allow(unused_imports, reason = "each test file uses a part of it")]
pub use look::*;

use std::{fmt::Debug, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{Event, Pod},
    },
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kontext::{PlainSpans, Policy, Telemetry};
use kontext_controllers::manager::{Config, Handle, LoopConfig, LoopName, Manager};
use kontext_testbed::{Server, UpstreamManager};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// Longest wait for a state; a slow machine is slow, a wrong state stays wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// A namespace of a server, with our loops running in it.
pub struct Scene {
    pub server: Server,
    pub namespace: String,
    /// A person's client: no context layer, field manager `alice`.
    pub client: Client,
    manager: Option<Running>,
    /// Upstream's manager where it plays instead of ours.
    upstream: Option<Arc<UpstreamManager>>,
    policy: Arc<Policy>,
    telemetry: Arc<dyn Telemetry>,
    loops: Vec<LoopConfig>,
    /// Where the loops find the API server, if not at the server itself.
    cluster: Option<kube::Config>,
}

pub struct Running {
    pub handle: Handle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Scene {
    /// A new namespace with both loops running.
    pub async fn new(server: Server) -> Result<Self> {
        let mut scene = Self::empty(server).await?;
        scene.start().await?;
        Ok(scene)
    }

    /// A new namespace with both loops running: ours, or, by hand, upstream's (see [`upstream`]). For scenarios of
    /// behaviour; what they check of context is for [`is_ours`](Self::is_ours) only.
    pub async fn for_either(server: Server) -> Result<Self> {
        let mut scene = Self::empty(server).await?;
        match upstream::is_wanted() {
            true => scene.upstream = Some(upstream::manager(&scene.server).await?),
            false => scene.start().await?,
        }
        Ok(scene)
    }

    /// Whether our loops run here, and not upstream's.
    pub fn is_ours(&self) -> bool {
        self.upstream.is_none()
    }

    /// A new namespace in which nothing runs yet.
    pub async fn empty(server: Server) -> Result<Self> {
        let namespace = server.namespace("scene").await?;
        let client = server.client("alice").await?;
        let loops = LoopName::ALL.iter().map(|name| LoopConfig::new(*name)).collect();
        let (policy, telemetry) = (Arc::new(Policy::new()), Arc::new(PlainSpans));
        Ok(Self {
            server,
            namespace,
            client,
            manager: None,
            upstream: None,
            policy,
            telemetry,
            loops,
            cluster: None,
        })
    }

    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    pub fn with_telemetry(mut self, telemetry: Arc<dyn Telemetry>) -> Self {
        self.telemetry = telemetry;
        self
    }

    pub fn with_loops(mut self, loops: &[LoopName]) -> Self {
        self.loops = loops.iter().map(|name| LoopConfig::new(*name)).collect();
        self
    }

    /// Other loops, from the next start on.
    pub fn set_loops(&mut self, loops: &[LoopName]) {
        self.loops = loops.iter().map(|name| LoopConfig::new(*name)).collect();
    }

    /// The loops as given, in place of one with the defaults for each.
    pub fn with_loop_configs(mut self, loops: Vec<LoopConfig>) -> Self {
        self.loops = loops;
        self
    }

    /// The loops reach the API server by this configuration, as through a proxy.
    pub fn with_cluster(mut self, cluster: kube::Config) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Starts the manager and waits until its caches are filled.
    pub async fn start(&mut self) -> Result<()> {
        let cluster = match &self.cluster {
            Some(cluster) => cluster.clone(),
            None => self.server.config("kontext").await?,
        };
        let config = Config {
            cluster,
            policy: self.policy.clone(),
            telemetry: self.telemetry.clone(),
            loops: self.loops.clone(),
            namespace: Some(self.namespace.clone()),
            grace: Duration::from_secs(5),
        };
        let manager = Manager::new(config, &mut prometheus_client::registry::Registry::default())?;
        let (handle, stop) = (manager.handle(), CancellationToken::new());
        let token = stop.clone();
        let task =
            tokio::spawn(
                async move { manager.run(token).await.expect("the manager runs until it is stopped") },
            );
        tokio::time::timeout(PATIENCE, handle.synced()).await.context("the caches are filled in time")?;
        self.manager = Some(Running { handle, stop, task });
        Ok(())
    }

    /// Stops the manager gracefully.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(Running { stop, task, .. }) = self.manager.take() {
            stop.cancel();
            tokio::time::timeout(PATIENCE, task).await.context("the manager stops in time")??;
        }
        Ok(())
    }

    pub fn handle(&self) -> &Handle {
        &self.manager.as_ref().expect("the manager runs").handle
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub async fn create<K>(&self, value: Value) -> Result<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let object: K = serde_json::from_value(value)?;
        let params = PostParams { field_manager: Some("kubectl-create".into()), ..PostParams::default() };
        Ok(self.api::<K>().create(&params, &object).await?)
    }

    /// A merge patch by a person under the field manager `manager`.
    pub async fn merge<K>(&self, name: &str, manager: &str, patch: Value) -> Result<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let params = PatchParams { field_manager: Some(manager.into()), ..PatchParams::default() };
        Ok(self.api::<K>().patch(name, &params, &Patch::Merge(patch)).await?)
    }

    /// A strategic merge patch by a person.
    pub async fn patch<K>(&self, name: &str, manager: &str, patch: Value) -> Result<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let params = PatchParams { field_manager: Some(manager.into()), ..PatchParams::default() };
        Ok(self.api::<K>().patch(name, &params, &Patch::Strategic(patch)).await?)
    }

    /// Pods that are not being deleted, by name.
    pub async fn pods(&self) -> Result<Vec<Pod>> {
        let mut pods = self.api::<Pod>().list(&ListParams::default()).await?.items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        pods.sort_by_key(ResourceExt::name_any);
        Ok(pods)
    }

    pub async fn sets(&self) -> Result<Vec<ReplicaSet>> {
        let mut sets = self.api::<ReplicaSet>().list(&ListParams::default()).await?.items;
        sets.sort_by_key(|set| (set.metadata.creation_timestamp.clone().map(|time| time.0), set.name_any()));
        Ok(sets)
    }

    pub async fn events(&self) -> Result<Vec<Event>> {
        Ok(self.api::<Event>().list(&ListParams::default()).await?.items)
    }

    /// Marks pods ready, as a kubelet would.
    pub async fn make_ready(&self, pods: &[Pod]) -> Result<()> {
        for pod in pods {
            set_ready(&self.api(), &pod.name_any(), true).await?;
        }
        Ok(())
    }

    /// Waits until `look` finds what it wants; says what it saw last where it never does.
    pub async fn until<T, F, Fut>(&self, what: &str, look: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Result<T, String>>>,
    {
        let began = Instant::now();
        loop {
            match look().await? {
                Ok(found) => return Ok(found),
                Err(saw) if began.elapsed() > PATIENCE => bail!("waited in vain until {what}; saw {saw}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Waits for exactly `number` pods that are not being deleted.
    pub async fn until_pods(&self, number: usize) -> Result<Vec<Pod>> {
        self.until(&format!("there are {number} pods"), || async {
            let pods = self.pods().await?;
            Ok(if pods.len() == number { Ok(pods) } else { Err(format!("{} pods", pods.len())) })
        })
        .await
    }

    /// Waits until the loops have nothing to do and a moment has passed in which nothing came.
    pub async fn settle(&self) -> Result<()> {
        if !self.is_ours() {
            return self.rest().await;
        }
        let began = Instant::now();
        let mut quiet_since = None;
        loop {
            let now = Instant::now();
            quiet_since = if self.handle().is_idle() { quiet_since.or(Some(now)) } else { None };
            if quiet_since.is_some_and(|since| now.duration_since(since) > Duration::from_millis(300)) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                bail!("the loops do not come to rest");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Keeps all pods of the namespace ready until the returned guard is dropped.
    pub fn keep_ready(&self) -> KeepReady {
        let api: Api<Pod> = self.api();
        let task = tokio::spawn(async move {
            loop {
                if let Ok(pods) = api.list(&ListParams::default()).await {
                    for pod in pods
                        .items
                        .iter()
                        .filter(|pod| !is_ready(pod) && pod.metadata.deletion_timestamp.is_none())
                    {
                        // It may be gone already; the next look tells.
                        let _ = set_ready(&api, &pod.name_any(), true).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        KeepReady(task)
    }
}

pub struct KeepReady(JoinHandle<()>);

impl KeepReady {
    /// Returns when no pod will be made ready any more.
    pub async fn stop(mut self) {
        self.0.abort();
        // Cancelled it is, as asked.
        let _ = (&mut self.0).await;
    }
}

impl Drop for KeepReady {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub async fn set_ready(pods: &Api<Pod>, name: &str, ready: bool) -> Result<()> {
    let status = if ready { "True" } else { "False" };
    let now = k8s_openapi::jiff::Timestamp::now();
    let patch = json!({"status": {"phase": "Running", "conditions": [
        {"type": "Ready", "status": status, "lastTransitionTime": format!("{now:.0}")}]}});
    let params = PatchParams { field_manager: Some("kubelet".into()), ..PatchParams::default() };
    pods.patch_status(name, &params, &Patch::Strategic(patch)).await?;
    Ok(())
}

pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub fn template(app: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "app", "image": image}]}})
}

pub fn replica_set(name: &str, replicas: i32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template(name, "registry.example/web:1")}})
}

pub fn deployment(name: &str, replicas: i32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template(name, "registry.example/web:1")}})
}

pub fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}})
}

pub fn bare_pod(name: &str, app: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": app}},
           "spec": {"containers": [{"name": "app", "image": "registry.example/web:1"}]}})
}

pub fn controller_of<K: ResourceExt>(object: &K) -> Option<&OwnerReference> {
    object.owner_references().iter().find(|reference| reference.controller == Some(true))
}

pub fn cause_of<K: ResourceExt>(object: &K) -> Option<kontext::Stamp> {
    object
        .annotations()
        .get("kontext.dev/cause")
        .map(|text| kontext::Stamp::decode(text).expect("a stamp of the right form"))
}

/// The Deployment is rolled out as `kubectl rollout status` sees it.
pub fn rolled_out(deployment: &Deployment) -> std::result::Result<(), String> {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let observed = status.observed_generation.unwrap_or(0) >= deployment.metadata.generation.unwrap_or(0);
    let numbers =
        [status.updated_replicas, status.replicas, status.available_replicas].map(|n| n.unwrap_or(0));
    if observed && numbers == [wanted; 3] {
        Ok(())
    } else {
        Err(format!("{numbers:?} of {wanted}, observed {observed}"))
    }
}
