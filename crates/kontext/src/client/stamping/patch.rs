//! Patches: applied to the object as known; a new stamp goes with them if that changes it.

use bytes::Bytes;
use kontext_core::{Counted, Fingerprint, Name, Unstamped, WriteKind};
use serde_json::Value;

use super::{Stamping, Writing, bytes_of_others, edits};
use crate::client::{
    decision::{Decision, Effect, Null, apply, covers, decide},
    request::{Patch, kind_of},
    splice::{Edit, append, scan, splice},
};

/// The patch `body` of the object `known`, with its stamp.
pub(crate) fn patched(
    writing: Writing<'_>,
    patch: Patch,
    body: &Bytes,
    known: &Value,
) -> Result<Stamping, Unstamped> {
    let change: Value = serde_json::from_slice(body).map_err(|_| Unstamped::Body)?;
    let mut result = known.clone();
    let mut is_so = false;
    match patch {
        Patch::Json => {
            let operations: json_patch::Patch =
                serde_json::from_value(change).map_err(|_| Unstamped::Body)?;
            if !is_pinned(&operations, known) {
                return Err(Unstamped::Unknown);
            }
            json_patch::patch(&mut result, &operations).map_err(|_| Unstamped::Unknown)?;
        }
        Patch::Merge => {
            refuse_reset(&change)?;
            is_so = covers(known, &change, Null::Absent);
            json_patch::merge(&mut result, &change);
        }
        Patch::Strategic => {
            refuse_reset(&change)?;
            apply(&mut result, &change).map_err(|_| Unstamped::Body)?;
        }
        Patch::Apply | Patch::Other => return Err(Unstamped::Body),
    }
    let before = Fingerprint::of_value(known).map_err(|_| Unstamped::Unknown)?;
    let mut after = Fingerprint::of_value(&result).map_err(|_| Unstamped::Body)?;
    if is_so {
        after.spec = before.spec;
    }
    // A patch that names another version is refused by the server.
    if after.resource_version != before.resource_version {
        return Err(Unstamped::Unknown);
    }
    let listed = || kind_of(writing.request.group, writing.request.resource);
    let kind = before.kind.as_deref().or_else(listed).ok_or(Unstamped::Unknown)?;
    let name = writing.request.name.as_deref().ok_or(Unstamped::Body)?;
    let target = writing.target(kind, Name::Exact(name.into()), before.uid.as_deref(), WriteKind::Patch);
    let keys = writing.policy.keys();
    match decide(writing.policy, &target, Effect::Change { known: &before, result: &after }) {
        Decision::New { generation, content } => {
            let others = bytes_of_others(&after, keys);
            let annotations = writing.annotations(&target, generation, content, others)?;
            let body = match patch {
                Patch::Json => {
                    let live = result.pointer("/metadata/annotations").and_then(Value::as_object);
                    let present = |key: &str| live.is_some_and(|live| live.contains_key(key));
                    append(body, &edits(keys, &annotations, Edit::Remove), live.is_some(), present)?
                }
                _ => {
                    let mut edits = edits(keys, &annotations, Edit::Null);
                    // What is not there need not be removed.
                    let live = |key: &str| after.context.iter().any(|(live, _)| **live == *key);
                    edits.retain(|(key, edit)| *edit != Edit::Null || live(key));
                    splice(body, &scan(body)?, &edits)?
                }
            };
            Ok(Stamping { body: body.into(), counted: Counted::Injected })
        }
        Decision::Carry => Err(Unstamped::Unchanged),
        Decision::None(reason) => Err(reason),
    }
}

/// Whether the patch holds only for the version that is known. Without that, the operations that write the stamp
/// could fail it, or wipe annotations written in between.
fn is_pinned(operations: &json_patch::Patch, known: &Value) -> bool {
    let version = known.pointer("/metadata/resourceVersion");
    operations.0.iter().any(|operation| {
        let (path, value) = match operation {
            json_patch::PatchOperation::Test(test) => (&test.path, &test.value),
            json_patch::PatchOperation::Replace(replace) => (&replace.path, &replace.value),
            json_patch::PatchOperation::Add(add) => (&add.path, &add.value),
            _ => return false,
        };
        path.as_str() == "/metadata/resourceVersion" && version == Some(value)
    })
}

/// A patch that removes all annotations cannot add any in the same breath.
fn refuse_reset(patch: &Value) -> Result<(), Unstamped> {
    let reset = ["/metadata", "/metadata/annotations"];
    if reset.iter().any(|path| patch.pointer(path).is_some_and(|value| !value.is_object())) {
        return Err(Unstamped::Body);
    }
    Ok(())
}
