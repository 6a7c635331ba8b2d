//! Telling a loop's own status writes from others': a self-caused status event causes nothing.
//!
//! The event may arrive before the answer to the write, so what is going to be written is noted before; and the event of
//! one write may arrive when the next is already on its way, so the latest few are remembered.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;

/// Statuses remembered for each key. Events lag behind by one or two writes, not by more.
const REMEMBERED: usize = 8;

/// The statuses that a loop wrote last and whose events may still come, by key; the oldest first.
pub(crate) struct OwnStatuses<S>(Mutex<HashMap<Arc<str>, VecDeque<S>>>);

impl<S> Default for OwnStatuses<S> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<S: Clone + PartialEq> OwnStatuses<S> {
    /// This status is about to be written.
    pub(crate) fn expect(&self, key: &Arc<str>, status: &S) {
        let mut all = self.0.lock();
        let own = all.entry(key.clone()).or_default();
        if own.back() == Some(status) {
            return;
        }
        if own.len() == REMEMBERED {
            own.pop_front();
        }
        own.push_back(status.clone());
    }

    /// Whether an event with this status, and with nothing else changed, is of the loop's own making. Events come in
    /// the order of the writes: those before this one have come.
    pub(crate) fn is_own(&self, key: &str, status: &S) -> bool {
        let mut all = self.0.lock();
        let Some(own) = all.get_mut(key) else { return false };
        let Some(at) = own.iter().rposition(|written| written == status) else { return false };
        own.drain(..at);
        true
    }

    /// The object is gone.
    pub(crate) fn forget(&self, key: &str) {
        self.0.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<str> {
        "shop/web".into()
    }

    #[test]
    fn the_event_of_a_write_is_known_even_when_the_next_write_is_on_its_way() {
        let own = OwnStatuses::default();
        own.expect(&key(), &1);
        own.expect(&key(), &2);
        assert!(own.is_own("shop/web", &1));
        assert!(own.is_own("shop/web", &2));
    }

    #[test]
    fn a_status_that_was_written_over_is_somebody_elses_when_it_comes_back() {
        let own = OwnStatuses::default();
        own.expect(&key(), &1);
        own.expect(&key(), &2);
        assert!(own.is_own("shop/web", &2));
        assert!(!own.is_own("shop/web", &1));
        assert!(own.is_own("shop/web", &2), "the last holds until the next is written");
    }

    #[test]
    fn what_was_never_written_and_what_is_forgotten_is_not_own() {
        let own = OwnStatuses::default();
        own.expect(&key(), &1);
        assert!(!own.is_own("shop/web", &3) && !own.is_own("shop/api", &1));
        own.forget("shop/web");
        assert!(!own.is_own("shop/web", &1));
    }

    #[test]
    fn no_more_than_a_few_are_remembered() {
        let own = OwnStatuses::default();
        (0..100).for_each(|status| own.expect(&key(), &status));
        assert!(!own.is_own("shop/web", &(99 - REMEMBERED)) && own.is_own("shop/web", &(100 - REMEMBERED)));
    }
}
