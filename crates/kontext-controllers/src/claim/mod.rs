//! Claiming: which children are the owner's, which it adopts, which it lets go.
//!
//! Candidates are the owner's own children (by the controller owner's UID) and the namespace's orphans. The decision per
//! candidate is pure. The shell carries it out: at most once per sync, and only if something is to be adopted, it reads
//! the owner live and asks [`may_adopt`]; a failed adoption or release does not stop the others, but fails the sync
//! before replicas are managed.

mod patch;

use jiff::Timestamp;
use thiserror::Error;

pub use patch::{adoption_patch, release_patch};

use crate::model::{Meta, Selector, Text};

/// What is to happen with a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Not the owner's business.
    Ignore,
    /// It is the owner's and stays so.
    Keep,
    /// An orphan that the selector matches: set the owner reference, after [`may_adopt`].
    Adopt(&'static str),
    /// The owner's child that the selector no longer matches: remove the owner reference.
    Release(&'static str),
}

/// Decides about one candidate (Kubernetes 1.36, controller ref manager).
///
/// An empty selector matches everything here; the API does not let a ReplicaSet or Deployment have one.
#[must_use]
pub fn claim(owner: &Meta, selector: &Selector, child: &Meta) -> Claim {
    let matches = || selector.matches(&child.labels);
    match &child.controller {
        Some(controller) if controller.uid != owner.uid => Claim::Ignore,
        Some(_) if matches() => Claim::Keep,
        Some(_) if owner.is_deleting() => Claim::Ignore,
        Some(_) => Claim::Release("its labels no longer match the selector"),
        None if owner.is_deleting() || child.is_deleting() || child.namespace != owner.namespace => {
            Claim::Ignore
        }
        None if matches() => Claim::Adopt("it has no controller and its labels match the selector"),
        None => Claim::Ignore,
    }
}

/// Why nothing may be adopted in this sync.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AdoptionError {
    /// The cached owner is not the live one any more.
    #[error("original {kind} {namespace}/{name} is gone: got uid {live}, wanted {cached}")]
    Gone {
        /// Kind of the owner.
        kind: &'static str,
        /// Namespace of the owner.
        namespace: Text,
        /// Name of the owner.
        name: Text,
        /// UID now.
        live: Text,
        /// UID in the cache.
        cached: Text,
    },
    /// The owner is being deleted.
    #[error("{namespace}/{name} has just been deleted at {at}")]
    Deleted {
        /// Namespace of the owner.
        namespace: Text,
        /// Name of the owner.
        name: Text,
        /// When its deletion was asked for.
        at: Timestamp,
    },
}

/// The adoption guard: `live` is the owner as read from the API server just now. A cache may not know yet that the owner
/// was deleted; a child adopted then would be garbage collected.
pub fn may_adopt(kind: &'static str, cached: &Meta, live: &Meta) -> Result<(), AdoptionError> {
    let (namespace, name) = (Text::clone(&cached.namespace), Text::clone(&cached.name));
    if live.uid != cached.uid {
        let (live, cached) = (Text::clone(&live.uid), Text::clone(&cached.uid));
        return Err(AdoptionError::Gone { kind, namespace, name, live, cached });
    }
    match live.deleted {
        Some(at) => Err(AdoptionError::Deleted { namespace, name, at }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
