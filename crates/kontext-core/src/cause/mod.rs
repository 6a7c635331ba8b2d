//! Causes: what was observed that led to a reconcile, and all of them together.

mod observe;
mod set;

use std::{fmt, sync::Arc};

use jiff::Timestamp;

pub use observe::{Observation, Observer};
pub use set::{CauseSet, MAX_KEPT};

use crate::{
    change::Changes,
    object::ObjectRef,
    origin::{Origin, Verb, Who},
    stamp::Stamped,
    trace::Traceparent,
    writer::Writer,
};

/// What kind of event a cause was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// The object was created.
    Created,
    /// The object was changed.
    Modified,
    /// The object was deleted, or began to be.
    Deleted,
    /// The object was found in a state not yet acted on when watching began; nobody saw the write.
    Resync,
    /// The controller asked for another look without a certain time.
    Requeue,
    /// The reconcile before failed.
    Retry,
    /// A time came that the controller had asked for.
    Timer,
}

impl EventKind {
    const NAMES: [(Self, &'static str); 7] = [
        (Self::Created, "created"),
        (Self::Modified, "modified"),
        (Self::Deleted, "deleted"),
        (Self::Resync, "resync"),
        (Self::Requeue, "requeue"),
        (Self::Retry, "retry"),
        (Self::Timer, "timer"),
    ];

    /// The word on the wire and in logs.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of the write behind an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Attribution {
    /// The write left this stamp, and the stamp explains it.
    Stamped(Arc<Stamped>),
    /// The writer left no stamp; the field manager as far as `managedFields` tells.
    Unattributed(Option<Writer>),
    /// The object is gone; this is the last stamp it was known to bear. It explains the object, not its deletion.
    LastKnown(Arc<Stamped>),
    /// No write: a timer, a retry, a requeue.
    NoWrite,
}

/// One observed reason for a reconcile.
#[derive(Clone, Debug)]
pub struct Cause {
    /// What happened.
    pub event: EventKind,
    /// To which object.
    pub object: Arc<ObjectRef>,
    /// By which write.
    pub attribution: Attribution,
    /// What the write changed, where the previous object was known.
    pub changes: Changes,
    /// When it was seen.
    pub seen: Timestamp,
    /// How likely this cause, not another of the same reconcile, is why the controller acted.
    pub weight: Weight,
}

/// How much a cause says about why a controller acts; of several, the heaviest gives the origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// A consequence of what the controller itself did, or mere progress (a pod became ready).
    #[default]
    Progress,
    /// The state was found so, nobody saw it happen.
    Found,
    /// Somebody else changed what the controller keeps: a pod was deleted, failed, or lost its labels.
    Disturbance,
    /// The wish itself changed: the spec of the object that is reconciled.
    Intent,
}

impl Cause {
    /// The span of the write that is behind this event, for a link.
    pub fn traceparent(&self) -> Option<Traceparent> {
        self.stamped().map(|stamped| stamped.traceparent)
    }

    /// The stamp of the write, or the last one known of a deleted object.
    pub fn stamped(&self) -> Option<&Arc<Stamped>> {
        match &self.attribution {
            Attribution::Stamped(stamped) | Attribution::LastKnown(stamped) => Some(stamped),
            Attribution::Unattributed(_) | Attribution::NoWrite => None,
        }
    }

    /// Where the chain through this cause began: the origin its stamp names, or this event itself where the
    /// writer was not instrumented. `None` for timers and retries, which began nothing.
    pub fn origin(&self) -> Option<Origin> {
        let verb = match self.event {
            EventKind::Created => Verb::Created,
            EventKind::Modified => Verb::Changed,
            EventKind::Deleted => Verb::Deleted,
            EventKind::Resync => Verb::Found,
            EventKind::Requeue | EventKind::Retry | EventKind::Timer => return None,
        };
        let who = match &self.attribution {
            Attribution::Stamped(stamped) => {
                return Some(stamped.stamp.origin.clone().unwrap_or_else(|| Origin::action(&stamped.stamp)));
            }
            Attribution::Unattributed(Some(writer)) => Who::Manager(writer.manager.clone()),
            Attribution::Unattributed(None) | Attribution::LastKnown(_) | Attribution::NoWrite => {
                Who::Unknown
            }
        };
        Some(Origin {
            who,
            verb,
            object: ObjectRef::clone(&self.object),
            time: Some(self.seen),
            change: self.changes.shown.first().map(|change| change.to_string().into()),
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.event)?;
        match &self.attribution {
            Attribution::Stamped(stamped) => {
                write!(f, " by {} {}", stamped.stamp.controller, stamped.stamp.action)?;
            }
            Attribution::Unattributed(Some(writer)) => write!(f, " by field manager {}", writer.manager)?,
            Attribution::Unattributed(None) => f.write_str(" by an unknown writer")?,
            Attribution::LastKnown(_) | Attribution::NoWrite => {}
        }
        for (index, change) in self.changes.shown.iter().enumerate() {
            write!(f, "{} {change}", if index == 0 { ":" } else { "," })?;
        }
        if self.changes.more > 0 {
            write!(f, " and {} more", self.changes.more)?;
        }
        Ok(())
    }
}
