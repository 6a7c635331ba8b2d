//! What the managers have to do.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::future::try_join_all;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kontext_testbed::RealServer;
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

/// How often the Deployments are looked at: a fraction of a percent of the shortest time measured.
const POLL: Duration = Duration::from_millis(50);
const WITHIN: Duration = Duration::from_secs(600);
/// The Deployment that shows that a manager is at work.
const FIRST: &str = "warm-up";

/// How many pods, and of how many Deployments.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) pods: usize,
    pub(crate) deployments: usize,
}

impl Load {
    pub(crate) fn check(self) -> Result<()> {
        ensure!(
            self.deployments > 0 && self.pods > 0 && self.pods.is_multiple_of(self.deployments),
            "{} pods cannot come from {} Deployments of one size",
            self.pods,
            self.deployments
        );
        Ok(())
    }

    fn each(self) -> usize {
        self.pods / self.deployments
    }
}

/// A namespace of a server, and what is in it.
pub(crate) struct World {
    load: Load,
    deployments: Api<Deployment>,
    sets: Api<ReplicaSet>,
    pods: Api<Pod>,
}

impl World {
    pub(crate) async fn new(server: &RealServer, load: Load) -> Result<Self> {
        let namespace = server.namespace("bench").await?;
        let client = server.client("alice").await?;
        Ok(Self {
            load,
            deployments: Api::namespaced(client.clone(), &namespace),
            sets: Api::namespaced(client.clone(), &namespace),
            pods: Api::namespaced(client, &namespace),
        })
    }

    /// One Deployment of one pod up and down: both loops have run once, connections are open.
    pub(crate) async fn warm_up(&self) -> Result<()> {
        self.post(FIRST, 1).await?;
        self.settled(1, &[FIRST.to_owned()]).await?;
        self.scale(FIRST, 0).await?;
        self.settled(0, &[FIRST.to_owned()]).await
    }

    /// All Deployments at once, until every pod exists and every status tells it.
    pub(crate) async fn create(&self) -> Result<()> {
        let (names, each) = (self.names(), self.load.each());
        try_join_all(names.iter().map(|name| self.post(name, each))).await?;
        self.settled(each, &names).await?;
        self.count_pods(self.load.pods).await
    }

    /// All to zero, until no pod is left and every status tells it.
    pub(crate) async fn scale_to_zero(&self) -> Result<()> {
        let names = self.names();
        try_join_all(names.iter().map(|name| self.scale(name, 0))).await?;
        self.settled(0, &names).await?;
        self.count_pods(0).await
    }

    fn names(&self) -> Vec<String> {
        (0..self.load.deployments).map(|number| format!("web-{number}")).collect()
    }

    async fn post(&self, name: &str, replicas: usize) -> Result<()> {
        let deployment = serde_json::from_value(json!({
            "metadata": { "name": name, "labels": { "app": name } },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": { "containers": [{
                        "name": "app",
                        "image": "registry.example/web:1",
                        "ports": [{ "name": "http", "containerPort": 8080 }],
                        "env": [{ "name": "GREETING", "value": "hello" }],
                        "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
                        "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
                    }] },
                },
            },
        }))?;
        self.deployments.create(&PostParams::default(), &deployment).await.context("create a Deployment")?;
        Ok(())
    }

    async fn scale(&self, name: &str, replicas: usize) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        self.deployments.patch_scale(name, &PatchParams::default(), &patch).await.context("scale")?;
        Ok(())
    }

    /// Waits until these Deployments and their ReplicaSets tell of `each` pods.
    async fn settled(&self, each: usize, names: &[String]) -> Result<()> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let told = self.told(each, names).await?;
            if told == names.len() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("{told} of {} Deployments have {each} pods after {WITHIN:?}", names.len());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn told(&self, each: usize, names: &[String]) -> Result<usize> {
        let all = ListParams::default();
        let deployments = self.deployments.list(&all).await.context("list Deployments")?;
        let told = deployments.iter().filter(|one| {
            let wanted = one.metadata.name.as_ref().is_some_and(|name| names.contains(name));
            wanted && tells(one.metadata.generation, one.status.as_ref().map(of_deployment), each)
        });
        if told.count() < names.len() {
            return Ok(0);
        }
        let sets = self.sets.list(&all).await.context("list ReplicaSets")?;
        let told = sets.iter().filter(|one| {
            let owner = one.metadata.owner_references.iter().flatten().next();
            let wanted = owner.is_some_and(|owner| names.contains(&owner.name));
            wanted && tells(one.metadata.generation, one.status.as_ref().map(of_set), each)
        });
        Ok(told.count())
    }

    async fn count_pods(&self, expected: usize) -> Result<()> {
        let pods = self.pods.list_metadata(&ListParams::default()).await.context("list pods")?.items.len();
        ensure!(pods == expected, "there are {pods} pods, and statuses tell of {expected}");
        Ok(())
    }
}

fn of_deployment(status: &k8s_openapi::api::apps::v1::DeploymentStatus) -> (Option<i64>, Option<i32>) {
    (status.observed_generation, status.replicas)
}

fn of_set(status: &k8s_openapi::api::apps::v1::ReplicaSetStatus) -> (Option<i64>, Option<i32>) {
    (status.observed_generation, Some(status.replicas))
}

/// Whether a status is about the present spec and tells of that many pods.
fn tells(generation: Option<i64>, status: Option<(Option<i64>, Option<i32>)>, pods: usize) -> bool {
    let Some((observed, replicas)) = status else { return false };
    observed == generation && usize::try_from(replicas.unwrap_or(0)) == Ok(pods)
}
