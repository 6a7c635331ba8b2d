//! Creates: always a new stamp.

use bytes::Bytes;
use kontext_core::{Counted, Fingerprint, GenerationRule, Name, Unstamped, WriteKind};

use super::{MAX_ANNOTATIONS, Stamping, Writing, bytes_of_others, edits, kind_of};
use crate::client::{
    decision::{Decision, Effect, decide},
    splice::{Edit, Place, scan, splice},
};

/// The create with its stamp.
pub(crate) fn created(writing: Writing<'_>, body: &Bytes) -> Result<Stamping, Unstamped> {
    let scanned = scan(body)?;
    let kind = kind_of(&scanned)?;
    let name = match (&scanned.name, &scanned.generate_name) {
        (Some(name), _) => Name::Exact(name.as_ref().into()),
        (None, Some(prefix)) => Name::Prefix(prefix.as_ref().into()),
        (None, None) => return Err(Unstamped::Body),
    };
    let target = writing.target(kind, name, None, WriteKind::Create);
    let fingerprint = || {
        let text = std::str::from_utf8(body).map_err(|_| Unstamped::Body)?;
        Fingerprint::of_json(text).map_err(|_| Unstamped::Body)
    };
    // Most creates are of kinds with generation, and their content need not be read.
    let content = match GenerationRule::of(target.group, kind) {
        GenerationRule::None => Some(fingerprint()?.content()),
        _ => None,
    };
    let (generation, content) = match decide(writing.policy, &target, Effect::Create { content }) {
        Decision::New { generation, content } => (generation, content),
        Decision::Carry => return Err(Unstamped::Unchanged),
        Decision::None(reason) => return Err(reason),
    };
    // The text of the annotations is at least as long as their keys and values.
    let others = match &scanned.annotations {
        Place::Object(range) if range.len() > MAX_ANNOTATIONS / 2 => {
            bytes_of_others(&fingerprint()?, writing.policy.keys())
        }
        Place::Object(range) => range.len(),
        Place::Absent { .. } | Place::Null(_) => 0,
    };
    let annotations = writing.annotations(&target, generation, content, others)?;
    let edits = edits(writing.policy.keys(), &annotations, Edit::Remove);
    Ok(Stamping { body: splice(body, &scanned, &edits)?.into(), counted: Counted::Injected })
}
