//! Where a chain of causes began.

use std::fmt;

use jiff::Timestamp;

use crate::{object::ObjectRef, stamp::Stamp};

/// Who wrote, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// The user that the API server authenticated; only a webhook or the audit log knows it.
    User(Box<str>),
    /// The field manager: what the client said of itself.
    Manager(Box<str>),
    /// A controller that acted on its own account, for instance because a time came.
    Controller(Box<str>),
    /// Nobody knows: deletions, for instance, leave no field manager.
    Unknown,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Manager(name) => write!(f, "field manager {name}"),
            Self::Controller(name) => write!(f, "controller {name}"),
            Self::Unknown => f.write_str("somebody"),
        }
    }
}

/// What was done at the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// An object was created.
    Created,
    /// An object was changed.
    Changed,
    /// An object was deleted.
    Deleted,
    /// An object was found in a state that nobody saw come about.
    Found,
}

impl Verb {
    /// The word on the wire and in sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Found => "found",
        }
    }

    /// The verb of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Created, Self::Changed, Self::Deleted, Self::Found]
            .into_iter()
            .find(|verb| verb.as_str() == text)
    }
}

/// The origin of a chain: the first write that anybody knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// By whom.
    pub who: Who,
    /// What was done.
    pub verb: Verb,
    /// To which object, with the generation that it had after.
    pub object: ObjectRef,
    /// When the first controller saw it.
    pub time: Option<Timestamp>,
    /// The first changed field.
    pub change: Option<Box<str>>,
}

impl Origin {
    /// A controller's own action as origin, for chains that nobody else began.
    pub fn action(stamp: &Stamp) -> Self {
        Self {
            who: Who::Controller(stamp.controller.clone()),
            verb: Verb::Changed,
            object: stamp.subject.clone(),
            time: Some(stamp.time),
            change: None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.who, self.verb.as_str(), self.object)?;
        if let Some(generation) = self.object.generation {
            write!(f, ", generation {generation}")?;
        }
        match &self.change {
            Some(change) => write!(f, " ({change})"),
            None => Ok(()),
        }
    }
}
