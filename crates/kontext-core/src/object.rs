//! Which object: the reference that causes, stamps, spans and log lines share.

use std::{borrow::Cow, fmt};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;

/// A reference to one object, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// `apps/v1`, `v1`; empty where not known.
    pub api_version: Cow<'static, str>,
    /// `ReplicaSet`.
    pub kind: Cow<'static, str>,
    /// `None` for cluster-scoped objects.
    pub namespace: Option<Box<str>>,
    /// Empty for an object that the API server has yet to name.
    pub name: Box<str>,
    /// Tells a deleted and recreated object from its predecessor.
    pub uid: Option<Box<str>>,
    /// `metadata.generation` when it was seen; `None` for kinds without.
    pub generation: Option<i64>,
}

impl ObjectRef {
    /// A reference by kind and name alone.
    pub fn new(kind: impl Into<Cow<'static, str>>, namespace: Option<&str>, name: &str) -> Self {
        Self { kind: kind.into(), namespace: namespace.map(Into::into), name: name.into(), ..Self::default() }
    }

    /// The same reference with its API version.
    #[must_use]
    pub fn with_api_version(mut self, api_version: impl Into<Cow<'static, str>>) -> Self {
        self.api_version = api_version.into();
        self
    }

    /// The same reference with a uid.
    #[must_use]
    pub fn with_uid(mut self, uid: &str) -> Self {
        self.uid = Some(uid.into());
        self
    }

    /// The same reference with a generation.
    #[must_use]
    pub fn with_generation(mut self, generation: i64) -> Self {
        self.generation = Some(generation);
        self
    }

    /// Whether both name the same object: the uid decides where both know it, else kind, namespace and name.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.uid, &other.uid) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => self.kind == other.kind && self.namespace == other.namespace && self.name == other.name,
        }
    }

    /// `namespace/name`, or the name alone for cluster-scoped objects: the work queue's key.
    pub fn key(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.to_string(),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// What an [`Action`](crate::Action) can be started on: any typed Kubernetes object, or a reference to one.
pub trait Subject {
    /// The reference by which the object is recorded.
    fn reference(&self) -> ObjectRef;
}

impl Subject for ObjectRef {
    fn reference(&self) -> ObjectRef {
        self.clone()
    }
}

impl<K> Subject for K
where
    K: Resource<DynamicType = ()>,
{
    fn reference(&self) -> ObjectRef {
        let meta: &ObjectMeta = self.meta();
        ObjectRef {
            api_version: K::api_version(&()),
            kind: K::kind(&()),
            namespace: meta.namespace.as_deref().map(Into::into),
            name: meta.name.as_deref().unwrap_or_default().into(),
            uid: meta.uid.as_deref().map(Into::into),
            generation: meta.generation,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::ReplicaSet;

    use super::*;

    #[test]
    fn a_typed_object_is_its_own_reference() {
        let mut rs = ReplicaSet::default();
        rs.metadata.namespace = Some("shop".into());
        rs.metadata.name = Some("web".into());
        rs.metadata.uid = Some("u-1".into());
        rs.metadata.generation = Some(3);
        let reference = rs.reference();
        assert_eq!(reference.to_string(), "ReplicaSet shop/web");
        assert_eq!((reference.api_version.as_ref(), reference.generation), ("apps/v1", Some(3)));
    }

    #[test]
    fn a_recreated_object_is_another_one() {
        let old = ObjectRef::new("Pod", Some("shop"), "web").with_uid("a");
        let new = ObjectRef::new("Pod", Some("shop"), "web").with_uid("b");
        assert!(!old.is_same(&new));
        assert!(old.is_same(&ObjectRef::new("Pod", Some("shop"), "web")));
    }
}
