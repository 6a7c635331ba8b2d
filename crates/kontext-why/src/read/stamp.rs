//! The stamp on an object, and what it is worth there.

use jiff::{SignedDuration, Timestamp};
use kontext_core::{
    Bearer, Copied, Keys, Stamp, Standing, Traceparent, annotation_owners,
    text::{harmless, shortened},
};

use super::{View, entries};
use crate::{model::Source, observe::Key};

/// How much later than the stamp says a write may be stored: what one request takes, and that times are cut to seconds.
pub(crate) const WRITE_TAKES: SignedDuration = SignedDuration::from_secs(2);

/// A stamp as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) stamp: Stamp,
    /// The span of the write; `None` where the annotation is missing or broken.
    pub(crate) trace: Option<Traceparent>,
    /// The object whose write it explains.
    pub(crate) about: Key,
    /// The uid of the object it stands on.
    pub(crate) uid: Option<String>,
    pub(crate) source: Source,
}

/// What was found on an object.
#[derive(Debug)]
pub(crate) enum Reading {
    None,
    /// Not a stamp; the reason.
    Malformed(String),
    /// Another object's, or another time's.
    Copied(Copied),
    /// It explains an earlier state of the object.
    Stale(Read),
    Fresh(Read),
}

impl Reading {
    /// The stamp, where it is the object's own: of its present state or of an earlier one.
    pub(crate) fn own(self) -> Option<Read> {
        match self {
            Self::Fresh(read) | Self::Stale(read) => Some(read),
            Self::None | Self::Malformed(_) | Self::Copied(_) => None,
        }
    }
}

/// Reads the stamp of an object.
pub(crate) fn reading(view: &View<'_>, keys: &Keys) -> Reading {
    let Some(text) = view.annotation(&keys.cause) else { return Reading::None };
    let stamp = match Stamp::decode(text) {
        Ok(stamp) => stamp,
        // The message may quote the annotation.
        Err(error) => return Reading::Malformed(harmless(&shortened(&error.to_string(), 200)).into_owned()),
    };
    let owners = annotation_owners(view.managed_fields(), &keys.cause);
    let standing = stamp.standing(&Bearer {
        kind: view.key().kind(),
        name: view.key().name(),
        uid: view.uid(),
        generation: view.generation(),
        created: view.created(),
        deleting: view.is_deleting(),
        content: None,
        annotation_owners: view.managed_fields().is_array().then_some(&owners),
    });
    let overwritten = stamp.generation.is_none() && written_since(view, &stamp);
    let read = Read {
        trace: view.annotation(&keys.traceparent).and_then(|text| text.parse().ok()),
        about: view.key().clone(),
        uid: view.uid().map(Into::into),
        source: Source::Stamp,
        stamp,
    };
    match standing {
        Standing::Copied(why) => Reading::Copied(why),
        Standing::Fresh if !overwritten => Reading::Fresh(read),
        _ => Reading::Stale(read),
    }
}

/// Whether somebody else wrote after the stamp, for kinds without generation: their content hash cannot be compared
/// here, because what counts as content is the writer's to know.
fn written_since(view: &View<'_>, stamp: &Stamp) -> bool {
    entries(view.managed_fields()).iter().any(|entry| {
        entry.is_intent()
            && Some(entry.manager) != stamp.manager.as_deref()
            && entry.time.is_some_and(|time| is_after(time, stamp.time))
    })
}

/// Whether a write stored at `time` is a later one than the write that began at `began`.
pub(crate) fn is_after(time: Timestamp, began: Timestamp) -> bool {
    time.duration_since(began) > WRITE_TAKES
}
