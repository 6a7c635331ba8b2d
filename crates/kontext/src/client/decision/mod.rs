//! The stamp decision: a new stamp, the live one, or none. Pure.

mod covers;
mod strategic;

use kontext_core::{Fingerprint, GenerationRule, Keys, Policy, Stamp, Target, Unstamped};

pub(crate) use covers::{Null, covers};
#[cfg(test)]
use strategic::NotUnderstood;
pub(crate) use strategic::apply;

/// What to do with one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// New content gets a new stamp.
    New {
        /// The generation that the object gets by this write; `None` for kinds without.
        generation: Option<i64>,
        /// The hash of what it gets, for kinds without generation.
        content: Option<u64>,
    },
    /// Unchanged content keeps the stamp it has, so that a no-op stays a no-op.
    Carry,
    /// No stamp, and the write goes as it came.
    None(Unstamped),
}

/// What a write does, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub enum Effect<'a> {
    /// It makes a new object of this content.
    Create {
        /// Asked only for kinds without generation.
        content: Option<u64>,
    },
    /// It makes the first into the second.
    Change {
        /// The object as it was read.
        known: &'a Fingerprint,
        /// The object as this write wants it.
        result: &'a Fingerprint,
    },
}

/// Decides what a write does to the stamp.
pub fn decide(policy: &Policy, target: &Target<'_>, effect: Effect<'_>) -> Decision {
    if let Err(reason) = policy.may_stamp(target) {
        return Decision::None(reason);
    }
    let rule = GenerationRule::of(target.group, target.kind);
    match effect {
        Effect::Create { content } if rule == GenerationRule::None => {
            Decision::New { generation: None, content }
        }
        Effect::Create { .. } => Decision::New { generation: Some(1), content: None },
        Effect::Change { known, result } if is_another(known, result) => Decision::None(Unstamped::Unknown),
        Effect::Change { known, result } if is_same(known, result, policy.keys()) => Decision::Carry,
        Effect::Change { known, result } => match (rule, known.generation) {
            (GenerationRule::None, _) | (_, None) => {
                Decision::New { generation: None, content: Some(result.content()) }
            }
            (_, Some(generation)) => {
                let counts = known.spec != result.spec
                    // The new stamp itself is an annotation that changes.
                    || rule == GenerationRule::SpecAndAnnotations
                    || (rule == GenerationRule::SpecAndLabels && known.labels != result.labels);
                if !counts && (only_annotations_differ(known, result) || is_stale(known, policy.keys())) {
                    return Decision::Carry;
                }
                Decision::New { generation: Some(generation + i64::from(counts)), content: None }
            }
        },
    }
}

/// Bookkeeping beside an unchanged spec: the stamp that explains the spec says more than one that explains this.
fn only_annotations_differ(known: &Fingerprint, result: &Fingerprint) -> bool {
    (known.spec, known.labels, known.metadata) == (result.spec, result.labels, result.metadata)
}

/// Whether the live stamp is older than the spec: somebody wrote it since without one. A new stamp of a write that
/// leaves the spec alone would stand at this generation, and pass for the reason of what somebody else wrote.
fn is_stale(known: &Fingerprint, keys: &Keys) -> bool {
    let live = known.context.iter().find(|(key, _)| *key == keys.cause);
    let stamp = live.and_then(|(_, text)| Stamp::decode(text).ok());
    stamp.is_some_and(|stamp| stamp.generation.is_some() && stamp.generation != known.generation)
}

/// Deleted and created again in between.
fn is_another(known: &Fingerprint, result: &Fingerprint) -> bool {
    known.uid.is_some() && result.uid.is_some() && known.uid != result.uid
}

/// Whether nothing changes but, possibly, our own annotations. Context that others put there is theirs: content.
fn is_same(known: &Fingerprint, result: &Fingerprint, keys: &Keys) -> bool {
    let foreign = |fingerprint: &'_ Fingerprint| -> Vec<(Box<str>, Box<str>)> {
        fingerprint.context.iter().filter(|(key, _)| !keys.contains(key)).cloned().collect()
    };
    known.same_content(result) && foreign(known) == foreign(result)
}

#[cfg(test)]
mod tests;
