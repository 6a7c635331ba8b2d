//! The end of a chain: where it began, compared with the live object where that is still possible.

use std::collections::BTreeSet;

use kontext_core::{Origin, StampCause, Verb, Who, text::harmless};

use super::{Asked, Walk};
use crate::{
    model::{At, Certainty, Deed, GenerationStep, Object, Source, Step, WhoTold, WriteTold},
    observe::Key,
    read::{Entry, Read, View, WRITE_TAKES, entries, is_after},
};

impl Walk<'_> {
    /// Tells the origin that a stamp names. `unknown` stamped actions lie between it and the step above.
    pub(super) fn origin(
        &mut self,
        read: &Read,
        origin: &Origin,
        cause: Option<&StampCause>,
        unknown: u16,
    ) -> Asked<()> {
        if !self.has_room() {
            return Ok(());
        }
        let namespace = read.about.namespace();
        let object = Object::told(&origin.object, namespace);
        let mut notes = Vec::new();
        if unknown > 0 {
            let steps = if unknown == 1 {
                "1 step between is".into()
            } else {
                format!("{unknown} steps between are")
            };
            notes.push(format!("{steps} not known"));
        }
        let namespace = origin.object.namespace.as_deref().or(namespace);
        let key = Key::new("", &origin.object.kind, namespace, &origin.object.name);
        let live = match &key {
            Some(key) => self.object(key)?,
            None => None,
        };
        let certainty = match (&live, origin.verb) {
            (None, Verb::Deleted) => Certainty::Verified,
            (None, _) => Certainty::Claimed,
            (Some(view), _) => compare(view, origin, &mut notes),
        };
        let changes = match cause {
            Some(cause) if !cause.changes.is_empty() => cause.changes.as_slice(),
            _ => origin.change.as_slice(),
        };
        let whole = |change: &str| match (&live, certainty) {
            (Some(view), Certainty::Verified) => restored(change, view, origin),
            _ => change.into(),
        };
        let changes: Vec<String> =
            changes.iter().map(|change| harmless(&whole(change)).into_owned()).collect();
        let write = WriteTold {
            who: WhoTold::from(&origin.who),
            verb: origin.verb.as_str().into(),
            generation: generation(origin, &changes),
            changes,
            owns: Vec::new(),
            owns_more: 0,
            owner: None,
            unattributed: false,
        };
        self.push(Step {
            certainty,
            source: Source::LaterStamp,
            older: false,
            object,
            at: origin.time.map(At::millisecond),
            trace_id: None,
            traceparent: None,
            deed: Deed::Write(write),
            notes,
        });
        Ok(())
    }
}

/// What the write did to the generation: a change that counts raises it by one.
fn generation(origin: &Origin, changes: &[String]) -> Option<GenerationStep> {
    let to = origin.object.generation?;
    let counts = !changes.iter().any(|change| change.starts_with("metadata") || change.starts_with("status"));
    let from = (origin.verb == Verb::Changed && counts && to > 1).then(|| to - 1);
    Some(GenerationStep { from, to })
}

/// A change whose path had no room in the stamp, with the whole path where the writer owns only one that ends so.
fn restored(change: &str, view: &View<'_>, origin: &Origin) -> String {
    let Who::Manager(manager) = &origin.who else { return change.into() };
    let Some(rest) = change.strip_prefix('…') else { return change.into() };
    let (tail, values) = rest.split_at(rest.find(": ").unwrap_or(rest.len()));
    let entries = entries(view.managed_fields());
    let own = entries.iter().filter(|entry| *entry.manager == **manager);
    let paths: BTreeSet<String> = own.flat_map(Entry::paths).filter(|path| path.ends_with(tail)).collect();
    match (paths.len(), paths.first()) {
        (1, Some(path)) if !tail.is_empty() => format!("{path}{values}"),
        _ => change.into(),
    }
}

/// Whether the live object agrees with the origin; says in `notes` how it has moved on.
fn compare(view: &View<'_>, origin: &Origin, notes: &mut Vec<String>) -> Certainty {
    let recreated =
        origin.time.is_some_and(|time| view.created().is_some_and(|created| is_after(created, time)));
    if recreated {
        notes.push(format!("that {} is gone; another one bears its name", origin.object.kind));
        return if origin.verb == Verb::Deleted { Certainty::Verified } else { Certainty::Claimed };
    }
    if let (Some(then), Some(now)) = (origin.object.generation, view.generation()) {
        // Asking for the deletion raises the generation too, and is no change of the wish.
        let now = now - i64::from(view.is_deleting());
        if now != then {
            notes.push(format!("it has changed since, to generation {now}"));
            return Certainty::Claimed;
        }
    }
    let Who::Manager(manager) = &origin.who else { return Certainty::Claimed };
    let entries = entries(view.managed_fields());
    let mut own = entries.iter().filter(|entry| entry.is_intent() && *entry.manager == **manager);
    let agrees = own.any(|entry| match (entry.time, origin.time) {
        // With the generation unchanged, an entry's time can only have moved with an annotation, forward.
        (Some(stored), Some(seen)) => !is_after(stored, seen) || origin.object.generation.is_some(),
        (None, _) => entry.subresource.is_some(),
        (Some(_), None) => true,
    });
    let later_by_others = entries.iter().any(|entry| {
        entry.is_intent()
            && *entry.manager != **manager
            && origin.object.generation.is_none()
            && entry
                .time
                .zip(origin.time)
                .is_some_and(|(stored, seen)| stored.duration_since(seen) > WRITE_TAKES)
    });
    if agrees && !later_by_others { Certainty::Verified } else { Certainty::Claimed }
}
