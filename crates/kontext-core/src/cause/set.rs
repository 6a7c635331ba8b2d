//! All causes of one reconcile: bounded, the first and the last kept, the rest counted.

use std::{collections::VecDeque, sync::Arc};

use super::Cause;
use crate::object::ObjectRef;

/// Causes kept of one reconcile: OpenTelemetry's default limit of links on a span.
pub const MAX_KEPT: usize = 128;
/// Half of them are the first that were seen, half the last.
const HALF: usize = MAX_KEPT / 2;

/// The causes of one reconcile in the order they were seen.
///
/// However many are recorded, [`total`](Self::total) is exact, and memory is bounded by [`MAX_KEPT`].
#[derive(Clone, Debug, Default)]
pub struct CauseSet {
    first: Vec<Cause>,
    last: VecDeque<Cause>,
    total: u64,
}

impl CauseSet {
    /// Adds one cause.
    pub fn record(&mut self, cause: Cause) {
        self.total = self.total.saturating_add(1);
        self.keep(cause);
    }

    /// Adds all causes of `later`, which were seen after these.
    pub fn append(&mut self, later: Self) {
        let total = self.total.saturating_add(later.total);
        if self.total == 0 {
            *self = later;
        } else {
            later.into_iter().for_each(|cause| self.keep(cause));
        }
        self.total = total;
    }

    fn keep(&mut self, cause: Cause) {
        if self.first.len() < HALF && self.last.is_empty() {
            self.first.push(cause);
        } else {
            if self.last.len() == HALF {
                self.last.pop_front();
            }
            self.last.push_back(cause);
        }
    }

    /// How many causes were recorded, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many were counted and not kept.
    pub fn dropped(&self) -> u64 {
        self.total - (self.first.len() + self.last.len()) as u64
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The kept causes, in the order they were seen.
    pub fn iter(&self) -> impl Iterator<Item = &Cause> {
        self.first.iter().chain(&self.last)
    }

    /// Lets the timers, retries and requeues among them name the object of their key, which the queue does not know.
    pub fn name_own(&mut self, object: &ObjectRef) {
        let mut shared: Option<Arc<ObjectRef>> = None;
        for cause in self.first.iter_mut().chain(&mut self.last).filter(|cause| cause.object.kind.is_empty())
        {
            cause.object = shared.get_or_insert_with(|| Arc::new(object.clone())).clone();
        }
    }

    /// The kept causes, those that say most about why the controller acts first; the earliest of equals.
    pub fn by_weight(&self) -> Vec<&Cause> {
        let mut causes: Vec<&Cause> = self.iter().collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.weight));
        causes
    }
}

impl IntoIterator for CauseSet {
    type Item = Cause;
    type IntoIter = std::iter::Chain<std::vec::IntoIter<Cause>, std::collections::vec_deque::IntoIter<Cause>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.last)
    }
}

impl FromIterator<Cause> for CauseSet {
    fn from_iter<I: IntoIterator<Item = Cause>>(causes: I) -> Self {
        let mut set = Self::default();
        causes.into_iter().for_each(|cause| set.record(cause));
        set
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::{Attribution, Changes, EventKind, ObjectRef, Weight};

    fn cause(number: u32) -> Cause {
        Cause {
            event: EventKind::Modified,
            object: Arc::new(ObjectRef::new("Pod", None, &number.to_string())),
            attribution: Attribution::Unattributed(None),
            changes: Changes::default(),
            seen: Timestamp::UNIX_EPOCH,
            weight: Weight::Progress,
        }
    }

    fn names(set: &CauseSet) -> Vec<u32> {
        set.iter().map(|cause| cause.object.name.parse().expect("a number")).collect()
    }

    #[test]
    fn every_cause_is_counted_and_the_first_and_last_are_kept() {
        for total in [0, 1, 2, 128, 129, 10_000_u32] {
            let set: CauseSet = (0..total).map(cause).collect();
            let expected: Vec<u32> =
                if total <= 128 { (0..total).collect() } else { (0..64).chain(total - 64..total).collect() };
            assert_eq!(names(&set), expected);
            assert_eq!(set.total(), u64::from(total));
            assert_eq!(set.dropped(), u64::from(total) - expected.len() as u64);
        }
    }

    #[test]
    fn appending_is_the_same_as_recording_one_by_one() {
        for (earlier, later) in [(0, 5), (5, 0), (63, 2), (64, 64), (200, 3), (3, 200), (300, 300_u32)] {
            let mut appended: CauseSet = (0..earlier).map(cause).collect();
            appended.append((earlier..earlier + later).map(cause).collect());
            assert_eq!(appended.total(), u64::from(earlier + later));
            let kept = names(&appended);
            assert!(kept.len() <= MAX_KEPT);
            assert_eq!(kept.first(), Some(&0));
            assert_eq!(kept.last(), Some(&(earlier + later - 1)));
            assert!(kept.is_sorted());
        }
    }
}
