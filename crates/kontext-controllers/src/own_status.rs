//! Telling a loop's own status writes from others': a self-caused status event causes nothing.
//!
//! The event may arrive before the answer to the write, so what is going to be written is noted before.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

/// The status that a loop wrote last, by key.
pub(crate) struct OwnStatuses<S>(Mutex<HashMap<Arc<str>, S>>);

impl<S> Default for OwnStatuses<S> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<S: Clone + PartialEq> OwnStatuses<S> {
    /// This status is about to be written.
    pub(crate) fn expect(&self, key: &Arc<str>, status: &S) {
        self.0.lock().insert(key.clone(), status.clone());
    }

    /// Whether an event with this status, and with nothing else changed, is of the loop's own making.
    pub(crate) fn is_own(&self, key: &str, status: &S) -> bool {
        self.0.lock().get(key) == Some(status)
    }

    /// The object is gone.
    pub(crate) fn forget(&self, key: &str) {
        self.0.lock().remove(key);
    }
}
