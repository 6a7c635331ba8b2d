//! The informers that the loops share, and the indexes of their stores.

use std::sync::Arc;

use kontext::informer::{Resource, Watched};

use crate::model::{Deployment, Meta, Object, Pod, ReplicaSet};

/// Pods.
pub(crate) const PODS: Resource = Resource { group: "", version: "v1", plural: "pods", kind: "Pod" };
/// ReplicaSets.
pub(crate) const REPLICA_SETS: Resource =
    Resource { group: "apps", version: "v1", plural: "replicasets", kind: "ReplicaSet" };
/// Deployments.
pub(crate) const DEPLOYMENTS: Resource =
    Resource { group: "apps", version: "v1", plural: "deployments", kind: "Deployment" };

/// The index entry of the children that an owner controls.
pub(crate) fn owned_by(uid: &str) -> String {
    format!("owner/{uid}")
}

/// The index entry of a namespace's objects that nothing controls.
pub(crate) fn orphans_of(namespace: &str) -> String {
    format!("orphans/{namespace}")
}

/// The index entry of all of a namespace's objects, of the kinds that own others.
pub(crate) fn namespace_of(namespace: &str) -> String {
    format!("namespace/{namespace}")
}

fn by_owner(meta: &Meta) -> Arc<str> {
    meta.controller.as_ref().map_or_else(|| orphans_of(&meta.namespace), |owner| owned_by(&owner.uid)).into()
}

macro_rules! watched {
    ($kind:ty, $parse:expr, $indexes:expr) => {
        impl Watched for $kind {
            fn parse(json: &str) -> Result<Self, serde_json::Error> {
                $parse(json)
            }
            fn namespace(&self) -> Option<&str> {
                Some(&self.meta().namespace)
            }
            fn name(&self) -> &str {
                &self.meta().name
            }
            fn uid(&self) -> &str {
                &self.meta().uid
            }
            fn resource_version(&self) -> &str {
                self.meta().resource_version.as_str()
            }
            fn indexes(&self) -> Vec<Arc<str>> {
                $indexes(self.meta())
            }
        }
    };
}

watched!(Pod, serde_json::from_str, |meta: &Meta| vec![by_owner(meta)]);
watched!(ReplicaSet, ReplicaSet::parse, |meta: &Meta| vec![
    by_owner(meta),
    namespace_of(&meta.namespace).into()
]);
watched!(Deployment, Deployment::parse, |meta: &Meta| vec![namespace_of(&meta.namespace).into()]);
