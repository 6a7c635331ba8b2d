//! The Pods of all namespaces: list, watch, and list again when the watch cannot go on.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::mpsc;

/// What the watch tells.
#[derive(Debug)]
pub(super) enum Change {
    /// All Pods that there are.
    Listed(Vec<Pod>),
    Applied(Box<Pod>),
    Deleted(Box<Pod>),
}

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Sends changes until the receiver is gone.
pub(super) async fn pods(client: Client, changes: mpsc::Sender<Change>) {
    let api: Api<Pod> = Api::all(client);
    let mut failures = 0_u32;
    while !changes.is_closed() {
        match follow(&api, &changes, &mut failures).await {
            Ok(()) => return,
            Err(error) => {
                let wait = FIRST_BACKOFF.saturating_mul(1 << failures.min(10)).min(LONGEST_BACKOFF);
                failures += 1;
                tracing::debug!(%error, ?wait, "the pods are listed again");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Lists, then watches from there, watch after watch. `Ok` when nobody listens any more.
async fn follow(
    api: &Api<Pod>,
    changes: &mpsc::Sender<Change>,
    failures: &mut u32,
) -> Result<(), kube::Error> {
    let list = api.list(&ListParams::default()).await?;
    let mut version = list.metadata.resource_version.clone().unwrap_or_default();
    if changes.send(Change::Listed(list.items)).await.is_err() {
        return Ok(());
    }
    loop {
        let params = WatchParams::default().timeout(290);
        let mut events = api.watch(&params, &version).await?.boxed();
        while let Some(event) = events.try_next().await? {
            let change = match event {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                    version = pod.resource_version().unwrap_or(version);
                    Change::Applied(Box::new(pod))
                }
                WatchEvent::Deleted(pod) => {
                    version = pod.resource_version().unwrap_or(version);
                    Change::Deleted(Box::new(pod))
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
