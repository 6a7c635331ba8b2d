//! The metadata of an object that somebody else wrote: every field may be missing or of a wrong type.

use jiff::{SignedDuration, Timestamp};
use kontext_core::text::harmless;
use serde_json::Value;

use crate::{model::Object, observe::Key};

/// One live object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    value: &'a Value,
    key: &'a Key,
}

impl<'a> View<'a> {
    pub(crate) fn new(value: &'a Value, key: &'a Key) -> Self {
        Self { value, key }
    }

    pub(crate) fn key(&self) -> &'a Key {
        self.key
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    fn metadata(&self, field: &str) -> &'a Value {
        &self.value["metadata"][field]
    }

    pub(crate) fn uid(&self) -> Option<&'a str> {
        self.metadata("uid").as_str()
    }

    pub(crate) fn generation(&self) -> Option<i64> {
        self.metadata("generation").as_i64()
    }

    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.metadata("creationTimestamp").as_str()?.parse().ok()
    }

    /// When the deletion was asked for: the deletion timestamp is that and the grace period.
    pub(crate) fn deletion_asked(&self) -> Option<Timestamp> {
        let end: Timestamp = self.metadata("deletionTimestamp").as_str()?.parse().ok()?;
        let grace = self.metadata("deletionGracePeriodSeconds").as_i64().unwrap_or(0);
        end.checked_sub(SignedDuration::from_secs(grace)).ok()
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.metadata("deletionTimestamp").is_string()
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&'a str> {
        self.metadata("annotations")[key].as_str()
    }

    pub(crate) fn managed_fields(&self) -> &'a Value {
        self.metadata("managedFields")
    }

    /// The controller among its owners, and the uid by which it means it.
    pub(crate) fn controller_owner(&self) -> Option<(Key, &'a str)> {
        let owners = self.metadata("ownerReferences").as_array()?;
        let owner = owners.iter().find(|owner| owner["controller"] == true)?;
        let text = |field: &str| owner[field].as_str();
        let key = Key::new(text("apiVersion")?, text("kind")?, self.key.namespace(), text("name")?)?;
        Some((key, text("uid")?))
    }

    /// The object as the chain tells it.
    pub(crate) fn object(&self) -> Object {
        Object {
            api_version: harmless(self.key.api_version()).into_owned(),
            kind: self.key.kind().into(),
            namespace: self.key.namespace().map(Into::into),
            name: self.key.name().into(),
            uid: self.uid().map(|uid| harmless(uid).into_owned()),
            generation: self.generation(),
        }
    }
}
