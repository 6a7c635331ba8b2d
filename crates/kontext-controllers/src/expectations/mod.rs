//! Expectations: what a loop has asked for and not yet seen.
//!
//! The cache lags behind our own writes. A loop that creates two pods and looks again before they show would create two
//! more; so it writes down "two creations outstanding" and does nothing until they were observed, or until five minutes
//! have passed. Deletions are counted by pod, so that the update that sets a deletionTimestamp and the removal that
//! follows count once.
//!
//! **Uncertain creates** are an addition of ours. A create that timed out, or whose connection broke after it was sent,
//! may have happened. Upstream lowers the expectation and may create one pod too many. Here the expectation stays and
//! the record is marked; the shell then makes one consistent live list and [`Expectations::resolve_uncertain`] says how
//! many creations are really outstanding.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;

use crate::model::{ResourceVersion, Text};

/// After this long an expectation counts as satisfied: an event was missed, and acting is better than waiting.
pub const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Records by owner key (`namespace/name`). A plain value: the shell holds the lock and the clock.
#[derive(Debug, Default)]
pub struct Expectations {
    records: HashMap<Text, Record>,
}

#[derive(Debug)]
struct Record {
    creations: i64,
    deletions: i64,
    /// Pods whose deletion is awaited, as `namespace/name`.
    deleting: HashSet<Text>,
    /// Creates whose outcome is unknown.
    uncertain: usize,
    /// The very pods that are still to be seen, by UID, once a live list has told which there are.
    awaited: Option<HashSet<Text>>,
    since: Timestamp,
}

/// Whether a loop may act on what its cache shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Satisfied,
    /// Not yet: this many events are outstanding.
    Waiting {
        /// Creations not seen yet.
        creations: i64,
        /// Deletions not seen yet.
        deletions: i64,
    },
    /// Not yet, and some creates may never have happened: list the pods live, then call
    /// [`Expectations::resolve_uncertain`].
    Uncertain {
        /// Creates of unknown outcome.
        creates: usize,
    },
}

/// What a consistent live list says about an owner's pods.
#[derive(Clone, Copy, Debug)]
pub struct LiveList<'a> {
    /// resourceVersion of the list.
    pub resource_version: &'a ResourceVersion,
    /// UIDs of all pods in it that the owner controls.
    pub pods: &'a [Text],
}

impl Expectations {
    /// Expects `count` creations and nothing else; replaces what was expected before.
    pub fn expect_creations(&mut self, owner: &Text, count: usize, now: Timestamp) {
        let creations = i64::try_from(count).unwrap_or(i64::MAX);
        self.set(
            owner,
            Record {
                creations,
                deletions: 0,
                deleting: HashSet::new(),
                uncertain: 0,
                awaited: None,
                since: now,
            },
        );
    }

    /// Expects the deletion of these pods (`namespace/name`) and nothing else; replaces what was expected before.
    pub fn expect_deletions(&mut self, owner: &Text, pods: impl IntoIterator<Item = Text>, now: Timestamp) {
        let deleting: HashSet<Text> = pods.into_iter().collect();
        let deletions = i64::try_from(deleting.len()).unwrap_or(i64::MAX);
        self.set(
            owner,
            Record { creations: 0, deletions, deleting, uncertain: 0, awaited: None, since: now },
        );
    }

    fn set(&mut self, owner: &Text, record: Record) {
        self.records.insert(Text::clone(owner), record);
    }

    /// May the loop act? Ask *before* reading the cache, otherwise a pod may arrive in between.
    #[must_use]
    pub fn verdict(&self, owner: &str, now: Timestamp) -> Verdict {
        let Some(record) = self.records.get(owner) else { return Verdict::Satisfied };
        let expired = now.duration_since(record.since).unsigned_abs() > TIMEOUT && now > record.since;
        if expired || (record.creations <= 0 && record.deletions <= 0) {
            return Verdict::Satisfied;
        }
        match record.uncertain {
            0 => Verdict::Waiting { creations: record.creations, deletions: record.deletions },
            creates => Verdict::Uncertain { creates },
        }
    }

    /// The creation of the pod of this UID was seen.
    pub fn creation_observed(&mut self, owner: &str, uid: &str) {
        let Some(record) = self.records.get_mut(owner) else { return };
        // Once it is known which pods are outstanding, an event of another one, late from before, says nothing.
        if record.awaited.as_mut().is_none_or(|awaited| awaited.remove(uid)) {
            record.creations = record.creations.saturating_sub(1);
        }
    }

    /// Creates that failed or were not tried: they will never be seen.
    pub fn creations_failed(&mut self, owner: &str, count: usize) {
        self.lower_creations(owner, i64::try_from(count).unwrap_or(i64::MAX));
    }

    fn lower_creations(&mut self, owner: &str, count: i64) {
        if let Some(record) = self.records.get_mut(owner) {
            record.creations = record.creations.saturating_sub(count);
        }
    }

    /// A create of unknown outcome: its expectation stays.
    pub fn creation_uncertain(&mut self, owner: &str) {
        if let Some(record) = self.records.get_mut(owner) {
            record.uncertain += 1;
        }
    }

    /// A deletion was seen, or failed and will never be seen. Says whether it was awaited: the first sign of a deletion
    /// counts, later ones do not.
    pub fn deletion_observed(&mut self, owner: &str, pod: &str) -> bool {
        let Some(record) = self.records.get_mut(owner) else { return false };
        let awaited = record.deleting.remove(pod);
        record.deletions -= i64::from(awaited);
        awaited
    }

    /// The owner is gone. Its records must go too: another object of this name would wait for them.
    pub fn forget(&mut self, owner: &str) {
        self.records.remove(owner);
    }

    /// Settles creates of unknown outcome with a consistent list made *after* the last of them ended. What is still
    /// outstanding are the listed pods that the cache has not shown (`seen` answers by UID). A cache at least as new as the
    /// list has shown them all.
    ///
    /// From then on only the events of these very pods count: a pod may be in the store while its event is still to be
    /// handled. A request that the API server executes after the list is beyond what a client can know; the
    /// pod it makes is found by its owner reference and counted then.
    pub fn resolve_uncertain(
        &mut self,
        owner: &str,
        live: LiveList<'_>,
        cache_at: Option<&ResourceVersion>,
        seen: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> Verdict {
        if let Some(record) = self.records.get_mut(owner) {
            let current = cache_at
                .and_then(|cache| cache.compare(live.resource_version))
                .is_some_and(std::cmp::Ordering::is_ge);
            let unseen: HashSet<Text> = match current {
                true => HashSet::new(),
                false => live.pods.iter().filter(|uid| !seen(uid)).cloned().collect(),
            };
            record.creations = i64::try_from(unseen.len()).unwrap_or(i64::MAX);
            record.awaited = Some(unseen);
            record.uncertain = 0;
        }
        self.verdict(owner, now)
    }
}

#[cfg(test)]
mod tests;
