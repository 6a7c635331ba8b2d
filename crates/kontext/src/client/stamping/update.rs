//! PUTs: a new stamp with new content, otherwise exactly the live one.

use bytes::Bytes;
use kontext_core::{Counted, Fingerprint, Name, Unstamped, WriteKind};
use serde_json::Value;

use super::{Stamping, Writing, bytes_of_others, edits, kind_of};
use crate::client::{
    decision::{Decision, Effect, Null, covers, decide},
    splice::{Edit, Scanned, splice},
};

/// The object that a PUT replaces.
pub(crate) enum Replaced<'a> {
    /// The body was made from this version of it.
    Read(&'a Fingerprint),
    /// The body was made from scratch; this is the object as it is.
    Live(&'a Value),
}

/// The PUT of `body` (scanned as `scanned`) over an object, with its stamp.
pub(crate) fn updated(
    writing: Writing<'_>,
    body: &Bytes,
    scanned: &Scanned<'_>,
    replaced: Replaced<'_>,
) -> Result<Stamping, Unstamped> {
    let text = std::str::from_utf8(body).map_err(|_| Unstamped::Body)?;
    let mut result = Fingerprint::of_json(text).map_err(|_| Unstamped::Body)?;
    let live;
    let known = match replaced {
        Replaced::Read(known) => known,
        Replaced::Live(object) => {
            live = Fingerprint::of_value(object).map_err(|_| Unstamped::Unknown)?;
            let wanted: Value = serde_json::from_str(text).map_err(|_| Unstamped::Body)?;
            if covers(object, &wanted, Null::Missing) {
                result.spec = live.spec;
            }
            &live
        }
    };
    let kind = kind_of(scanned)?;
    let name = scanned.name.as_deref().or(writing.request.name.as_deref()).ok_or(Unstamped::Body)?;
    let uid = known.uid.as_deref().or(scanned.uid.as_deref());
    let target = writing.target(kind, Name::Exact(name.into()), uid, WriteKind::Update);
    let keys = writing.policy.keys();
    match decide(writing.policy, &target, Effect::Change { known, result: &result }) {
        Decision::New { generation, content } => {
            let others = bytes_of_others(&result, keys);
            let annotations = writing.annotations(&target, generation, content, others)?;
            let edits = edits(keys, &annotations, Edit::Remove);
            Ok(Stamping { body: splice(body, scanned, &edits)?.into(), counted: Counted::Injected })
        }
        Decision::Carry => {
            let counted = Counted::Unstamped(Unstamped::Unchanged);
            let same = |(key, _): &&(Box<str>, Box<str>)| keys.contains(key);
            if known.context.iter().filter(same).eq(result.context.iter().filter(same)) {
                return Ok(Stamping { body: body.clone(), counted });
            }
            let edits = edits(keys, &known.context, Edit::Remove);
            Ok(Stamping { body: splice(body, scanned, &edits)?.into(), counted })
        }
        Decision::None(reason) => Err(reason),
    }
}
