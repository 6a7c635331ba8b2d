//! Stamps: what a write leaves on the object it wrote.
//!
//! A stamp says who acted, with which action, for which object and why; what caused it; where the chain began;
//! and what it stands on, so that a copied, resurrected or outdated stamp is told from one that holds.

mod standing;
mod wire;

use std::borrow::Cow;

use jiff::Timestamp;

pub use standing::{Bearer, Copied, Standing};
pub use wire::{MAX_BYTES, StampError};

use crate::{
    cause::EventKind,
    object::ObjectRef,
    origin::Origin,
    trace::{TraceId, Traceparent},
};

/// The object that a stamp stands on, as far as it was known when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On {
    /// Its kind.
    pub kind: Cow<'static, str>,
    /// Its name, or what `generateName` held.
    pub name: Name,
    /// Its uid; unknown to a create.
    pub uid: Option<Box<str>>,
}

/// The name of an object about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// The whole name.
    Exact(Box<str>),
    /// The front of it; the API server adds the rest.
    Prefix(Box<str>),
}

/// One cause as a stamp tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampCause {
    /// What happened.
    pub event: EventKind,
    /// The kind of the object it happened to.
    pub kind: Box<str>,
    /// Its name, with the namespace in front where that is another than the stamped object's.
    pub name: Box<str>,
    /// The trace of the write behind it, where that was stamped.
    pub trace_id: Option<TraceId>,
    /// The action of the write behind it, where that was stamped.
    pub action: Option<Box<str>>,
    /// The writer where it was not stamped: its field manager.
    pub manager: Option<Box<str>>,
    /// When it was seen.
    pub seen: Timestamp,
    /// Changed fields, as text.
    pub changes: Vec<Box<str>>,
}

/// What a write leaves on the object it wrote (annotation `kontext.dev/cause`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// What it stands on.
    pub on: On,
    /// Which controller acted.
    pub controller: Box<str>,
    /// With which action: `replicaset.CreatePod`.
    pub action: Box<str>,
    /// For which object.
    pub subject: ObjectRef,
    /// Why, in a short sentence: `1 of 3 replicas missing`.
    pub reason: Box<str>,
    /// The causes, those that say most first.
    pub causes: Vec<StampCause>,
    /// How many causes there were beside them.
    pub more_causes: u64,
    /// Where the chain began.
    pub origin: Option<Origin>,
    /// How many stamped actions lie before this one.
    pub hops: u16,
    /// The generation that this write gives the object; `None` for kinds without.
    pub generation: Option<i64>,
    /// A hash of the content, for kinds without generation.
    pub content: Option<u64>,
    /// When the action began.
    pub time: Timestamp,
    /// The field manager of the write, by which a stamp copied by somebody else is told.
    pub manager: Option<Box<str>>,
}

/// A stamp together with the span of its write: both annotations of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// The span of the write.
    pub traceparent: Traceparent,
    /// What the write said of itself.
    pub stamp: Stamp,
}
