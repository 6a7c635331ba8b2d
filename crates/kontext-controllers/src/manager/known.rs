//! What the informers know, for the client layer: was this write a change?

use std::sync::Arc;

use bytes::Bytes;
use kontext::{
    Fingerprint,
    client::{KnownObjects, ObjectQuery},
    informer::Store,
};

use crate::model::{Deployment, RawObject, ReplicaSet};

/// ReplicaSets and Deployments as they were read; pods are not kept whole.
pub(super) struct Known {
    pub(super) sets: Arc<Store<ReplicaSet>>,
    pub(super) deployments: Arc<Store<Deployment>>,
}

impl Known {
    fn with<R>(&self, query: &ObjectQuery<'_>, read: impl Fn(&RawObject) -> R) -> Option<R> {
        if query.group != "apps" {
            return None;
        }
        let key = format!("{}/{}", query.namespace?, query.name);
        match query.resource {
            "replicasets" => self.sets.object(&key).map(|set| read(&set.raw)),
            "deployments" => self.deployments.object(&key).map(|deployment| read(&deployment.raw)),
            _ => None,
        }
    }
}

impl KnownObjects for Known {
    fn as_read(&self, query: &ObjectQuery<'_>) -> Option<Fingerprint> {
        let fingerprint = self.with(query, |raw| Fingerprint::of_json(raw.as_str()).ok())??;
        query.fits(&fingerprint).then_some(fingerprint)
    }

    fn json(&self, query: &ObjectQuery<'_>) -> Option<Bytes> {
        // One look at the store, or the version might be another than the one that was checked.
        self.with(query, |raw| {
            let fingerprint = Fingerprint::of_json(raw.as_str()).ok()?;
            query.fits(&fingerprint).then(|| Bytes::copy_from_slice(raw.as_str().as_bytes()))
        })?
    }
}
