//! The stamp on the wire: compact JSON, version 1, at most 512 bytes.
//!
//! What does not fit is shortened in a fixed order, least telling first; causes left out are counted.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Name, On, Stamp, StampCause};
use crate::{
    cause::EventKind,
    object::ObjectRef,
    origin::{Origin, Verb, Who},
    text::{harmless, shortened, shortened_front},
    trace::TraceId,
};

/// The longest stamp, in bytes.
pub const MAX_BYTES: usize = 512;
const VERSION: u8 = 1;

/// Why a text is not a stamp, or a stamp cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StampError {
    /// Longer than a stamp ever is.
    #[error("a stamp has at most {MAX_BYTES} bytes, this has {0}")]
    TooLong(usize),
    /// Not JSON of the right form.
    #[error("a stamp is a JSON object of version {VERSION}: {0}")]
    Form(#[from] serde_json::Error),
    /// Written by a later version.
    #[error("this stamp has version {0}; version {VERSION} is known here")]
    Version(u8),
    /// A field holds what it cannot.
    #[error("field {0:?} of the stamp is not of its form")]
    Field(&'static str),
}

#[derive(Serialize, Deserialize)]
struct WireOn<'a> {
    #[serde(rename = "k", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "n", borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(rename = "p", borrow, default, skip_serializing_if = "Option::is_none")]
    prefix: Option<Cow<'a, str>>,
    #[serde(rename = "u", borrow, default, skip_serializing_if = "Option::is_none")]
    uid: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct WireObject<'a> {
    #[serde(rename = "k", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "s", borrow, default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Cow<'a, str>>,
    #[serde(rename = "n", borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "u", borrow, default, skip_serializing_if = "Option::is_none")]
    uid: Option<Cow<'a, str>>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct WireCause<'a> {
    #[serde(rename = "e", borrow)]
    event: Cow<'a, str>,
    /// Left out, with the name, where the cause is the object acted for: most are, and room is scarce.
    #[serde(rename = "k", borrow, default, skip_serializing_if = "Option::is_none")]
    kind: Option<Cow<'a, str>>,
    #[serde(rename = "n", borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(rename = "t", borrow, default, skip_serializing_if = "Option::is_none")]
    trace_id: Option<Cow<'a, str>>,
    #[serde(rename = "a", borrow, default, skip_serializing_if = "Option::is_none")]
    action: Option<Cow<'a, str>>,
    #[serde(rename = "w", borrow, default, skip_serializing_if = "Option::is_none")]
    manager: Option<Cow<'a, str>>,
    /// Milliseconds from the event to the action.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    before: i64,
    #[serde(rename = "f", borrow, default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct WireOrigin<'a> {
    #[serde(rename = "u", borrow, default, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(rename = "w", borrow, default, skip_serializing_if = "Option::is_none")]
    manager: Option<Cow<'a, str>>,
    #[serde(rename = "c", borrow, default, skip_serializing_if = "Option::is_none")]
    controller: Option<Cow<'a, str>>,
    #[serde(rename = "v", borrow)]
    verb: Cow<'a, str>,
    #[serde(rename = "k", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "s", borrow, default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Cow<'a, str>>,
    #[serde(rename = "n", borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
    /// Milliseconds from the origin to the action.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    #[serde(rename = "f", borrow, default, skip_serializing_if = "Option::is_none")]
    change: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(rename = "v")]
    version: u8,
    #[serde(borrow)]
    on: WireOn<'a>,
    #[serde(rename = "c", borrow)]
    controller: Cow<'a, str>,
    #[serde(rename = "a", borrow)]
    action: Cow<'a, str>,
    #[serde(rename = "t")]
    time: i64,
    #[serde(rename = "f", borrow)]
    subject: WireObject<'a>,
    #[serde(rename = "r", borrow, default, skip_serializing_if = "str::is_empty")]
    reason: Cow<'a, str>,
    #[serde(rename = "e", borrow, default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<WireCause<'a>>,
    #[serde(rename = "m", default, skip_serializing_if = "is_none_more")]
    more_causes: u64,
    #[serde(rename = "o", borrow, default, skip_serializing_if = "Option::is_none")]
    origin: Option<WireOrigin<'a>>,
    #[serde(rename = "h", default)]
    hops: u16,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
    #[serde(rename = "x", borrow, default, skip_serializing_if = "Option::is_none")]
    content: Option<Cow<'a, str>>,
    #[serde(rename = "w", borrow, default, skip_serializing_if = "Option::is_none")]
    manager: Option<Cow<'a, str>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_none_more(number: &u64) -> bool {
    *number == 0
}

/// How much of a stamp is written; each step tells less than the one before.
#[derive(Clone, Copy)]
struct Room {
    causes: usize,
    changes: usize,
    change_bytes: usize,
    reason_bytes: usize,
    origin_change_bytes: usize,
    origin: bool,
    trace_ids: bool,
}

/// Where the chain began is told before what led to this very step: a reader finds the steps again by their traces
/// and Events, the beginning only here.
const ROOMS: [Room; 10] = {
    let full = Room {
        causes: 4,
        changes: 3,
        change_bytes: 120,
        reason_bytes: 160,
        origin_change_bytes: 160,
        origin: true,
        trace_ids: true,
    };
    let two =
        Room { causes: 2, changes: 1, change_bytes: 96, reason_bytes: 120, origin_change_bytes: 112, ..full };
    let one = Room { causes: 1, ..two };
    let short = Room { change_bytes: 56, reason_bytes: 72, origin_change_bytes: 72, ..one };
    let bare = Room { changes: 0, ..short };
    let tight = Room { reason_bytes: 48, origin_change_bytes: 56, ..bare };
    let origin = Room { causes: 0, ..bare };
    let tight_origin = Room { causes: 0, ..tight };
    let least = Room { causes: 0, origin_change_bytes: 0, ..tight };
    let nothing = Room { origin: false, reason_bytes: 32, ..least };
    [full, two, one, short, bare, tight, origin, tight_origin, least, nothing]
};

impl Stamp {
    /// The annotation's value: compact JSON of at most [`MAX_BYTES`].
    ///
    /// # Errors
    ///
    /// [`StampError::TooLong`] where even the names alone do not fit; such a write goes without a stamp.
    pub fn encode(&self) -> Result<String, StampError> {
        let mut bytes = 0;
        for room in ROOMS {
            let text = serde_json::to_string(&self.wire(room))?;
            if text.len() <= MAX_BYTES {
                return Ok(text);
            }
            bytes = text.len();
        }
        Err(StampError::TooLong(bytes))
    }

    fn wire(&self, room: Room) -> Wire<'_> {
        let (name, prefix) = match &self.on.name {
            Name::Exact(name) => (Some(Cow::from(&**name)), None),
            Name::Prefix(prefix) => (None, Some(Cow::from(&**prefix))),
        };
        let kept = self.causes.len().min(room.causes);
        Wire {
            version: VERSION,
            on: WireOn {
                kind: self.on.kind.as_ref().into(),
                name,
                prefix,
                uid: self.on.uid.as_deref().map(Cow::from),
            },
            controller: (&*self.controller).into(),
            action: (&*self.action).into(),
            time: self.time.as_millisecond(),
            subject: wire_object(&self.subject),
            reason: shortened(&self.reason, room.reason_bytes),
            causes: self.causes[..kept].iter().map(|cause| self.wire_cause(cause, room)).collect(),
            more_causes: self.more_causes + (self.causes.len() - kept) as u64,
            origin: self.origin.as_ref().filter(|_| room.origin).map(|origin| self.wire_origin(origin, room)),
            hops: self.hops,
            generation: self.generation,
            content: self.content.map(|content| format!("{content:016x}").into()),
            // Left out where it is the controller's name, as it mostly is; empty where it is not known.
            manager: match &self.manager {
                Some(manager) if *manager == self.controller => None,
                manager => Some(manager.as_deref().unwrap_or_default().into()),
            },
        }
    }

    fn wire_cause<'a>(&self, cause: &'a StampCause, room: Room) -> WireCause<'a> {
        let of_subject = *cause.kind == *self.subject.kind && cause.name == self.subject.name;
        WireCause {
            event: cause.event.as_str().into(),
            kind: (!of_subject).then(|| (&*cause.kind).into()),
            name: (!of_subject).then(|| (&*cause.name).into()),
            trace_id: cause.trace_id.filter(|_| room.trace_ids).map(|id| id.to_string().into()),
            action: cause.action.as_deref().map(Cow::from),
            manager: cause.manager.as_deref().map(Cow::from),
            before: self.time.as_millisecond() - cause.seen.as_millisecond(),
            changes: cause
                .changes
                .iter()
                .take(room.changes)
                .map(|c| shortened_front(c, room.change_bytes))
                .collect(),
        }
    }

    fn wire_origin<'a>(&self, origin: &'a Origin, room: Room) -> WireOrigin<'a> {
        let (mut user, mut manager, mut controller) = (None, None, None);
        match &origin.who {
            Who::User(name) => user = Some(Cow::from(&**name)),
            Who::Manager(name) => manager = Some(Cow::from(&**name)),
            Who::Controller(name) => controller = Some(Cow::from(&**name)),
            Who::Unknown => {}
        }
        WireOrigin {
            user,
            manager,
            controller,
            verb: origin.verb.as_str().into(),
            kind: origin.object.kind.as_ref().into(),
            namespace: origin.object.namespace.as_deref().map(Cow::from),
            name: (&*origin.object.name).into(),
            generation: origin.object.generation,
            before: origin.time.map(|time| self.time.as_millisecond() - time.as_millisecond()),
            change: origin
                .change
                .as_deref()
                .filter(|_| room.origin_change_bytes > 0)
                .map(|change| shortened_front(change, room.origin_change_bytes)),
        }
    }

    /// Reads an annotation's value. Anybody may have written it: what is not of the form is refused, and no
    /// control character of it survives.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text; the caller counts it and goes on without a stamp.
    pub fn decode(text: &str) -> Result<Self, StampError> {
        if text.len() > MAX_BYTES {
            return Err(StampError::TooLong(text.len()));
        }
        let wire: Wire<'_> = serde_json::from_str(text)?;
        if wire.version != VERSION {
            return Err(StampError::Version(wire.version));
        }
        let time = Timestamp::from_millisecond(wire.time).map_err(|_| StampError::Field("t"))?;
        let name = match (&wire.on.name, &wire.on.prefix) {
            (Some(name), None) => Name::Exact(clean(name)),
            (None, Some(prefix)) => Name::Prefix(clean(prefix)),
            _ => return Err(StampError::Field("on")),
        };
        let content = match wire.content.as_deref().map(|text| (text.len(), u64::from_str_radix(text, 16))) {
            Some((16, Ok(content))) => Some(content),
            Some(_) => return Err(StampError::Field("x")),
            None => None,
        };
        let causes: Result<Vec<_>, StampError> =
            wire.causes.iter().map(|cause| read_cause(cause, &wire.subject, time)).collect();
        Ok(Self {
            on: On {
                kind: clean(&wire.on.kind).into_string().into(),
                name,
                uid: wire.on.uid.as_deref().map(clean),
            },
            controller: clean(&wire.controller),
            action: clean(&wire.action),
            subject: object(&wire.subject),
            reason: clean(&wire.reason),
            causes: causes?,
            more_causes: wire.more_causes,
            origin: wire.origin.as_ref().map(|origin| read_origin(origin, time)).transpose()?,
            hops: wire.hops,
            generation: wire.generation,
            content,
            time,
            manager: match wire.manager.as_deref() {
                None => Some(clean(&wire.controller)),
                Some("") => None,
                Some(manager) => Some(clean(manager)),
            },
        })
    }
}

fn clean(text: &str) -> Box<str> {
    harmless(text).into()
}

fn wire_object(object: &ObjectRef) -> WireObject<'_> {
    WireObject {
        kind: object.kind.as_ref().into(),
        namespace: object.namespace.as_deref().map(Cow::from),
        name: (&*object.name).into(),
        uid: object.uid.as_deref().map(Cow::from),
        generation: object.generation,
    }
}

fn object(wire: &WireObject<'_>) -> ObjectRef {
    ObjectRef {
        api_version: Cow::Borrowed(""),
        kind: clean(&wire.kind).into_string().into(),
        namespace: wire.namespace.as_deref().map(clean),
        name: clean(&wire.name),
        uid: wire.uid.as_deref().map(clean),
        generation: wire.generation,
    }
}

/// The time `before` milliseconds before `time`.
fn earlier(time: Timestamp, before: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.as_millisecond().checked_sub(before)?).ok()
}

fn read_origin(wire: &WireOrigin<'_>, time: Timestamp) -> Result<Origin, StampError> {
    let who = match (&wire.user, &wire.manager, &wire.controller) {
        (Some(user), None, None) => Who::User(clean(user)),
        (None, Some(manager), None) => Who::Manager(clean(manager)),
        (None, None, Some(controller)) => Who::Controller(clean(controller)),
        (None, None, None) => Who::Unknown,
        _ => return Err(StampError::Field("o")),
    };
    let time = match wire.before {
        Some(before) => Some(earlier(time, before).ok_or(StampError::Field("o.d"))?),
        None => None,
    };
    let object = ObjectRef {
        kind: clean(&wire.kind).into_string().into(),
        namespace: wire.namespace.as_deref().map(clean),
        name: clean(&wire.name),
        generation: wire.generation,
        ..ObjectRef::default()
    };
    let verb = Verb::parse(&wire.verb).ok_or(StampError::Field("o.v"))?;
    Ok(Origin { who, verb, object, time, change: wire.change.as_deref().map(clean) })
}

fn read_cause(
    wire: &WireCause<'_>,
    subject: &WireObject<'_>,
    time: Timestamp,
) -> Result<StampCause, StampError> {
    let trace_id = match &wire.trace_id {
        Some(text) => Some(TraceId::from_hex(text).ok_or(StampError::Field("e.t"))?),
        None => None,
    };
    Ok(StampCause {
        event: EventKind::parse(&wire.event).ok_or(StampError::Field("e.e"))?,
        kind: clean(wire.kind.as_deref().unwrap_or(&subject.kind)),
        name: clean(wire.name.as_deref().unwrap_or(&subject.name)),
        trace_id,
        action: wire.action.as_deref().map(clean),
        manager: wire.manager.as_deref().map(clean),
        seen: earlier(time, wire.before).ok_or(StampError::Field("e.d"))?,
        changes: wire.changes.iter().map(|change| clean(change)).collect(),
    })
}

#[cfg(test)]
mod tests;
