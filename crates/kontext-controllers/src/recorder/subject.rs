//! The object that an Event is about.

use std::{fmt, sync::Arc};

use kontext::{ObjectRef, informer::Resource};
use serde_json::{Map, Value};

use crate::model::{Meta, Text};

/// The object that an Event is about: its `involvedObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Such as `apps/v1`.
    pub api_version: Text,
    /// Such as `ReplicaSet`.
    pub kind: Text,
    /// `None` for cluster-scoped objects, whose Events are in `default`.
    pub namespace: Option<Text>,
    /// Its name.
    pub name: Text,
    /// Empty where not known.
    pub uid: Text,
    /// The version of the state that was looked at; empty where not known.
    pub resource_version: Text,
}

/// Which object it is, whatever its version: what Events are correlated by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    api_version: Text,
    kind: Text,
    namespace: Option<Text>,
    name: Text,
    uid: Text,
}

impl Subject {
    /// The object of a resource with this metadata.
    pub fn of(resource: Resource, meta: &Meta) -> Self {
        Self {
            api_version: resource.api_version().into(),
            kind: resource.kind.into(),
            namespace: (!meta.namespace.is_empty()).then(|| meta.namespace.clone()),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            resource_version: meta.resource_version.as_str().into(),
        }
    }

    /// The namespace of its Events.
    pub(super) fn events_in(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    pub(super) fn identity(&self) -> Arc<Identity> {
        Arc::new(Identity {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            uid: self.uid.clone(),
        })
    }

    /// As an object reference of core/v1; what is not known is left out.
    pub(super) fn reference(&self) -> Value {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let fields = [
            ("apiVersion", &*self.api_version),
            ("kind", &*self.kind),
            ("namespace", namespace),
            ("name", &*self.name),
            ("uid", &*self.uid),
            ("resourceVersion", &*self.resource_version),
        ];
        let known = fields.into_iter().filter(|(_, value)| !value.is_empty());
        Value::Object(known.map(|(field, value)| (field.to_owned(), value.into())).collect::<Map<_, _>>())
    }
}

impl From<&ObjectRef> for Subject {
    fn from(object: &ObjectRef) -> Self {
        Self {
            api_version: object.api_version.as_ref().into(),
            kind: object.kind.as_ref().into(),
            namespace: object.namespace.as_deref().map(Into::into),
            name: object.name.as_ref().into(),
            uid: object.uid.as_deref().unwrap_or_default().into(),
            resource_version: "".into(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
