//! The Pods of all namespaces, and the nodes: list, watch, and list again when the watch cannot go on.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::SIMULATED;

/// What the watch tells.
#[derive(Debug, Clone)]
pub(super) enum Change<K> {
    /// All objects that there are.
    Listed(Vec<K>),
    Applied(Box<K>),
    Deleted(Box<K>),
}

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Sends what happens to Pods until the receiver is gone.
pub(super) async fn pods(client: Client, changes: mpsc::Sender<Change<Pod>>) {
    follow(Api::all(client), None, changes).await;
}

/// Sends what happens to simulated nodes until the receiver is gone.
pub(super) async fn nodes(client: Client, changes: mpsc::Sender<Change<Node>>) {
    follow(Api::all(client), Some(format!("{SIMULATED}=true")), changes).await;
}

async fn follow<K>(api: Api<K>, labels: Option<String>, changes: mpsc::Sender<Change<K>>)
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut failures = 0_u32;
    while !changes.is_closed() {
        match list_and_watch(&api, labels.as_deref(), &changes, &mut failures).await {
            Ok(()) => return,
            Err(error) => {
                let wait = FIRST_BACKOFF.saturating_mul(1 << failures.min(10)).min(LONGEST_BACKOFF);
                failures += 1;
                tracing::debug!(%error, ?wait, "the list is made again");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Lists, then watches from there, watch after watch. `Ok` when nobody listens any more.
async fn list_and_watch<K>(
    api: &Api<K>,
    labels: Option<&str>,
    changes: &mpsc::Sender<Change<K>>,
    failures: &mut u32,
) -> Result<(), kube::Error>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let selected = ListParams { label_selector: labels.map(str::to_owned), ..ListParams::default() };
    let list = api.list(&selected).await?;
    let mut version = list.metadata.resource_version.clone().unwrap_or_default();
    if changes.send(Change::Listed(list.items)).await.is_err() {
        return Ok(());
    }
    loop {
        let params =
            WatchParams { label_selector: labels.map(str::to_owned), ..WatchParams::default().timeout(290) };
        let mut events = api.watch(&params, &version).await?.boxed();
        while let Some(event) = events.try_next().await? {
            let change = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = object.resource_version().unwrap_or(version);
                    Change::Applied(Box::new(object))
                }
                WatchEvent::Deleted(object) => {
                    version = object.resource_version().unwrap_or(version);
                    Change::Deleted(Box::new(object))
                }
                WatchEvent::Bookmark(bookmark) => {
                    version = bookmark.metadata.resource_version;
                    continue;
                }
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            };
            *failures = 0;
            if changes.send(change).await.is_err() {
                return Ok(());
            }
        }
        // The server ends a watch now and then; if it does so at once, this must not spin.
        tokio::time::sleep(FIRST_BACKOFF).await;
    }
}
