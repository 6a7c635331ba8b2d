//! The store of an informer.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::RwLock;

use super::{ObjectKey, Watched};

/// All objects of a kind as last seen, by name and by index.
#[derive(Debug)]
pub struct Store<K>(RwLock<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    objects: HashMap<ObjectKey, Arc<K>>,
    indexes: HashMap<Arc<str>, HashMap<ObjectKey, Arc<K>>>,
    resource_version: Box<str>,
}

impl<K> Default for Store<K> {
    fn default() -> Self {
        Self(RwLock::new(Inner {
            objects: HashMap::new(),
            indexes: HashMap::new(),
            resource_version: "".into(),
        }))
    }
}

impl<K: Watched> Store<K> {
    /// The object of that key, `namespace/name`.
    pub fn object(&self, key: &str) -> Option<Arc<K>> {
        self.0.read().objects.get(key).cloned()
    }

    /// The objects under an index entry, in no order.
    pub fn indexed(&self, index: &str) -> Vec<Arc<K>> {
        self.0
            .read()
            .indexes
            .get(index)
            .map(|objects| objects.values().cloned().collect())
            .unwrap_or_default()
    }

    /// All objects, in no order.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.0.read().objects.values().cloned().collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.0.read().objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The resource version up to which the store is known to be complete; empty before the first list.
    pub fn resource_version(&self) -> Box<str> {
        self.0.read().resource_version.clone()
    }

    /// Notes that nothing up to `resource_version` is missing.
    pub(super) fn reached(&self, resource_version: &str) {
        self.0.write().resource_version = resource_version.into();
    }

    /// Stores an object: what was there before.
    pub(super) fn insert(&self, object: Arc<K>) -> Option<Arc<K>> {
        let key = ObjectKey::of(&*object);
        let mut inner = self.0.write();
        let old = inner.objects.insert(key.clone(), object.clone());
        if let Some(old) = &old {
            inner.unindex(&key, old);
        }
        for index in object.indexes() {
            inner.indexes.entry(index).or_default().insert(key.clone(), object.clone());
        }
        old
    }

    /// Removes an object: what was there.
    pub(super) fn remove(&self, key: &ObjectKey) -> Option<Arc<K>> {
        let mut inner = self.0.write();
        let old = inner.objects.remove(key)?;
        inner.unindex(key, &old);
        Some(old)
    }

    /// The keys of all objects.
    pub(super) fn keys(&self) -> HashSet<ObjectKey> {
        self.0.read().objects.keys().cloned().collect()
    }
}

impl<K: Watched> Inner<K> {
    fn unindex(&mut self, key: &ObjectKey, old: &K) {
        for index in old.indexes() {
            if let Some(objects) = self.indexes.get_mut(&index) {
                objects.remove(key);
                if objects.is_empty() {
                    self.indexes.remove(&index);
                }
            }
        }
    }
}
