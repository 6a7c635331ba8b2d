//! The API calls of the garbage collector.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy};
use kube::{Api, Client, Error};
use serde_json::{Value, json};

use super::graph::{Action, Graph, Key, Node, Owner, Policy};
use super::namespace;
use super::source::api_resource;
use crate::kinds::{Catalog, Resource};

/// Does what the graph decides.
pub(super) struct Actor {
    client: Client,
    catalog: Arc<Catalog>,
}

impl Actor {
    pub(super) fn new(client: Client, catalog: Arc<Catalog>) -> Self {
        Self { client, catalog }
    }

    /// Which owners of an object do not exist. One that the graph knows exists; others are looked up.
    pub(super) async fn absent_owners(
        &self,
        graph: &Graph,
        node: &Node,
        looked_up: &mut HashMap<Key, bool>,
    ) -> Result<BTreeSet<Key>, Error> {
        let mut absent = BTreeSet::new();
        for owner in node.owners.iter().filter(|owner| graph.node(&owner.uid).is_none()) {
            let exists = match looked_up.get(&owner.uid) {
                Some(known) => *known,
                None => self.exists(owner, &node.namespace).await?,
            };
            looked_up.insert(owner.uid.clone(), exists);
            if !exists {
                absent.insert(owner.uid.clone());
            }
        }
        Ok(absent)
    }

    /// Whether an owner exists. One of a kind that is not served may exist for all we know.
    async fn exists(&self, owner: &Owner, namespace: &str) -> Result<bool, Error> {
        let (group, _) = owner.api_version.split_once('/').unwrap_or(("", &owner.api_version));
        let registry = self.catalog.registry();
        let Some(resource) = registry.resources().iter().find(|r| r.group == group && r.kind == owner.kind)
        else {
            return Ok(true);
        };
        let found = self.api(resource, namespace).get_metadata_opt(&owner.name).await?;
        Ok(found.is_some_and(|object| object.metadata.uid.as_deref() == Some(&owner.uid)))
    }

    fn api(&self, resource: &Resource, namespace: &str) -> Api<DynamicObject> {
        let named = api_resource(resource);
        if resource.namespaced {
            Api::namespaced_with(self.client.clone(), namespace, &named)
        } else {
            Api::all_with(self.client.clone(), &named)
        }
    }

    /// `None` where the kind is not served any more: its objects are gone.
    fn api_of(&self, node: &Node) -> Option<Api<DynamicObject>> {
        let registry = self.catalog.registry();
        registry.stored_in(node.table).map(|resource| self.api(resource, &node.namespace))
    }

    /// Does it. What is gone already, or has changed since, needs nothing: its next event decides again.
    pub(super) async fn act(&self, action: &Action) -> Result<(), Error> {
        let result = match action {
            Action::Delete { node, policy } => self.delete(node, *policy).await,
            Action::DropOwners { node, uids } => {
                let owners = node.owners.iter().filter(|o| !uids.contains(&o.uid)).map(reference);
                self.write(node, &json!({"ownerReferences": owners.collect::<Vec<_>>()})).await
            }
            Action::Unblock { node } => {
                let owners =
                    node.owners.iter().map(|owner| reference(&Owner { blocks: false, ..owner.clone() }));
                self.write(node, &json!({"ownerReferences": owners.collect::<Vec<_>>()})).await
            }
            Action::DropFinalizer { node, finalizer } => {
                let left: Vec<&String> = node.finalizers.iter().filter(|f| f != finalizer).collect();
                self.write(node, &json!({"finalizers": left})).await
            }
            Action::EndNamespace { node } => {
                namespace::end(&self.client, &self.catalog.registry(), &node.name).await
            }
        };
        match result {
            Err(Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
            other => other,
        }
    }

    async fn delete(&self, node: &Node, policy: Policy) -> Result<(), Error> {
        let parameters = DeleteParams {
            propagation_policy: Some(match policy {
                Policy::Background => PropagationPolicy::Background,
                Policy::Foreground => PropagationPolicy::Foreground,
                Policy::Orphan => PropagationPolicy::Orphan,
            }),
            // Of this version, so that an owner that was taken on meanwhile is not overlooked.
            preconditions: Some(Preconditions {
                uid: Some(node.uid.clone()),
                resource_version: Some(node.version.clone()),
            }),
            ..DeleteParams::default()
        };
        let Some(api) = self.api_of(node) else { return Ok(()) };
        api.delete(&node.name, &parameters).await.map(|_| ())
    }

    /// Writes metadata, if the object is still as it was seen.
    async fn write(&self, node: &Node, metadata: &Value) -> Result<(), Error> {
        let Some(api) = self.api_of(node) else { return Ok(()) };
        let mut metadata = metadata.clone();
        metadata["uid"] = json!(node.uid);
        metadata["resourceVersion"] = json!(node.version);
        let patch = Patch::Merge(json!({"metadata": metadata}));
        api.patch_metadata(&node.name, &PatchParams::default(), &patch).await.map(|_| ())
    }
}

fn reference(owner: &Owner) -> Value {
    let mut reference =
        json!({"apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name, "uid": owner.uid});
    for (field, set) in [("controller", owner.controller), ("blockOwnerDeletion", owner.blocks)] {
        if set {
            reference[field] = json!(true);
        }
    }
    reference
}
