//! What an informer needs to know of a kind.

use std::{fmt, sync::Arc};

/// A kind as the API serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// API group; empty for core.
    pub group: &'static str,
    /// `v1`.
    pub version: &'static str,
    /// `replicasets`.
    pub plural: &'static str,
    /// `ReplicaSet`.
    pub kind: &'static str,
}

impl Resource {
    /// `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The path of the collection over all namespaces, or of one.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", self.group) };
        match namespace {
            Some(namespace) => format!("{root}/{}/namespaces/{namespace}/{}", self.version, self.plural),
            None => format!("{root}/{}/{}", self.version, self.plural),
        }
    }
}

/// An object as a store keeps it: as much of it as the loops need.
pub trait Watched: Sized + Send + Sync + 'static {
    /// Reads it from the API's JSON.
    ///
    /// # Errors
    ///
    /// Where the JSON is not of the kind; the informer logs the object's name and goes on.
    fn parse(json: &str) -> Result<Self, serde_json::Error>;

    /// `metadata.namespace`; `None` for cluster-scoped objects.
    fn namespace(&self) -> Option<&str>;

    /// `metadata.name`.
    fn name(&self) -> &str;

    /// `metadata.uid`.
    fn uid(&self) -> &str;

    /// `metadata.resourceVersion`.
    fn resource_version(&self) -> &str;

    /// The index entries under which it is found, such as the uid of its controller owner.
    fn indexes(&self) -> Vec<Arc<str>>;
}

/// Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(Arc<str>);

impl ObjectKey {
    /// The key of a name in a namespace.
    pub fn new(namespace: Option<&str>, name: &str) -> Self {
        Self(match namespace {
            Some(namespace) => format!("{namespace}/{name}").into(),
            None => name.into(),
        })
    }

    /// The key of an object.
    pub fn of<K: Watched>(object: &K) -> Self {
        Self::new(object.namespace(), object.name())
    }

    /// As the work queue has it.
    pub fn as_key(&self) -> &Arc<str> {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ObjectKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
