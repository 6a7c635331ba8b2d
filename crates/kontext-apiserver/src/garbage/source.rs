//! The metadata of all objects of one resource: list, watch, and list again when the watch cannot go on.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::api::{ApiResource, DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use tokio::sync::mpsc;

use super::graph::{Key, Node, Owner};
use crate::kinds::{Catalog, Resource, TableId};

/// What a source tells.
pub(super) enum Change {
    /// Everything that there is of the resource.
    Listed(TableId, Vec<Node>),
    Applied(Box<Node>),
    Deleted(Key),
}

const BACKOFF: Duration = Duration::from_millis(50);

/// How kube names a resource.
pub(super) fn api_resource(resource: &Resource) -> ApiResource {
    ApiResource {
        group: resource.group.clone(),
        version: resource.version.clone(),
        api_version: resource.api_version(),
        kind: resource.kind.clone(),
        plural: resource.plural.clone(),
    }
}

/// Sends the changes of one table until nobody listens.
pub(super) async fn follow(
    client: Client,
    catalog: Arc<Catalog>,
    table: TableId,
    changes: mpsc::Sender<Change>,
) {
    let mut served = catalog.subscribe();
    while !changes.is_closed() {
        served.borrow_and_update();
        let resource = catalog.registry().stored_in(table).cloned();
        let Some(resource) = resource else {
            // The kind is gone and its objects with it, until it comes back.
            if changes.send(Change::Listed(table, Vec::new())).await.is_err()
                || served.changed().await.is_err()
            {
                return;
            }
            continue;
        };
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &api_resource(&resource));
        let is_namespace = resource.group.is_empty() && resource.plural == "namespaces";
        if let Err(error) = follow_once(&api, table, is_namespace, &changes).await {
            tracing::debug!(%error, resource = %resource.qualified(), "listing again");
        }
        tokio::time::sleep(BACKOFF).await;
    }
}

async fn follow_once(
    api: &Api<DynamicObject>,
    table: TableId,
    is_namespace: bool,
    changes: &mpsc::Sender<Change>,
) -> Result<(), kube::Error> {
    let node = |object: &PartialObjectMeta<DynamicObject>| node(object, table, is_namespace);
    let list = api.list_metadata(&ListParams::default()).await?;
    let version = list.metadata.resource_version.clone().unwrap_or_default();
    if changes.send(Change::Listed(table, list.items.iter().map(node).collect())).await.is_err() {
        return Ok(());
    }
    let mut events = api.watch_metadata(&WatchParams::default().timeout(290), &version).await?.boxed();
    while let Some(event) = events.try_next().await? {
        let change = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                Change::Applied(Box::new(node(&object)))
            }
            WatchEvent::Deleted(object) => Change::Deleted(object.metadata.uid.unwrap_or_default()),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        };
        if changes.send(change).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn node(object: &PartialObjectMeta<DynamicObject>, table: TableId, is_namespace: bool) -> Node {
    let metadata = &object.metadata;
    let owners = metadata.owner_references.iter().flatten().map(|owner| Owner {
        uid: owner.uid.clone(),
        api_version: owner.api_version.clone(),
        kind: owner.kind.clone(),
        name: owner.name.clone(),
        controller: owner.controller == Some(true),
        blocks: owner.block_owner_deletion == Some(true),
    });
    Node {
        uid: metadata.uid.clone().unwrap_or_default(),
        table,
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
        version: metadata.resource_version.clone().unwrap_or_default(),
        owners: owners.collect(),
        finalizers: metadata.finalizers.clone().unwrap_or_default(),
        deleting: metadata.deletion_timestamp.is_some(),
        is_namespace,
    }
}
