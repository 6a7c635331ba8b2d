//! Whether a stamp explains the object it is found on.

use jiff::{SignedDuration, Timestamp};

use super::{Name, Stamp};

/// How far a create's stamp and the object's creation may lie apart: what retries and clocks explain, no more.
const CREATION_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// What is known of the object on which a stamp was found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bearer<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its uid.
    pub uid: Option<&'a str>,
    /// Its generation.
    pub generation: Option<i64>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Whether it is being deleted, which raises the generation by one.
    pub deleting: bool,
    /// Hash of its content, where computed.
    pub content: Option<u64>,
    /// The field managers that own the annotation, where `managedFields` is known. Nobody owns what a webhook added.
    pub annotation_owners: Option<&'a [&'a str]>,
}

/// Why a stamp is not this object's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Copied {
    /// It names another kind.
    Kind,
    /// It names another name.
    Name,
    /// It names another uid: the object was deleted and created again, or an old stamp came back.
    Uid,
    /// It was written long before or after the object came to be.
    Time,
    /// Another field manager than the one it names put it there.
    Manager,
}

/// What a stamp is worth on the object on which it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It explains the object as it is now.
    Fresh,
    /// The object changed since, by a writer that left no stamp.
    Stale,
    /// It is another object's, or another time's.
    Copied(Copied),
}

impl Stamp {
    /// What this stamp is worth on `bearer`.
    pub fn standing(&self, bearer: &Bearer<'_>) -> Standing {
        if let Some(copied) = self.copied(bearer) {
            return Standing::Copied(copied);
        }
        let generation_holds = match (self.generation, bearer.generation) {
            (Some(stamped), Some(live)) => {
                stamped == live || (bearer.deleting && stamped.checked_add(1) == Some(live))
            }
            (None, _) => true,
            (Some(_), None) => false,
        };
        let content_holds = match (self.content, bearer.content) {
            (Some(stamped), Some(live)) => stamped == live,
            _ => true,
        };
        if generation_holds && content_holds { Standing::Fresh } else { Standing::Stale }
    }

    fn copied(&self, bearer: &Bearer<'_>) -> Option<Copied> {
        if self.on.kind != bearer.kind {
            return Some(Copied::Kind);
        }
        let name_holds = match &self.on.name {
            Name::Exact(name) => **name == *bearer.name,
            Name::Prefix(prefix) => bearer.name.starts_with(&**prefix),
        };
        if !name_holds {
            return Some(Copied::Name);
        }
        match (&self.on.uid, bearer.uid, bearer.created) {
            (Some(stamped), Some(live), _) if **stamped != *live => return Some(Copied::Uid),
            // A create did not know the uid: it must have happened when the object came to be.
            (None, _, Some(created)) if created.duration_since(self.time).abs() > CREATION_WINDOW => {
                return Some(Copied::Time);
            }
            _ => {}
        }
        match (&self.manager, bearer.annotation_owners) {
            (Some(manager), Some(owners)) if !owners.is_empty() && !owners.contains(&&**manager) => {
                Some(Copied::Manager)
            }
            _ => None,
        }
    }
}
