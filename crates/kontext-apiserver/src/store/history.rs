//! What happened to the objects of one kind, newest last, bounded in number and in bytes.

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

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) changes: usize,
    /// Of the states that the changes made, in bytes. The newest change is kept however large it is.
    pub(super) bytes: usize,
}

/// Changes in the order of their versions.
///
/// Two marks say how far it reaches. Changes up to `forgotten` are gone: whoever has not seen them has missed
/// something. Before `compacted` nobody may start, though nothing may have happened since: that is what compaction
/// means to the real storage. It does not end a watch that has seen everything.
#[derive(Default)]
pub(super) struct History {
    changes: VecDeque<Arc<Change>>,
    bytes: usize,
    forgotten: u64,
    compacted: u64,
}

impl History {
    pub(super) fn push(&mut self, change: Change, limit: Limit) {
        self.bytes += change.object.size();
        self.changes.push_back(Arc::new(change));
        while self.changes.len() > limit.changes.max(1)
            || (self.bytes > limit.bytes && self.changes.len() > 1)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.changes.pop_front() {
            self.bytes -= oldest.object.size();
            self.forgotten = oldest.revision();
        }
    }

    pub(super) fn compact(&mut self, revision: u64) {
        while !self.changes.is_empty() {
            self.forget_oldest();
        }
        self.compacted = revision;
    }

    /// Whether a watch may start from `revision`. Once something was forgotten, the first change that is remembered
    /// decides, as in the real watch cache, whatever other kinds wrote in between.
    pub(super) fn reaches(&self, revision: u64) -> Result<(), Expired> {
        let first = self.changes.front().map(|change| change.revision() - 1);
        let window = if self.forgotten > 0 { first.unwrap_or(self.forgotten) } else { 0 };
        let oldest = self.compacted.max(window);
        if revision < oldest { Err(Expired { compacted: oldest }) } else { Ok(()) }
    }

    pub(super) fn after(&self, cursor: u64, limit: usize) -> Result<Vec<Arc<Change>>, Expired> {
        if cursor < self.forgotten {
            return Err(Expired { compacted: self.compacted.max(self.forgotten) });
        }
        // Watchers are near the end.
        let newer = self.changes.iter().rev().take_while(|change| change.revision() > cursor).count();
        let first = self.changes.len() - newer;
        Ok(self.changes.range(first..first + newer.min(limit)).cloned().collect())
    }

    /// The version before the latest so many changes, or before all that are remembered; `None` where that is now.
    pub(super) fn revision_before(&self, changes: u64) -> Option<u64> {
        let changes = usize::try_from(changes).unwrap_or(usize::MAX);
        let first = self.changes.len().saturating_sub(changes);
        self.changes.get(first).map(|change| change.revision() - 1)
    }

    /// What the keys changed since `revision` held at that time.
    pub(super) fn undo_to(&self, revision: u64) -> Result<BTreeMap<Key, Option<Arc<Stored>>>, Expired> {
        let oldest = self.compacted.max(self.forgotten);
        if revision < oldest {
            return Err(Expired { compacted: oldest });
        }
        let newer = self.changes.iter().rev().take_while(|change| change.revision() > revision);
        Ok(newer.map(|change| (change.key.clone(), change.previous.clone())).collect())
    }
}
