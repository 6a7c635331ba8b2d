//! What handlers are told.

use std::sync::Arc;

use jiff::Timestamp;

/// What happened to an object.
#[derive(Debug)]
pub enum Delta<'a, K> {
    /// It is there now. `initial` where it was found by the first list: nobody saw it come.
    Added {
        /// The object.
        new: &'a Arc<K>,
        /// Found by the first list.
        initial: bool,
    },
    /// It is another than before; with equal resource versions, a resync.
    Updated {
        /// As it was.
        old: &'a Arc<K>,
        /// As it is.
        new: &'a Arc<K>,
    },
    /// It is gone.
    Deleted {
        /// As the store had it.
        old: &'a Arc<K>,
        /// As it was deleted, where that was seen; else as the store had it.
        last: &'a Arc<K>,
        /// Only missed by a relist: nobody saw when or how it went.
        tombstone: bool,
    },
}

impl<K> Clone for Delta<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Delta<'_, K> {}

/// How it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The object's full JSON, `managedFields` and all; absent for tombstones and resyncs.
    pub raw: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// Found by a list after the watch broke, so that several writes may lie between the old and the new object.
    pub relisted: bool,
}

/// Told of every change, in order, after the store has it. Must not block: it runs on the watch's task.
pub trait Handler<K>: Send + Sync + 'static {
    /// One change.
    fn handle(&self, delta: Delta<'_, K>, seen: Seen<'_>);
}

impl<K, F> Handler<K> for F
where
    F: Fn(Delta<'_, K>, Seen<'_>) + Send + Sync + 'static,
{
    fn handle(&self, delta: Delta<'_, K>, seen: Seen<'_>) {
        self(delta, seen);
    }
}
