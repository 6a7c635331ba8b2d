//! The objects, their versions, and what happened to them lately.
//!
//! One counter gives every write its resourceVersion, over all kinds. Each kind has a table of current objects and a
//! bounded history of changes. A watch is a cursor into that history, so a slow watcher holds no memory: it falls
//! off the end and is told so. The history also gives back earlier states, which makes chunked lists consistent.
//!
//! An object is kept as the bytes that clients are sent; objects and history share them. A write computes its result
//! from the object it read, without a lock, and commits only if that object is still the current one.

mod encode;
mod history;
mod key;
mod object;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use crate::kinds::TableId;

pub(crate) use encode::{Draft, LINE_END};
pub(crate) use history::{Change, ChangeKind, Expired};
pub(crate) use key::Key;
pub(crate) use object::Stored;

/// A commit that found another object than the one its result was computed from.
#[derive(Debug)]
pub(crate) struct Raced;

/// The objects of one list, in order, and the state that they show.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) revision: u64,
    pub(crate) objects: Vec<(Key, Arc<Stored>)>,
}

/// Why a snapshot cannot be given.
#[derive(Debug)]
pub(crate) enum SnapshotError {
    /// The history does not reach back that far.
    Expired,
    /// No write has that version yet; the current one is given.
    Future(u64),
}

/// All tables. Cheap to share behind an `Arc`; one short lock.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    history_limit: history::Limit,
}

/// How many bytes of states a table's history holds: thousands of ordinary objects, or a few of the largest.
const HISTORY_BYTES: usize = 64 << 20;

struct Inner {
    revision: u64,
    tables: Vec<Table>,
    /// Tables of kinds that are gone, whose last changes watchers may not have been told yet.
    retired: Vec<TableId>,
}

struct Table {
    objects: BTreeMap<Key, Arc<Stored>>,
    history: history::History,
    changed: watch::Sender<u64>,
}

impl Store {
    /// `history_limit` is how many changes each table remembers.
    pub(crate) fn new(tables: usize, history_limit: usize) -> Self {
        let tables = (0..tables).map(|_| Table::new()).collect();
        let history_limit = history::Limit { changes: history_limit, bytes: HISTORY_BYTES };
        Self { inner: Mutex::new(Inner { revision: 1, tables, retired: Vec::new() }), history_limit }
    }

    /// One more table, for a kind that comes while the server runs.
    pub(crate) fn add_table(&self) -> TableId {
        let mut inner = self.inner.lock();
        inner.forget_retired();
        let mut table = Table::new();
        // Nobody can have seen it before.
        table.history.compact(inner.revision);
        inner.tables.push(table);
        TableId(inner.tables.len() - 1)
    }

    /// Forgets everything in a table of a kind that is gone, its last changes only once nobody is to be told of them.
    /// Its number is not given out again.
    pub(crate) fn retire_table(&self, table: TableId) {
        let mut inner = self.inner.lock();
        inner.tables[table.0].objects.clear();
        inner.retired.push(table);
        inner.forget_retired();
    }

    /// The version of the last write.
    pub(crate) fn revision(&self) -> u64 {
        self.inner.lock().revision
    }

    pub(crate) fn find(&self, table: TableId, key: &Key) -> Option<Arc<Stored>> {
        self.inner.lock().tables[table.0].objects.get(key).cloned()
    }

    /// Adds an object; `None` says that the key is taken.
    pub(crate) fn insert(&self, table: TableId, key: Key, object: Value) -> Option<Arc<Stored>> {
        let draft = Draft::of(object);
        let mut inner = self.inner.lock();
        if inner.tables[table.0].objects.contains_key(&key) {
            return None;
        }
        let stored = inner.store(draft, ChangeKind::Added);
        inner.tables[table.0].objects.insert(key.clone(), stored.clone());
        inner.record(
            table,
            Change { kind: ChangeKind::Added, key, object: stored.clone(), previous: None },
            self.history_limit,
        );
        Some(stored)
    }

    /// Replaces the object that was read as `old`.
    pub(crate) fn replace(
        &self,
        table: TableId,
        key: &Key,
        old: &Arc<Stored>,
        object: Value,
    ) -> Result<Arc<Stored>, Raced> {
        let draft = Draft::of(object);
        let mut inner = self.inner.lock();
        inner.expect(table, key, old)?;
        let stored = inner.store(draft, ChangeKind::Modified);
        inner.tables[table.0].objects.insert(key.clone(), stored.clone());
        let change = Change {
            kind: ChangeKind::Modified,
            key: key.clone(),
            object: stored.clone(),
            previous: Some(old.clone()),
        };
        inner.record(table, change, self.history_limit);
        Ok(stored)
    }

    /// Removes the object that was read as `old`; its last state, `object`, goes to the watchers.
    pub(crate) fn remove(
        &self,
        table: TableId,
        key: &Key,
        old: &Arc<Stored>,
        object: Value,
    ) -> Result<Arc<Stored>, Raced> {
        let draft = Draft::of(object);
        let mut inner = self.inner.lock();
        inner.expect(table, key, old)?;
        let stored = inner.store(draft, ChangeKind::Deleted);
        inner.tables[table.0].objects.remove(key);
        let change = Change {
            kind: ChangeKind::Deleted,
            key: key.clone(),
            object: stored.clone(),
            previous: Some(old.clone()),
        };
        inner.record(table, change, self.history_limit);
        Ok(stored)
    }

    /// The objects of a table as they are, or as they were at `revision`; keys after `after` only.
    pub(crate) fn snapshot(
        &self,
        table: TableId,
        namespace: &str,
        revision: Option<u64>,
        after: Option<&Key>,
    ) -> Result<Snapshot, SnapshotError> {
        let inner = self.inner.lock();
        let current = inner.revision;
        let wanted = revision.unwrap_or(current);
        if wanted > current {
            return Err(SnapshotError::Future(current));
        }
        let table = &inner.tables[table.0];
        let undone = table.history.undo_to(wanted).map_err(|Expired { .. }| SnapshotError::Expired)?;
        let wanted_key = |key: &Key| key.is_in(namespace) && after.is_none_or(|after| key > after);
        let prefix = Key::parse(&if namespace.is_empty() { String::new() } else { format!("{namespace}/") });
        let first = after.cloned().map_or(prefix.clone(), |after| after.max(prefix));
        let mut objects: Vec<(Key, Arc<Stored>)> = table
            .objects
            .range(first..)
            .take_while(|(key, _)| key.is_in(namespace))
            .filter(|(key, _)| wanted_key(key) && !undone.contains_key(*key))
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect();
        if !undone.is_empty() {
            let earlier = undone.into_iter().filter(|(key, _)| wanted_key(key));
            objects.extend(earlier.filter_map(|(key, object)| Some((key, object?))));
            objects.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Ok(Snapshot { revision: wanted, objects })
    }

    /// Up to `limit` changes after `cursor`, and the version up to which the caller has then seen everything.
    pub(crate) fn changes(
        &self,
        table: TableId,
        cursor: u64,
        limit: usize,
    ) -> Result<(Vec<Arc<Change>>, u64), Expired> {
        let inner = self.inner.lock();
        let changes = inner.tables[table.0].history.after(cursor, limit)?;
        let seen = match changes.last() {
            Some(last) if changes.len() == limit => last.revision(),
            _ => inner.revision.max(cursor),
        };
        Ok((changes, seen))
    }

    /// The version before the latest so many changes of a table, or before all that are remembered.
    pub(crate) fn revision_before(&self, table: TableId, changes: u64) -> u64 {
        let inner = self.inner.lock();
        inner.tables[table.0].history.revision_before(changes).unwrap_or(inner.revision)
    }

    /// Whether a watch may start from a version: nothing after it was forgotten or compacted away.
    pub(crate) fn reaches(&self, table: TableId, revision: u64) -> Result<(), Expired> {
        self.inner.lock().tables[table.0].history.reaches(revision)
    }

    /// Wakes up at every change of a table.
    pub(crate) fn subscribe(&self, table: TableId) -> watch::Receiver<u64> {
        self.inner.lock().tables[table.0].changed.subscribe()
    }

    /// Forgets the history of every table: who starts from an earlier version gets `410 Expired`. Watches that have seen
    /// everything go on.
    pub(crate) fn compact(&self) {
        let mut inner = self.inner.lock();
        let revision = inner.revision;
        for table in &mut inner.tables {
            table.history.compact(revision);
        }
    }
}

impl Table {
    fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            history: history::History::default(),
            changed: watch::Sender::new(0),
        }
    }
}

impl Inner {
    fn forget_retired(&mut self) {
        let revision = self.revision;
        let tables = &mut self.tables;
        self.retired.retain(|table| {
            let table = &mut tables[table.0];
            let watched = table.changed.receiver_count() > 0;
            if !watched {
                table.history.compact(revision);
            }
            watched
        });
    }

    fn expect(&self, table: TableId, key: &Key, old: &Arc<Stored>) -> Result<(), Raced> {
        match self.tables[table.0].objects.get(key) {
            Some(current) if Arc::ptr_eq(current, old) => Ok(()),
            _ => Err(Raced),
        }
    }

    fn store(&mut self, draft: Draft, kind: ChangeKind) -> Arc<Stored> {
        self.revision += 1;
        Stored::new(draft, kind, self.revision)
    }

    fn record(&mut self, table: TableId, change: Change, limit: history::Limit) {
        let revision = self.revision;
        let table = &mut self.tables[table.0];
        table.history.push(change, limit);
        table.changed.send_replace(revision);
    }
}

#[cfg(test)]
mod tests;
