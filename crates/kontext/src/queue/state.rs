//! The queue as a state machine: no waiting, no clock of its own.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use kontext_core::{CauseSet, EventKind};
use tokio::time::{Duration, Instant};

use super::{Key, Limiter, QueueMetrics, own_cause};

/// What is known of a key that is not idle.
#[derive(Debug, Default)]
struct Entry {
    causes: CauseSet,
    /// Since when it waits to be taken, now or when it is done.
    waiting: Option<Instant>,
    /// Since when it is processed.
    processing: Option<Instant>,
    /// When it becomes ready, and the event that it then is.
    due: Option<(Due, Option<EventKind>)>,
}

impl Entry {
    fn is_idle(&self) -> bool {
        self.waiting.is_none() && self.processing.is_none() && self.due.is_none() && self.causes.is_empty()
    }
}

/// A moment, and a number that keeps the order of equal moments.
type Due = (Instant, u64);

#[derive(Debug)]
pub(super) struct State {
    ready: VecDeque<Key>,
    entries: HashMap<Key, Entry>,
    delayed: BTreeMap<Due, Key>,
    next_number: u64,
    limiter: Limiter,
    metrics: QueueMetrics,
    shut_down: bool,
}

impl State {
    pub(super) fn new(limiter: Limiter, metrics: QueueMetrics) -> Self {
        Self {
            ready: VecDeque::new(),
            entries: HashMap::new(),
            delayed: BTreeMap::new(),
            next_number: 0,
            limiter,
            metrics,
            shut_down: false,
        }
    }

    pub(super) fn add(&mut self, key: &Key, causes: CauseSet, now: Instant) {
        if self.shut_down {
            return;
        }
        let entry = self.entries.entry(key.clone()).or_default();
        entry.causes.append(causes);
        if entry.waiting.is_some() {
            return;
        }
        self.metrics.adds.inc();
        entry.waiting = Some(now);
        if entry.processing.is_none() {
            self.ready.push_back(key.clone());
            self.metrics.depth.set(self.ready.len() as i64);
        }
    }

    /// Queues `key` at `at`; of several moments for one key the earliest holds.
    pub(super) fn add_at(&mut self, key: &Key, at: Instant, event: Option<EventKind>, now: Instant) {
        if event == Some(EventKind::Retry) || event == Some(EventKind::Requeue) {
            self.metrics.retries.inc();
        }
        if at <= now {
            let causes = event.map(|event| own_cause(event, key)).into_iter().collect();
            return self.add(key, causes, now);
        }
        if self.shut_down {
            return;
        }
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some((earlier, _)) = entry.due {
            if earlier.0 <= at {
                return;
            }
            self.delayed.remove(&earlier);
        }
        let due = (at, self.next_number);
        self.next_number += 1;
        entry.due = Some((due, event));
        self.delayed.insert(due, key.clone());
    }

    /// Puts the causes of a failed reconcile in front of those that came since.
    pub(super) fn give_back(&mut self, key: &Key, mut causes: CauseSet) {
        if self.shut_down {
            return;
        }
        let entry = self.entries.entry(key.clone()).or_default();
        causes.append(std::mem::take(&mut entry.causes));
        entry.causes = causes;
    }

    fn move_due(&mut self, now: Instant) {
        while let Some(first) = self.delayed.first_entry() {
            if first.key().0 > now {
                break;
            }
            let key = first.remove();
            let event =
                self.entries.get_mut(&key).and_then(|entry| entry.due.take()).and_then(|(_, event)| event);
            let causes = event.map(|event| own_cause(event, &key)).into_iter().collect();
            self.add(&key, causes, now);
        }
    }

    pub(super) fn take(&mut self, now: Instant) -> Option<(Key, CauseSet, Duration)> {
        self.move_due(now);
        let key = self.ready.pop_front()?;
        self.metrics.depth.set(self.ready.len() as i64);
        let entry = self.entries.entry(key.clone()).or_default();
        let waited =
            entry.waiting.take().map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        entry.processing = Some(now);
        let causes = std::mem::take(&mut entry.causes);
        self.metrics.waited.observe(waited.as_secs_f64());
        Some((key, causes, waited))
    }

    pub(super) fn done(&mut self, key: &Key, now: Instant) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(since) = entry.processing.take() {
            self.metrics.worked.observe(now.saturating_duration_since(since).as_secs_f64());
        }
        if entry.waiting.is_some() && !self.shut_down {
            self.ready.push_back(key.clone());
            self.metrics.depth.set(self.ready.len() as i64);
        }
        if entry.is_idle() {
            self.entries.remove(key);
        }
        if self.entries.is_empty() {
            // A burst of keys must not hold its memory for ever.
            self.entries.shrink_to(64);
            self.ready.shrink_to(64);
        }
    }

    pub(super) fn limit(&mut self, key: &Arc<str>, now: Instant) -> Duration {
        self.limiter.delay(key, now)
    }

    pub(super) fn forget(&mut self, key: &str) {
        self.limiter.forget(key);
    }

    pub(super) fn failures(&self, key: &str) -> u32 {
        self.limiter.failures(key)
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.entries.values().all(|entry| {
            let timer_only = entry.due.is_none_or(|(_, event)| event == Some(EventKind::Timer));
            entry.waiting.is_none() && entry.processing.is_none() && timer_only
        })
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down
    }

    pub(super) fn shut_down(&mut self) {
        self.shut_down = true;
        self.ready.clear();
        self.delayed.clear();
        self.entries.retain(|_, entry| entry.processing.is_some());
        self.metrics.depth.set(0);
    }

    /// Brings the gauges of work under way up to date.
    pub(super) fn observe_unfinished(&self, now: Instant) {
        let running = || {
            self.entries
                .values()
                .filter_map(|entry| entry.processing)
                .map(|since| now.saturating_duration_since(since).as_secs_f64())
        };
        // The sum of nothing is -0.0.
        self.metrics.unfinished.set(running().sum::<f64>() + 0.0);
        self.metrics.longest.set(running().fold(0.0, f64::max));
    }
}
