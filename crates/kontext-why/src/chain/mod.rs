//! The explanation: a pure function from what was read to the chain of causes.
//!
//! It asks for one fact after the other ([`Want`]) and starts again when it has it; nothing is read here.
//!
//! Rules that keep it from blaming wrongly:
//!
//! - A stamp explains the generation it was written for. An object that has moved on was written by somebody else.
//! - A cause is followed to the write with the same trace id, and only where that write has the same origin as the
//!   stamp that names it; otherwise it was an occasion, and the wish behind the object acted for is followed.
//! - The last stamp of a deleted object explains the object, not its deletion.

mod deletion;
mod find;
mod follow;
mod infer;
mod origin;
mod told;

use std::collections::BTreeSet;

use kontext_core::{Copied, Keys};

use crate::{
    model::{At, Chain, Object, SCHEMA, Step},
    observe::{Facts, Key, Known, Want},
    read::{Reading, View, reading, state},
};
use told::precise_creation;

/// Steps of one chain at most; a longer one is cut, and says so.
pub const MAX_STEPS: usize = 32;

/// Either a result, or the look-up that it needs first.
type Asked<T> = Result<T, Want>;

/// Explains the object with this key from what was read so far.
///
/// # Errors
///
/// The look-up that is missing: add its answer to `facts` and call again.
pub fn explain(root: &Key, facts: &Facts, keys: &Keys) -> Result<Chain, Want> {
    let mut walk =
        Walk { facts, keys, older: false, steps: Vec::new(), notes: Vec::new(), met: BTreeSet::new() };
    let Some(view) = walk.object(root)? else {
        let object = Object { kind: root.kind().into(), name: root.name().into(), ..Object::default() };
        let notes = if walk.notes.is_empty() { vec![format!("{root} was not found")] } else { walk.notes };
        return Ok(chain(object, None, None, Vec::new(), notes));
    };
    let mut created = view.created().map(At::second);
    match reading(&view, keys) {
        Reading::Fresh(read) => {
            created = precise_creation(&read, created);
            walk.follow(read, crate::Certainty::Stamped)?;
        }
        Reading::Stale(read) => {
            created = precise_creation(&read, created);
            walk.overwritten(&view, &read);
            walk.older = true;
            walk.follow(read, crate::Certainty::Stamped)?;
        }
        Reading::Copied(why) => {
            walk.note(format!("a stamp that belongs to another object ({}) is ignored", told_copied(why)));
            walk.infer(view, None)?;
        }
        Reading::Malformed(why) => {
            walk.note(format!("a broken stamp is ignored: {why}"));
            walk.infer(view, None)?;
        }
        Reading::None => {
            if let Some(trace) = view.annotation(&keys.traceparent) {
                match trace.parse::<kontext_core::Traceparent>() {
                    Ok(trace) => walk.note(format!("it bears trace {} without a cause", trace.trace_id)),
                    Err(why) => walk.note(format!("a broken traceparent is ignored: {why}")),
                }
            }
            walk.infer(view, None)?;
        }
    }
    if let Some(asked) = view.deletion_asked() {
        walk.note(format!("its deletion was asked for at {asked}; deletions carry no field manager"));
    }
    Ok(chain(view.object(), created, state(&view), walk.steps, walk.notes))
}

fn chain(
    object: Object,
    created: Option<At>,
    state: Option<String>,
    steps: Vec<Step>,
    notes: Vec<String>,
) -> Chain {
    Chain { api_version: SCHEMA.into(), kind: "Chain".into(), object, created, state, steps, notes }
}

fn told_copied(why: Copied) -> &'static str {
    match why {
        Copied::Kind => "its kind differs",
        Copied::Name => "its name differs",
        Copied::Uid => "its uid differs: an earlier object of that name, or an old stamp that came back",
        Copied::Time => "it is of another time than the creation",
        Copied::Manager => "another field manager than it names put it there",
        _ => "it stands on something else",
    }
}

/// The way back along the chain, so far.
struct Walk<'a> {
    facts: &'a Facts,
    keys: &'a Keys,
    /// What is told now explains an earlier state.
    older: bool,
    steps: Vec<Step>,
    notes: Vec<String>,
    /// Writes already told, by object and trace, and objects already inferred.
    met: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    /// A live object, if it is there and may be read.
    fn object(&mut self, key: &Key) -> Asked<Option<View<'a>>> {
        let facts = self.facts;
        match facts.object_entry(key)? {
            (key, Known::Is(value)) => Ok(Some(View::new(value, key))),
            (_, Known::Absent) => Ok(None),
            (key, Known::Refused(why)) => {
                self.note(format!("{key} was not read: {why}"));
                Ok(None)
            }
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Whether there is room for another step; says so once where there is none.
    fn has_room(&mut self) -> bool {
        let room = self.steps.len() < MAX_STEPS;
        if !room {
            self.note(format!("the chain is cut after {MAX_STEPS} steps"));
        }
        room
    }

    fn push(&mut self, mut step: Step) -> usize {
        step.older = self.older;
        self.steps.push(step);
        self.steps.len() - 1
    }
}

#[cfg(test)]
mod tests;
