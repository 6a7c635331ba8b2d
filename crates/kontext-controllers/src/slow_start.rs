//! Slow start: creates go out in batches of 1, 2, 4, 8, … so that a quota or a broken webhook fails one call, not five
//! hundred.

/// Sizes of the batches. The caller makes all calls of a batch in parallel and stops after the first batch in which one
/// failed.
///
/// ```
/// use kontext_controllers::slow_start::SlowStart;
/// assert_eq!(SlowStart::new(10).collect::<Vec<_>>(), [1, 2, 4, 3]);
/// ```
#[derive(Clone, Debug)]
pub struct SlowStart {
    left: usize,
    next: usize,
}

impl SlowStart {
    /// Batches for `count` calls.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { left: count, next: 1 }
    }

    /// Calls in batches that were not handed out yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }
}

impl Iterator for SlowStart {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let batch = self.next.min(self.left);
        self.left -= batch;
        self.next = batch * 2;
        (batch > 0).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls made and calls that worked if every call after the first `limit` fails.
    fn run(count: usize, limit: usize) -> (usize, usize, usize) {
        let (mut calls, mut worked) = (0, 0);
        let mut batches = SlowStart::new(count);
        for batch in batches.by_ref() {
            let ok = batch.min(limit.saturating_sub(calls));
            calls += batch;
            worked += ok;
            if ok < batch {
                break;
            }
        }
        (calls, worked, batches.left())
    }

    #[test]
    fn a_failing_batch_is_the_last_one() {
        assert_eq!(run(0, 0), (0, 0, 0));
        assert_eq!(run(10, 0), (1, 0, 9), "all fail: one call");
        assert_eq!(run(10, 5), (7, 5, 3));
        assert_eq!(run(10, 10), (10, 10, 0));
        assert_eq!(run(500, 500), (500, 500, 0));
    }
}
