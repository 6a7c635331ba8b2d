//! The versions in which one object is served: managers own fields in the version that they write.

use std::sync::Arc;

use serde_json::{Value, json};

use super::path::PathElement;
use super::reset::reset_fields;
use super::set::FieldSet;
use super::typed::Comparison;
use crate::kinds::{Registry, Resource};
use crate::schema::MergeType;

/// The version of a request, and the others over the same storage.
#[derive(Debug, Clone)]
pub(crate) struct Versions {
    pub(super) own: Version,
    others: Vec<Version>,
}

/// One version of a kind.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) of: MergeType,
    /// What a write through the door of this request cannot change, and therefore not own.
    reset: Vec<Vec<PathElement>>,
    resource: Option<Arc<Resource>>,
}

impl Versions {
    /// The versions of a resource; `subresource` is the door that the request goes through, or empty.
    pub(crate) fn of(resource: &Arc<Resource>, registry: &Registry, subresource: &str) -> Self {
        let others = registry
            .resources()
            .iter()
            .filter(|other| other.table == resource.table && !Arc::ptr_eq(other, resource))
            .map(|other| Version::of(other, subresource))
            .collect();
        Self { own: Version::of(resource, subresource), others }
    }

    /// One version alone, in which everything can be written.
    pub(crate) fn single(api_version: &str, kind: &str, of: MergeType) -> Self {
        let own = Version {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            of,
            reset: Vec::new(),
            resource: None,
        };
        Self { own, others: Vec::new() }
    }

    /// The same, where a write cannot change these paths.
    #[cfg(test)]
    pub(super) fn resetting(mut self, paths: Vec<Vec<PathElement>>) -> Self {
        self.own.reset = paths;
        self
    }

    /// A version by its name; `None` where the object is not served in it.
    pub(super) fn named(&self, api_version: &str) -> Option<&Version> {
        std::iter::once(&self.own).chain(&self.others).find(|version| version.api_version == api_version)
    }
}

impl Version {
    fn of(resource: &Arc<Resource>, subresource: &str) -> Self {
        Self {
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            of: resource.merge_type.clone(),
            reset: reset_fields(resource, subresource),
            resource: Some(resource.clone()),
        }
    }

    /// An object of this version in another one.
    pub(super) fn convert(&self, object: &Value, to: &Version) -> Value {
        let mut object = object.clone();
        if self.api_version == to.api_version {
            return object;
        }
        if let Some(resource) = &self.resource {
            resource.decode(&mut object);
        }
        if let Some(fields) = object.as_object_mut() {
            fields.insert("apiVersion".to_owned(), json!(to.api_version));
        }
        if let Some(resource) = &to.resource {
            resource.encode(&mut object);
        }
        object
    }

    /// Where two objects of this version differ, without what the request cannot change.
    pub(super) fn compare(&self, old: &Value, new: &Value) -> Comparison {
        Comparison::of(&self.of, old, new).map(|set| self.writable(set))
    }

    /// A set without what the request cannot change.
    pub(super) fn writable(&self, set: FieldSet) -> FieldSet {
        self.reset.iter().fold(set, |set, path| set.without(path))
    }
}
