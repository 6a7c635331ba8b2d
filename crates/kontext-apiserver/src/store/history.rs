//! What happened to the objects of one kind, newest last, bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Key, Stored};

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One write: the object after it (for a delete, its last state) and before it.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    pub(crate) key: Key,
    pub(crate) object: Arc<Stored>,
    pub(crate) previous: Option<Arc<Stored>>,
}

impl Change {
    pub(crate) fn revision(&self) -> u64 {
        self.object.revision()
    }
}

/// The history does not reach back to the version asked for.
#[derive(Debug)]
pub(crate) struct Expired {
    /// Up to which version changes are forgotten.
    pub(crate) compacted: u64,
}

/// Changes in the order of their versions.
#[derive(Default)]
pub(super) struct History {
    changes: VecDeque<Arc<Change>>,
    compacted: u64,
}

impl History {
    pub(super) fn push(&mut self, change: Change, limit: usize) {
        self.changes.push_back(Arc::new(change));
        while self.changes.len() > limit {
            if let Some(oldest) = self.changes.pop_front() {
                self.compacted = oldest.revision();
            }
        }
    }

    pub(super) fn compact(&mut self, revision: u64) {
        self.changes.clear();
        self.compacted = revision;
    }

    pub(super) fn after(&self, cursor: u64, limit: usize) -> Result<Vec<Arc<Change>>, Expired> {
        if cursor < self.compacted {
            return Err(Expired { compacted: self.compacted });
        }
        let first = self.changes.partition_point(|change| change.revision() <= cursor);
        Ok(self.changes.iter().skip(first).take(limit).cloned().collect())
    }

    /// The version before the latest so many changes, or before all that are remembered; `None` where that is now.
    pub(super) fn revision_before(&self, changes: u64) -> Option<u64> {
        let changes = usize::try_from(changes).unwrap_or(usize::MAX);
        let first = self.changes.len().saturating_sub(changes);
        self.changes.get(first).map(|change| change.revision() - 1)
    }

    /// What the keys changed since `revision` held at that time.
    pub(super) fn undo_to(&self, revision: u64) -> Result<BTreeMap<Key, Option<Arc<Stored>>>, Expired> {
        if revision < self.compacted {
            return Err(Expired { compacted: self.compacted });
        }
        let newer = self.changes.iter().rev().take_while(|change| change.revision() > revision);
        Ok(newer.map(|change| (change.key.clone(), change.previous.clone())).collect())
    }
}
