//! Counts pods: how many there ever were, and how many at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, WatchEvent, WatchParams},
};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::support::controller_of;

#[derive(Default)]
struct Counted {
    ever: BTreeSet<String>,
    /// Pods that are not being deleted, with who controls them.
    active: BTreeMap<String, String>,
    gone: BTreeSet<String>,
    most: usize,
    broken: Option<String>,
}

/// Watches the pods of a namespace until it is dropped.
pub struct Census {
    pods: Api<Pod>,
    counted: Arc<Mutex<Counted>>,
    task: JoinHandle<()>,
}

impl Drop for Census {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Census {
    /// Begins with an empty namespace.
    pub async fn start(pods: Api<Pod>) -> Result<Self> {
        let list = pods.list(&ListParams::default()).await?;
        assert_eq!(list.items.len(), 0, "a census begins before the first pod");
        let version = list.metadata.resource_version.expect("a list has a version");
        // Open before anything happens, so that no compaction comes between the list and the watch.
        let watch = pods.watch(&WatchParams::default().timeout(290), &version).await?;
        let counted = Arc::new(Mutex::new(Counted::default()));
        let task = tokio::spawn({
            let (pods, counted) = (pods.clone(), counted.clone());
            async move {
                if let Err(error) = follow(&pods, watch.boxed(), version, &counted).await {
                    counted.lock().broken = Some(error.to_string());
                }
            }
        });
        Ok(Self { pods, counted, task })
    }

    /// How many pods there ever were, and the most of one owner that were not being deleted at one time. A last look at the
    /// server makes sure that all were seen.
    pub async fn finish(&self) -> Result<(usize, usize)> {
        let live: BTreeSet<String> = (self.pods.list(&ListParams::default()).await?.items.iter())
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .filter_map(ResourceExt::uid)
            .collect();
        for _ in 0..6_000 {
            {
                let counted = self.counted.lock();
                anyhow::ensure!(counted.broken.is_none(), "the census broke: {:?}", counted.broken);
                if counted.active.keys().eq(&live) {
                    return Ok((counted.ever.len(), counted.most));
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        anyhow::bail!("the census does not see what the server has")
    }
}

async fn follow(
    pods: &Api<Pod>,
    mut events: BoxStream<'static, kube::Result<WatchEvent<Pod>>>,
    mut version: String,
    counted: &Mutex<Counted>,
) -> Result<()> {
    loop {
        while let Some(event) = events.try_next().await? {
            let (pod, deleted) = match event {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => (pod, false),
                WatchEvent::Deleted(pod) => (pod, true),
                WatchEvent::Bookmark(mark) => {
                    version = mark.metadata.resource_version;
                    continue;
                }
                WatchEvent::Error(error) => anyhow::bail!("the watch ended: {error}"),
            };
            version = pod.resource_version().unwrap_or_default();
            let uid = pod.uid().unwrap_or_default();
            let mut counted = counted.lock();
            counted.ever.insert(uid.clone());
            if deleted || pod.metadata.deletion_timestamp.is_some() {
                counted.active.remove(&uid);
                counted.gone.insert(uid);
            } else if !counted.gone.contains(&uid) {
                let owner = controller_of(&pod).map(|owner| owner.uid.clone()).unwrap_or_default();
                counted.active.insert(uid, owner.clone());
                let of_owner = counted.active.values().filter(|other| **other == owner).count();
                counted.most = counted.most.max(of_owner);
            }
        }
        events = pods.watch(&WatchParams::default().timeout(290), &version).await?.boxed();
    }
}
