//! What is served at the moment. Resources come and go with CustomResourceDefinitions while requests run, so each
//! request works on a snapshot.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::{Registry, Resource};

/// The registry that new requests get, and who wants to know when it changes.
#[derive(Debug)]
pub(crate) struct Catalog {
    current: RwLock<Arc<Registry>>,
    changed: watch::Sender<u64>,
}

impl Catalog {
    pub(crate) fn new(registry: Registry) -> Self {
        Self { current: RwLock::new(Arc::new(registry)), changed: watch::Sender::new(0) }
    }

    /// What is served now.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.current.read().clone()
    }

    /// Wakes up whenever resources come, change or go.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Serves these versions of one custom resource in place of those before; none at all takes it away.
    pub(crate) fn serve_custom(&self, group: &str, plural: &str, versions: Vec<Resource>) {
        {
            let mut current = self.current.write();
            *current = Arc::new(current.with_custom(group, plural, versions));
        }
        self.changed.send_modify(|count| *count += 1);
    }
}
