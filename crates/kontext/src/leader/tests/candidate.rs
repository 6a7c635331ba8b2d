//! The state machine alone: times are made up.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use tokio::time::Instant;

use super::super::{
    Timing,
    candidate::{Candidate, Step},
    election::Lost,
    record,
};
use super::fake::name;

struct Bench {
    start: Instant,
    candidate: Candidate,
}

impl Bench {
    fn new() -> Self {
        Self { start: Instant::now(), candidate: Candidate::new(name(), "us".into(), Timing::default()) }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn step(&self, seconds: u64) -> Step {
        self.candidate.step(self.at(seconds), wall(seconds))
    }

    /// A new attempt that reads `lease`.
    fn look(&mut self, seconds: u64, lease: Option<Lease>) -> Step {
        self.candidate.begin();
        assert_eq!(self.step(seconds), Step::Read);
        let now = self.at(seconds);
        self.candidate.read(lease, now);
        self.step(seconds)
    }

    /// The write that `step` asks for succeeds, sent at `sent`, answered at `seconds`.
    fn write(&mut self, step: Step, sent: u64, seconds: u64) {
        let (Step::Create(lease) | Step::Replace(lease)) = step else { panic!("no write: {step:?}") };
        self.candidate.writing();
        let (sent, now) = (self.at(sent), self.at(seconds));
        self.candidate.wrote(lease, sent, now);
    }
}

fn wall(seconds: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds as i64).expect("in range")
}

/// As somebody else wrote it, whose clock says `theirs`.
fn held_by(holder: &str, version: u64, theirs: u64) -> Lease {
    let mut lease = record::first(&name(), holder, &Timing::default(), wall(theirs));
    lease.metadata.resource_version = Some(version.to_string());
    lease
}

fn transitions(step: &Step) -> Option<i32> {
    match step {
        Step::Create(lease) | Step::Replace(lease) => lease.spec.as_ref()?.lease_transitions,
        _ => None,
    }
}

#[test]
fn a_missing_lease_is_created() {
    let mut bench = Bench::new();
    let step = bench.look(0, None);
    assert!(matches!(&step, Step::Create(lease) if record::holder(lease) == Some("us")));
    bench.write(step, 0, 0);
    assert!(bench.candidate.term().is_some());
}

#[test]
fn anothers_lease_is_left_alone_until_it_was_seen_unchanged_for_its_duration() {
    let mut bench = Bench::new();
    assert_eq!(bench.look(0, Some(held_by("them", 1, 0))), Step::Wait);
    assert_eq!(bench.look(14, Some(held_by("them", 1, 0))), Step::Wait);
    let step = bench.look(15, Some(held_by("them", 1, 0)));
    assert_eq!(transitions(&step), Some(1));
    assert!(matches!(step, Step::Replace(lease) if lease.metadata.resource_version.as_deref() == Some("1")));
}

#[test]
fn the_remote_clock_does_not_matter() {
    let mut bench = Bench::new();
    // Their renewals bear times of the far past, and then of the far future.
    assert_eq!(bench.look(0, Some(held_by("them", 1, 0))), Step::Wait);
    assert_eq!(bench.look(14, Some(held_by("them", 2, 1))), Step::Wait);
    assert_eq!(bench.look(28, Some(held_by("them", 3, 900_000))), Step::Wait);
    assert!(matches!(bench.look(43, Some(held_by("them", 3, 900_000))), Step::Replace(_)));
}

#[test]
fn a_change_beside_the_record_is_no_sign_of_life() {
    let mut bench = Bench::new();
    assert_eq!(bench.look(0, Some(held_by("them", 1, 0))), Step::Wait);
    let mut annotated = held_by("them", 2, 0);
    annotated.metadata.annotations = Some([("note".to_owned(), "x".to_owned())].into());
    let Step::Replace(lease) = bench.look(15, Some(annotated)) else { panic!("expired") };
    assert!(lease.metadata.annotations.is_some(), "what others wrote stays");
}

#[test]
fn a_released_lease_is_taken_at_once_and_counts_as_a_transition() {
    let mut bench = Bench::new();
    let released = record::released(&held_by("them", 1, 0), wall(0));
    assert_eq!(transitions(&bench.look(0, Some(released))), Some(1));
}

#[test]
fn a_renewal_keeps_the_time_of_acquisition_and_the_transitions() {
    let mut bench = Bench::new();
    let step = bench.look(0, None);
    bench.write(step, 0, 0);
    bench.candidate.begin();
    let Step::Replace(lease) = bench.step(2) else { panic!("a leader writes without looking") };
    let spec = lease.spec.expect("a record");
    assert_eq!(spec.acquire_time.map(|time| time.0), Some(wall(0)));
    assert_eq!(spec.renew_time.map(|time| time.0), Some(wall(2)));
    assert_eq!(spec.lease_transitions, Some(0));
}

#[test]
fn the_term_counts_from_the_sending_of_the_write() {
    let mut bench = Bench::new();
    let step = bench.look(0, None);
    bench.write(step, 0, 4);
    bench.candidate.begin();
    assert!(matches!(bench.step(9), Step::Replace(_)));
    assert_eq!(
        bench.step(10),
        Step::Lost(Lost::NotRenewed { lease: name(), since: Duration::from_secs(10) })
    );
}

#[test]
fn a_leader_that_meets_another_holder_has_lost() {
    let mut bench = Bench::new();
    let step = bench.look(0, None);
    bench.write(step, 0, 0);
    bench.candidate.begin();
    bench.candidate.writing();
    bench.candidate.conflicted();
    assert_eq!(bench.step(2), Step::Read);
    let now = bench.at(2);
    bench.candidate.read(Some(held_by("them", 9, 0)), now);
    assert_eq!(bench.step(2), Step::Lost(Lost::Taken { lease: name(), by: "them".into() }));
    assert_eq!(bench.candidate.release(wall(2)), Step::Wait, "another's lease is not released");
}

#[test]
fn a_conflict_about_ones_own_lease_is_read_and_written_again() {
    let mut bench = Bench::new();
    let step = bench.look(0, None);
    bench.write(step, 0, 0);
    bench.candidate.begin();
    bench.candidate.conflicted();
    assert_eq!(bench.step(2), Step::Read);
    let now = bench.at(2);
    bench.candidate.read(Some(held_by("us", 9, 0)), now);
    assert!(
        matches!(bench.step(2), Step::Replace(lease) if lease.metadata.resource_version.as_deref() == Some("9"))
    );
    bench.candidate.conflicted();
    assert_eq!(bench.step(2), Step::Wait, "an attempt does not go on for ever");
}

#[test]
fn a_write_without_an_answer_is_looked_after_before_the_release() {
    let mut bench = Bench::new();
    assert!(matches!(bench.look(0, None), Step::Create(_)));
    bench.candidate.writing();
    bench.candidate.failed(false);
    assert!(bench.candidate.term().is_none());
    assert_eq!(bench.candidate.release(wall(1)), Step::Read);
    let now = bench.at(1);
    bench.candidate.read(Some(held_by("us", 1, 0)), now);
    assert!(
        matches!(bench.candidate.release(wall(1)), Step::Replace(lease) if record::holder(&lease).is_none())
    );
}

#[test]
fn a_duration_of_nonsense_counts_as_ones_own() {
    for seconds in [None, Some(0), Some(-5)] {
        let mut bench = Bench::new();
        let mut lease = held_by("them", 1, 0);
        lease.spec.as_mut().expect("a record").lease_duration_seconds = seconds;
        assert_eq!(bench.look(0, Some(lease.clone())), Step::Wait);
        assert_eq!(bench.look(14, Some(lease.clone())), Step::Wait);
        assert!(matches!(bench.look(15, Some(lease)), Step::Replace(_)));
    }
}

#[test]
fn times_that_could_let_two_lead_are_refused() {
    let s = Duration::from_secs;
    assert!(Timing::new(s(15), s(10), s(2)).is_ok());
    for (lease, renew, retry) in [(10, 10, 2), (15, 2, 2), (15, 10, 0), (0, 0, 0)] {
        assert!(Timing::new(s(lease), s(renew), s(retry)).is_err(), "{lease} {renew} {retry}");
    }
}
