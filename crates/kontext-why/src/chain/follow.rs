//! From stamp to stamp.

use kontext_core::{EventKind, Origin, StampCause, Verb, Who};

use super::{Asked, Walk, find::Found};
use crate::{
    model::{Certainty, Object},
    read::Read,
};

/// Where the chain goes on from an action.
enum Below {
    /// At another stamp.
    Stamp(Box<Read>, Certainty),
    /// Nowhere: what there was is told.
    End,
}

impl Walk<'_> {
    /// Tells the action of this stamp and all that lies behind it.
    pub(super) fn follow(&mut self, read: Read, certainty: Certainty) -> Asked<()> {
        let object = Object {
            uid: read.uid.clone(),
            generation: read.stamp.generation,
            ..Object::of_key(&read.about)
        };
        let mut next = Some((read, certainty, object));
        while let Some((read, certainty, object)) = next.take() {
            if !self.has_room() {
                break;
            }
            self.met.insert(identity(&read));
            let at = self.push_action(&read, certainty, object);
            if let Below::Stamp(below, certainty) = self.below(&read, at)? {
                let object = Object { uid: below.uid.clone(), ..Object::of_key(&below.about) };
                next = Some((*below, certainty, object));
            }
        }
        Ok(())
    }

    fn below(&mut self, read: &Read, at: usize) -> Asked<Below> {
        let stamp = &read.stamp;
        let namespace = read.about.namespace();
        let Some(cause) = stamp.causes.first() else {
            if stamp.more_causes > 0 {
                let (count, verb) =
                    (stamp.more_causes, if stamp.more_causes == 1 { "cause" } else { "causes" });
                self.steps[at].notes.push(format!("{count} {verb} had no room in the stamp"));
            }
            return self.by_intent(read, stamp.hops);
        };
        let is_origin = stamp.origin.as_ref().is_none_or(|origin| began_with(origin, cause, namespace));
        match cause.event {
            EventKind::Deleted if is_origin => {
                self.mark_followed(at);
                match self.deletion(read, cause)? {
                    Some(deleter) if self.is_new(&deleter) => {
                        Ok(Below::Stamp(Box::new(deleter), Certainty::Inferred))
                    }
                    _ => Ok(Below::End),
                }
            }
            EventKind::Created | EventKind::Modified if cause.trace_id.is_some() => {
                match self.find_write(read, cause)? {
                    Some(Found { read: below, exact }) => {
                        if !agree(stamp.origin.as_ref(), &below) {
                            // It was only the occasion: the stamp says that the chain began elsewhere.
                            return self.by_intent(read, stamp.hops);
                        }
                        if !self.is_new(&below) {
                            self.note(format!(
                                "the chain comes back to {} of {}: two controllers may be answering each other",
                                below.stamp.action, below.about
                            ));
                            return self.end(read, None, 0);
                        }
                        self.mark_followed(at);
                        let (below, certainty) = match exact {
                            true => (below, Certainty::Stamped),
                            false => (renamed(below, cause), Certainty::Claimed),
                        };
                        Ok(Below::Stamp(Box::new(below), certainty))
                    }
                    None => {
                        self.mark_followed(at);
                        if self.has_room() {
                            self.push_claimed(cause, namespace);
                        }
                        self.end(read, None, stamp.hops.saturating_sub(1))
                    }
                }
            }
            EventKind::Created | EventKind::Modified if is_origin => {
                self.mark_followed(at);
                self.end(read, Some(cause), 0)
            }
            EventKind::Resync if is_origin => {
                self.mark_followed(at);
                self.end(read, Some(cause), 0)
            }
            // Only the occasion: time came, a try before failed, a pod became ready.
            _ => self.by_intent(read, stamp.hops),
        }
    }

    /// Goes on at the standing wish: the write that gave the object acted for the generation that the stamp names.
    fn by_intent(&mut self, read: &Read, unknown: u16) -> Asked<Below> {
        match self.wish(read)? {
            Some(wish) if self.is_new(&wish) => Ok(Below::Stamp(Box::new(wish), Certainty::Verified)),
            _ => self.end(read, None, unknown),
        }
    }

    fn wish(&mut self, read: &Read) -> Asked<Option<Read>> {
        let Some(wish) = self.stamp_of_subject(read)? else { return Ok(None) };
        let same_generation =
            wish.stamp.generation.is_some() && wish.stamp.generation == read.stamp.subject.generation;
        let holds =
            same_generation && wish.stamp.time <= read.stamp.time && agree(read.stamp.origin.as_ref(), &wish);
        Ok(holds.then_some(wish))
    }

    /// Ends the chain at the origin that the stamp names; `cause` is that origin where it was seen directly.
    fn end(&mut self, read: &Read, cause: Option<&StampCause>, unknown: u16) -> Asked<Below> {
        let namespace = read.about.namespace();
        let origin = read.stamp.origin.clone().or_else(|| cause.map(|cause| seen(cause, namespace)));
        match origin {
            Some(origin) => self.origin(read, &origin, cause, unknown)?,
            None => self.note("the stamp does not tell where the chain began".into()),
        }
        Ok(Below::End)
    }

    fn is_new(&self, read: &Read) -> bool {
        !self.met.contains(&identity(read))
    }
}

/// One write, told from every other: by its object and its trace, or its time where the trace is missing.
fn identity(read: &Read) -> String {
    let object = read.uid.clone().unwrap_or_else(|| format!("{:?}", read.about));
    match read.trace {
        Some(trace) => format!("{object} {} {}", trace.trace_id, read.stamp.action),
        None => format!("{object} {} {}", read.stamp.time, read.stamp.action),
    }
}

/// The stamp of another action of the same reconcile: causes and origin are the reconcile's, the reason is not.
fn renamed(mut read: Read, cause: &StampCause) -> Read {
    if let Some(action) = &cause.action {
        read.stamp.action = action.clone();
        read.stamp.reason = "".into();
    }
    read
}

/// Whether the chain of a stamp with this origin began with this very cause.
fn began_with(origin: &Origin, cause: &StampCause, namespace: Option<&str>) -> bool {
    let seen = seen(cause, namespace);
    let same_namespace =
        origin.object.namespace.is_none() || origin.object.namespace == seen.object.namespace;
    let same_writer = match (&origin.who, &seen.who) {
        (Who::Manager(origin), Who::Manager(seen)) => origin == seen,
        (Who::Controller(_), _) => false,
        _ => true,
    };
    origin.object.kind == seen.object.kind
        && origin.object.name == seen.object.name
        && origin.verb == seen.verb
        && same_namespace
        && same_writer
}

/// The origin that a cause without a stamp behind it is.
fn seen(cause: &StampCause, namespace: Option<&str>) -> Origin {
    let object = super::told::cause_object(cause, namespace);
    Origin {
        who: cause.manager.clone().map_or(Who::Unknown, Who::Manager),
        verb: match cause.event {
            EventKind::Created => Verb::Created,
            EventKind::Deleted => Verb::Deleted,
            EventKind::Resync => Verb::Found,
            _ => Verb::Changed,
        },
        object: kontext_core::ObjectRef::new(object.kind, object.namespace.as_deref(), &object.name),
        time: Some(cause.seen),
        change: cause.changes.first().cloned(),
    }
}

/// Whether the write that `below` explains is on the way from `origin`.
fn agree(origin: Option<&Origin>, below: &Read) -> bool {
    let Some(origin) = origin else { return true };
    let own = Origin::action(&below.stamp);
    let began = below.stamp.origin.as_ref();
    let same = |other: &Origin| {
        let same_generation = match (origin.object.generation, other.object.generation) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        origin.who == other.who
            && origin.verb == other.verb
            && origin.object.kind == other.object.kind
            && origin.object.name == other.object.name
            && same_generation
    };
    // An origin that had no room in the stamp below contradicts nothing.
    began.is_none_or(same) || same(&own)
}
