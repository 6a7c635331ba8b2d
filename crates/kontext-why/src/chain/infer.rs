//! Where there is no stamp: owner references, managed fields and times. All of it is marked as inferred.

use jiff::Timestamp;
use kontext_core::Verb;

use super::{Asked, Walk};
use crate::{
    model::{At, Certainty, Deed, GenerationStep, Object, Source, Step, WhoTold, WriteTold},
    read::{Entry, Read, View, entries, is_after, reading},
};

/// The latest wish in managed fields, at or before a time.
struct LastWrite<'a> {
    entry: Option<Entry<'a>>,
    verb: Verb,
    time: Option<Timestamp>,
}

impl<'a> Walk<'a> {
    /// Tells the write that nobody stamped, which made an older stamp stale.
    pub(super) fn overwritten(&mut self, view: &View<'_>, read: &Read) {
        let stamp = &read.stamp;
        let entries = entries(view.managed_fields());
        let wishes = || entries.iter().filter(|entry| entry.is_intent());
        let others = || wishes().filter(|entry| Some(entry.manager) != stamp.manager.as_deref());
        let later =
            |entry: &&Entry<'_>| entry.time.is_some_and(|time| time.as_second() >= stamp.time.as_second());
        // Entries of /scale bear no time.
        let writer = others()
            .filter(later)
            .max_by_key(|entry| (entry.owns_spec(), entry.time))
            .or_else(|| others().find(|entry| entry.time.is_none() && entry.subresource.is_some()))
            .or_else(|| {
                wishes()
                    .filter(|e| e.time.is_some_and(|time| is_after(time, stamp.time)))
                    .max_by_key(|e| e.time)
            });
        let mut notes = vec!["this write left no stamp".into()];
        if writer.is_none() {
            notes.push("managedFields does not tell whose it was".into());
        }
        let generation = view.generation().map(|to| GenerationStep { from: stamp.generation, to });
        self.push_write(
            view,
            writer.copied(),
            Verb::Changed,
            writer.and_then(|entry| entry.time),
            notes,
            |write| {
                write.generation = generation;
                write.unattributed = true;
            },
        );
    }

    /// Tells how an object came to be as it was at `at`, or as it is.
    pub(super) fn infer(&mut self, mut view: View<'a>, mut at: Option<Timestamp>) -> Asked<()> {
        loop {
            let object = view.uid().map_or_else(|| format!("{:?}", view.key()), Into::into);
            if !self.has_room() || !self.met.insert(format!("inferred {object}")) {
                return Ok(());
            }
            let last = last_write(&view, at);
            let owner = view.controller_owner();
            let told_owner = owner.as_ref().map(|(key, uid)| Object {
                uid: Some(kontext_core::text::harmless(uid).into_owned()),
                ..Object::of_key(key)
            });
            let creator = creator(&view);
            let mut before = last.time.or(at);
            if last.verb == Verb::Changed && last.entry.is_none() {
                self.note(format!(
                    "who changed {} before is not known: managedFields keeps one time of each manager, the last",
                    view.key()
                ));
            } else {
                let by_creator = last.verb == Verb::Created
                    || last.entry.zip(creator).is_some_and(|(last, creator)| last.manager == creator.manager);
                self.push_last(&view, &last, told_owner.clone().filter(|_| by_creator), at.is_some());
                // What somebody else changed later does not say why the object is there.
                let creation_too = if owner.is_some() { !by_creator } else { at.is_none() };
                if last.verb != Verb::Created && creation_too {
                    self.push_write(&view, creator, Verb::Created, view.created(), Vec::new(), |write| {
                        write.owner = told_owner;
                    });
                    before = view.created();
                }
            }
            let Some((key, uid)) = owner else { return Ok(()) };
            let Some(live) = self.object(&key)?.filter(|live| live.uid() == Some(uid)) else {
                self.note(format!("its owner {key} is gone or may not be read"));
                return Ok(());
            };
            if let Some(read) = reading(&live, self.keys).own().filter(|read| explains(read, &live, before)) {
                return self.follow(read, Certainty::Inferred);
            }
            (view, at) = (live, before.or_else(|| view.created()));
        }
    }

    fn push_last(&mut self, view: &View<'_>, last: &LastWrite<'_>, owner: Option<Object>, is_owner: bool) {
        // Of an object behind the one asked about, the generation at that time is not known.
        let generation = view.generation().filter(|_| last.verb == Verb::Changed && !is_owner);
        self.push_write(view, last.entry, last.verb, last.time, Vec::new(), |write| {
            write.owner = owner;
            write.generation = generation.map(|to| GenerationStep { from: None, to });
        });
    }

    fn push_write(
        &mut self,
        view: &View<'_>,
        entry: Option<Entry<'_>>,
        verb: Verb,
        time: Option<Timestamp>,
        notes: Vec<String>,
        more: impl FnOnce(&mut WriteTold),
    ) {
        if !self.has_room() {
            return;
        }
        // A creator owns everything that it wrote: that tells nothing.
        let (owns, owns_more) = match (entry, verb) {
            (Some(entry), Verb::Changed) => entry.owned(),
            _ => (Vec::new(), 0),
        };
        let who = entry.map_or(WhoTold::Unknown, |entry| {
            WhoTold::FieldManager(kontext_core::text::harmless(entry.manager).into_owned())
        });
        let mut write = WriteTold {
            who,
            verb: verb.as_str().into(),
            generation: None,
            changes: Vec::new(),
            owns,
            owns_more,
            owner: None,
            unattributed: false,
        };
        more(&mut write);
        self.push(Step {
            certainty: Certainty::Inferred,
            source: Source::Metadata,
            older: false,
            object: view.object(),
            at: time.map(At::second),
            trace_id: None,
            traceparent: None,
            deed: Deed::Write(write),
            notes,
        });
    }
}

/// The manager that created the object: the one that owns most of those that wrote in the second of the creation.
fn creator<'a>(view: &View<'a>) -> Option<Entry<'a>> {
    let created = view.created()?;
    let at_creation = |entry: &Entry<'_>| entry.time.is_some_and(|time| !is_after(time, created));
    entries(view.managed_fields())
        .into_iter()
        .filter(|entry| entry.is_intent() && at_creation(entry))
        .max_by_key(Entry::size)
}

fn last_write<'a>(view: &View<'a>, at: Option<Timestamp>) -> LastWrite<'a> {
    let in_time = |time: Timestamp| at.is_none_or(|at| time.as_second() <= at.as_second());
    let creator = creator(view);
    let is_creators = |entry: &Entry<'_>| {
        creator.is_some_and(|creator| {
            (creator.manager, creator.subresource) == (entry.manager, entry.subresource)
        })
    };
    let entry = entries(view.managed_fields())
        .into_iter()
        .filter(|entry| entry.is_intent() && entry.time.is_some_and(in_time))
        // Times are whole seconds: of two in one second, the creator was first.
        .max_by_key(|entry| (entry.owns_spec(), entry.time, !is_creators(entry)));
    let is_creation = match (entry.and_then(|entry| entry.time), view.created()) {
        (Some(time), Some(created)) => {
            let only_created = view.generation() == Some(1) || entry.as_ref().is_some_and(is_creators);
            !is_after(time, created) && only_created
        }
        // Nothing left of that time. If the object had only been created by then, that is what happened.
        (None, Some(created)) => at.is_none_or(|at| !is_after(at, created)),
        _ => false,
    };
    if is_creation {
        return LastWrite { entry: creator, verb: Verb::Created, time: view.created() };
    }
    LastWrite { entry, verb: Verb::Changed, time: entry.and_then(|entry| entry.time) }
}

/// Whether a stamp may be the reason for something that happened at `at`: it is not later, and nobody wrote in between.
fn explains(read: &Read, view: &View<'_>, at: Option<Timestamp>) -> bool {
    let Some(at) = at else { return false };
    let between = entries(view.managed_fields()).iter().any(|entry| {
        entry.is_intent()
            && Some(entry.manager) != read.stamp.manager.as_deref()
            && entry.time.is_some_and(|time| is_after(time, read.stamp.time) && time <= at)
    });
    read.stamp.time.as_second() <= at.as_second() && !between
}
