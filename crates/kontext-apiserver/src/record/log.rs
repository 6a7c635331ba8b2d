//! The latest requests, bounded in number and in bytes.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::RequestRecord;
use super::packed::Packed;

/// How many bytes the log takes at most, whatever the requests carry: some 100 000 ordinary ones.
const BYTES: usize = 32 << 20;

/// The latest requests, and how many there were.
pub(crate) struct RequestLog {
    inner: Mutex<Inner>,
    limit: usize,
    /// Counts what was written, heartbeats aside.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    latest: VecDeque<Packed>,
    bytes: usize,
    total: u64,
}

impl RequestLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { inner: Mutex::default(), limit, changes: watch::Sender::new(0) }
    }

    pub(crate) fn push(&self, record: &RequestRecord) {
        // Reads are many; what was written or went wrong is what people look for.
        let counts = record.changed && record.resource != "leases";
        if counts || record.status >= 400 || record.reset || !record.faults.is_empty() {
            tracing::debug!(target: "kontext_apiserver::requests", "{record}");
        } else {
            tracing::trace!(target: "kontext_apiserver::requests", "{record}");
        }
        // Packed before the lock is taken.
        let packed = (self.limit > 0).then(|| Packed::of(record));
        {
            let mut inner = self.inner.lock();
            inner.total += 1;
            if let Some(packed) = packed {
                inner.push(packed, self.limit, BYTES);
            }
        }
        if counts {
            self.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// Wakes up after each write, heartbeats aside.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn latest(&self) -> Vec<RequestRecord> {
        self.inner.lock().latest.iter().map(Packed::unpack).collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.inner.lock().total
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.latest.clear();
        inner.bytes = 0;
    }
}

impl Inner {
    fn push(&mut self, packed: Packed, limit: usize, bytes: usize) {
        self.bytes += packed.size();
        self.latest.push_back(packed);
        while self.latest.len() > limit || self.bytes > bytes {
            let Some(oldest) = self.latest.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str) -> RequestRecord {
        RequestRecord { path: path.to_owned(), ..RequestRecord::default() }
    }

    #[test]
    fn the_oldest_requests_are_forgotten_and_still_counted() {
        let log = RequestLog::new(2);
        ["/a", "/b", "/c"].iter().for_each(|path| log.push(&record(path)));
        let paths: Vec<String> = log.latest().into_iter().map(|record| record.path).collect();
        assert_eq!((paths, log.total()), (vec!["/b".to_owned(), "/c".to_owned()], 3));
        log.clear();
        assert!(log.latest().is_empty());
    }

    #[test]
    fn large_requests_count_for_more() {
        let mut inner = Inner::default();
        let long = "x".repeat(1000);
        for _ in 0..10 {
            inner.push(Packed::of(&record(&long)), 100, 3500);
        }
        assert_eq!(inner.latest.len(), 3);
        assert!(inner.bytes <= 3500);
    }
}
