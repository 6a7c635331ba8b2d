use jiff::Timestamp;
use serde::Deserialize;

use super::{Interned, Labels, Plain, ResourceVersion, Text};

/// The metadata that every loop needs of every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Namespace.
    pub namespace: Text,
    /// Name.
    pub name: Text,
    /// UID: tells an object from another one that had the same name before.
    pub uid: Text,
    /// The version of this state of the object.
    pub resource_version: ResourceVersion,
    /// Generation of the spec; 0 where the kind has none.
    pub generation: i64,
    /// All labels.
    pub labels: Labels,
    /// The one owner reference with `controller: true`.
    pub controller: Option<Owner>,
    /// UIDs of the owners that are not the controller.
    pub other_owners: Box<[Text]>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When its deletion was asked for; set means it is being deleted.
    pub deleted: Option<Timestamp>,
}

/// An owner reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Such as `apps/v1`.
    pub api_version: Text,
    /// Such as `ReplicaSet`.
    pub kind: Text,
    /// Name of the owner.
    pub name: Text,
    /// UID of the owner.
    pub uid: Text,
}

/// Anything with metadata.
pub trait Object {
    /// The metadata.
    fn meta(&self) -> &Meta;
}

impl Meta {
    /// `namespace/name`, the key of the work queues.
    #[must_use]
    pub fn key(&self) -> Text {
        Text::from(format!("{}/{}", self.namespace, self.name))
    }

    /// Whether a deletion was asked for.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.deleted.is_some()
    }

    /// Whether the controller owner is the object with this UID.
    #[must_use]
    pub fn is_controlled_by(&self, uid: &str) -> bool {
        self.controller.as_ref().is_some_and(|owner| &*owner.uid == uid)
    }
}

/// Metadata as it is on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMeta<A> {
    namespace: Option<Interned>,
    name: Plain,
    uid: Option<Plain>,
    resource_version: Option<Plain>,
    generation: Option<i64>,
    labels: Option<Labels>,
    owner_references: Option<Vec<WireOwner>>,
    creation_timestamp: Option<Timestamp>,
    deletion_timestamp: Option<Timestamp>,
    #[serde(default = "none")]
    annotations: Option<A>,
}

fn none<A>() -> Option<A> {
    None
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOwner {
    api_version: Interned,
    kind: Interned,
    name: Interned,
    uid: Interned,
    controller: Option<bool>,
}

impl<A> WireMeta<A> {
    pub(super) fn split(self) -> (Meta, Option<A>) {
        let empty = || Text::from("");
        let mut controller = None;
        let mut other_owners = Vec::new();
        for owner in self.owner_references.unwrap_or_default() {
            if owner.controller == Some(true) && controller.is_none() {
                controller = Some(Owner {
                    api_version: owner.api_version.0,
                    kind: owner.kind.0,
                    name: owner.name.0,
                    uid: owner.uid.0,
                });
            } else {
                other_owners.push(owner.uid.0);
            }
        }
        let meta = Meta {
            namespace: self.namespace.map_or_else(empty, |text| text.0),
            name: self.name.0,
            uid: self.uid.map_or_else(empty, |text| text.0),
            resource_version: ResourceVersion::from_text(
                self.resource_version.map_or_else(empty, |text| text.0),
            ),
            generation: self.generation.unwrap_or(0),
            labels: self.labels.unwrap_or_default(),
            controller,
            other_owners: other_owners.into_boxed_slice(),
            created: self.creation_timestamp,
            deleted: self.deletion_timestamp,
        };
        (meta, self.annotations)
    }
}
