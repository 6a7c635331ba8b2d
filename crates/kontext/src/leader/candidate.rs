//! What a candidate knows, and what it does next. No I/O, no clock: times are given.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::time::Instant;

use super::{election::Lost, lease::LeaseName, record, timing::Timing};

/// Conflicts within one attempt after which it is over: somebody else is at it.
const MAX_CONFLICTS: u8 = 2;

/// What to do next within an attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Read the lease.
    Read,
    /// Create the lease.
    Create(Lease),
    /// Replace the lease, at the resourceVersion that is in it.
    Replace(Lease),
    /// Nothing until the next attempt.
    Wait,
    /// Stop leading.
    Lost(Lost),
}

/// What the lease looked like when it was last seen.
#[derive(Debug)]
enum View {
    /// Not seen in this attempt, or something came in between.
    Unknown,
    Absent,
    Present(Box<Lease>),
}

/// A record, and when it was first seen so by the local clock.
#[derive(Debug)]
struct Observed {
    record: Option<LeaseSpec>,
    since: Instant,
}

/// The time for which this candidate leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// When the write was sent that gave or renewed the lease.
    renewed: Instant,
    /// When to stop by oneself.
    pub(super) ends: Instant,
    /// Until when nobody else takes over, whatever happens.
    pub(super) safe_until: Instant,
}

/// A candidate: what it has seen, and whether it leads.
#[derive(Debug)]
pub(super) struct Candidate {
    name: LeaseName,
    identity: String,
    timing: Timing,
    view: View,
    observed: Option<Observed>,
    term: Option<Term>,
    lost: Option<Lost>,
    conflicts: u8,
    /// A write was sent and its answer is not known.
    in_doubt: bool,
}

impl Candidate {
    pub(super) fn new(name: LeaseName, identity: String, timing: Timing) -> Self {
        Self {
            name,
            identity,
            timing,
            view: View::Unknown,
            observed: None,
            term: None,
            lost: None,
            conflicts: 0,
            in_doubt: false,
        }
    }

    /// A new attempt begins. A leader writes what it knows, and looks only if that fails; others look first.
    pub(super) fn begin(&mut self) {
        self.conflicts = 0;
        if self.term.is_none() {
            self.view = View::Unknown;
        }
    }

    /// What to do at `now`, which is `wall` for people who read the lease.
    pub(super) fn step(&self, now: Instant, wall: Timestamp) -> Step {
        if let Some(lost) = &self.lost {
            return Step::Lost(lost.clone());
        }
        match &self.view {
            _ if self.term.is_some_and(|term| term.ends <= now) => Step::Lost(self.not_renewed(now)),
            _ if self.conflicts >= MAX_CONFLICTS => Step::Wait,
            View::Unknown => Step::Read,
            View::Absent => Step::Create(record::first(&self.name, &self.identity, &self.timing, wall)),
            View::Present(lease) if self.may_hold(lease, now) => {
                Step::Replace(record::held(lease, &self.identity, &self.timing, wall))
            }
            View::Present(_) => Step::Wait,
        }
    }

    /// The lease was read at `now`.
    pub(super) fn read(&mut self, lease: Option<Lease>, now: Instant) {
        self.in_doubt = false;
        let Some(lease) = lease else {
            self.view = View::Absent;
            self.observed = None;
            return;
        };
        let holder = record::holder(&lease);
        if self.term.is_some() && holder != Some(&self.identity) {
            self.lost =
                Some(Lost::Taken { lease: self.name.clone(), by: holder.unwrap_or("nobody").to_owned() });
        }
        self.observe(&lease, now);
        self.view = View::Present(Box::new(lease));
    }

    /// A write is about to be sent.
    pub(super) fn writing(&mut self) {
        self.in_doubt = true;
    }

    /// A write that was sent at `sent` succeeded, and the lease is as given: this candidate leads.
    pub(super) fn wrote(&mut self, lease: Lease, sent: Instant, now: Instant) {
        self.in_doubt = false;
        self.observe(&lease, now);
        self.view = View::Present(Box::new(lease));
        // Counted from the sending: others may see the record from the moment that the server has it.
        self.term = Some(Term {
            renewed: sent,
            ends: sent + self.timing.renew_deadline(),
            safe_until: sent + self.timing.lease_duration(),
        });
    }

    /// A write was refused because somebody else wrote, or created, or deleted the lease.
    pub(super) fn conflicted(&mut self) {
        self.in_doubt = false;
        self.conflicts += 1;
        self.view = View::Unknown;
    }

    /// A request failed; `refused` if it is certain that the server did not carry it out.
    pub(super) fn failed(&mut self, refused: bool) {
        self.in_doubt &= !refused;
        self.view = View::Unknown;
    }

    /// The time for which this candidate leads, if it does.
    pub(super) fn term(&self) -> Option<Term> {
        self.term
    }

    /// Who holds the lease as last seen.
    pub(super) fn holder(&self) -> Option<&str> {
        self.observed
            .as_ref()?
            .record
            .as_ref()?
            .holder_identity
            .as_deref()
            .filter(|holder| !holder.is_empty())
    }

    /// Why the lease is lost if nothing happens until the term's end.
    pub(super) fn not_renewed(&self, now: Instant) -> Lost {
        let renewed = self.term.map_or(now, |term| term.renewed);
        Lost::NotRenewed { lease: self.name.clone(), since: now.saturating_duration_since(renewed) }
    }

    /// What has to be done to give the lease back; [`Step::Wait`] if nothing is held.
    pub(super) fn release(&self, wall: Timestamp) -> Step {
        match &self.view {
            _ if self.lost.is_some() => Step::Wait,
            // A write whose answer is not known may have given the lease.
            _ if self.in_doubt => Step::Read,
            View::Unknown if self.term.is_some() => Step::Read,
            View::Present(lease) if record::holder(lease) == Some(&self.identity) => {
                Step::Replace(record::released(lease, wall))
            }
            _ => Step::Wait,
        }
    }

    /// Whether the lease is ours already, or nobody's, or has expired.
    fn may_hold(&self, lease: &Lease, now: Instant) -> bool {
        match record::holder(lease) {
            None => true,
            Some(holder) if holder == self.identity => true,
            Some(_) => self.expires().is_none_or(|expires| expires <= now),
        }
    }

    /// When the record that was seen last expires: its own duration after it was first seen so.
    fn expires(&self) -> Option<Instant> {
        let observed = self.observed.as_ref()?;
        let seconds = observed.record.as_ref().and_then(|record| record.lease_duration_seconds);
        let duration = match seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
            None | Some(0) => self.timing.lease_duration(),
            Some(seconds) => Duration::from_secs(seconds),
        };
        Some(observed.since + duration)
    }

    /// Only a change of the record is a sign of life; somebody may annotate the Lease.
    fn observe(&mut self, lease: &Lease, now: Instant) {
        if self.observed.as_ref().is_none_or(|observed| observed.record != lease.spec) {
            self.observed = Some(Observed { record: lease.spec.clone(), since: now });
        }
    }
}
