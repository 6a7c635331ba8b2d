//! How many Events one object may have.

use jiff::{SignedDuration, Timestamp};

/// Events at once.
const BURST: i32 = 25;
/// One more in this time.
const REFILL: SignedDuration = SignedDuration::from_secs(300);

/// A token bucket of 25, refilled with one each 300 s, in exact arithmetic: the time at which it is full again says
/// all there is to know.
#[derive(Debug)]
pub(super) struct Bucket {
    full_at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { full_at: now }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let full_at = self.full_at.max(now).saturating_add(REFILL).unwrap_or(Timestamp::MAX);
        let there_is = full_at.duration_since(now) <= REFILL * BURST;
        if there_is {
            self.full_at = full_at;
        }
        there_is
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::at;

    fn taken(bucket: &mut Bucket, second: i64, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.take(at(second))).count()
    }

    #[test]
    fn twenty_five_at_once_and_then_one_each_five_minutes() {
        let mut bucket = Bucket::new(at(0));
        assert_eq!(taken(&mut bucket, 0, 40), 25);
        assert_eq!(taken(&mut bucket, 299, 1), 0);
        assert_eq!(taken(&mut bucket, 300, 5), 1);
        assert_eq!(taken(&mut bucket, 600 + 300, 5), 2);
        assert_eq!(taken(&mut bucket, 1_000_000, 40), 25, "no more than the burst");
    }

    #[test]
    fn a_clock_that_goes_back_refills_nothing_and_blocks_nothing_for_good() {
        let mut bucket = Bucket::new(at(1000));
        assert_eq!(taken(&mut bucket, 1000, 24), 24);
        assert_eq!(taken(&mut bucket, 0, 5), 0);
        assert_eq!(taken(&mut bucket, 1000, 5), 1);
    }
}
