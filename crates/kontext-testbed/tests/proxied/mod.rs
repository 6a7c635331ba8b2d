//! Scenes whose loops go through a proxy and tell a recording telemetry.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate that uses a part of it")]

mod census;
mod proxy;
mod recording;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Event, Pod},
};
use kontext_testbed::Server;
use kube::{Resource, ResourceExt, api::ListParams};
use serde::de::DeserializeOwned;

#[allow(unused_imports, reason = "each test file uses a part of it")]
pub use census::Census;
#[allow(unused_imports, reason = "each test file uses a part of it")]
pub use proxy::{Fault, Passed, Proxy, Strikes};
#[allow(unused_imports, reason = "each test file uses a part of it")]
pub use recording::Recording;

use crate::support::{Scene, rolled_out};

pub const CAUSE: &str = "kontext.dev/cause";
pub const TRACEPARENT: &str = "tracing.k8s.io/traceparent";

/// A scene, and what passed between its loops and the server.
pub struct Stage {
    pub scene: Scene,
    pub proxy: Proxy,
    pub told: Arc<Recording>,
}

impl std::ops::Deref for Stage {
    type Target = Scene;
    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl Stage {
    /// A new namespace with both loops running.
    pub async fn new(server: Server) -> Result<Self> {
        Self::with(server, |scene| scene).await
    }

    /// The same, of a scene that `change` changed before it started.
    pub async fn with(server: Server, change: impl FnOnce(Scene) -> Scene) -> Result<Self> {
        let mut stage = Self::still(server, change).await?;
        stage.scene.start().await?;
        Ok(stage)
    }

    /// The same, not started.
    pub async fn still(server: Server, change: impl FnOnce(Scene) -> Scene) -> Result<Self> {
        let proxy = Proxy::start(&server).await?;
        let told = Arc::new(Recording::default());
        let scene = Scene::empty(server).await?.with_cluster(proxy.config()?).with_telemetry(told.clone());
        Ok(Self { scene: change(scene), proxy, told })
    }

    pub async fn start(&mut self) -> Result<()> {
        self.scene.start().await
    }

    pub async fn stop(&mut self) -> Result<()> {
        self.scene.stop().await
    }

    /// Waits until the Deployment is rolled out and the loops have nothing to do.
    pub async fn rolled_out(&self, name: &str) -> Result<Deployment> {
        let api = self.api::<Deployment>();
        self.until(&format!("{name} is rolled out"), || async { Ok(rolled_out(&api.get(name).await?)) })
            .await?;
        self.settle().await?;
        Ok(api.get(name).await?)
    }

    /// The resource version of every object of the namespace that the loops look at or write, Events too.
    pub async fn versions(&self) -> Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        self.add_versions::<Deployment>(&mut all).await?;
        self.add_versions::<ReplicaSet>(&mut all).await?;
        self.add_versions::<Pod>(&mut all).await?;
        self.add_versions::<Event>(&mut all).await?;
        Ok(all)
    }

    async fn add_versions<K>(&self, all: &mut BTreeMap<String, String>) -> Result<()>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        for object in self.api::<K>().list(&ListParams::default()).await?.items {
            let name = format!("{} {}", K::kind(&()), object.name_any());
            all.insert(name, object.resource_version().unwrap_or_default());
        }
        Ok(())
    }

    /// What the loops wrote, without names, sorted.
    pub fn written(&self) -> Vec<String> {
        let mut written: Vec<String> = self.proxy.writes().iter().map(Passed::what).collect();
        written.sort();
        written
    }
}

/// The origin that a stamp names, as a sentence.
pub fn origin_of<K: ResourceExt>(object: &K) -> String {
    let stamp = crate::support::cause_of(object).expect("stamped");
    stamp.origin.as_ref().unwrap_or_else(|| panic!("no origin in {stamp:#?}")).to_string()
}
