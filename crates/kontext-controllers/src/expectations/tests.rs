use jiff::SignedDuration;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn key() -> Text {
    Text::from("shop/web")
}

fn pods(names: &[&str]) -> Vec<Text> {
    names.iter().map(|name| Text::from(*name)).collect()
}

#[test]
fn creations_are_counted_down_by_observations_and_failures() {
    let mut expectations = Expectations::default();
    assert_eq!(expectations.verdict("shop/web", at(0)), Verdict::Satisfied, "no record");
    expectations.expect_creations(&key(), 3, at(0));
    expectations.creation_observed("shop/web", "u-any");
    assert_eq!(expectations.verdict("shop/web", at(1)), Verdict::Waiting { creations: 2, deletions: 0 });
    expectations.creations_failed("shop/web", 2);
    assert_eq!(expectations.verdict("shop/web", at(1)), Verdict::Satisfied);
    expectations.creation_observed("shop/web", "u-any");
    assert_eq!(expectations.verdict("shop/web", at(1)), Verdict::Satisfied, "below zero is satisfied");
}

#[test]
fn an_expectation_expires_after_five_minutes() {
    let mut expectations = Expectations::default();
    expectations.expect_creations(&key(), 1, at(0));
    assert_ne!(expectations.verdict("shop/web", at(300)), Verdict::Satisfied);
    assert_eq!(
        expectations.verdict("shop/web", at(300) + SignedDuration::from_millis(1)),
        Verdict::Satisfied
    );
}

#[test]
fn a_deletion_counts_once_and_only_for_its_owner() {
    let mut expectations = Expectations::default();
    let other: Text = Text::from("shop/db");
    expectations.expect_deletions(&key(), pods(&["shop/web-1", "shop/web-2"]), at(0));
    expectations.expect_deletions(&other, pods(&["shop/db-1"]), at(0));
    assert!(!expectations.deletion_observed("shop/web", "shop/db-1"));
    assert!(expectations.deletion_observed("shop/web", "shop/web-1"));
    assert!(
        !expectations.deletion_observed("shop/web", "shop/web-1"),
        "the removal after the deletionTimestamp"
    );
    assert_eq!(expectations.verdict("shop/web", at(0)), Verdict::Waiting { creations: 0, deletions: 1 });
    assert!(expectations.deletion_observed("shop/web", "shop/web-2"));
    assert_eq!(expectations.verdict("shop/web", at(0)), Verdict::Satisfied);
    assert_eq!(expectations.verdict("shop/db", at(0)), Verdict::Waiting { creations: 0, deletions: 1 });
}

#[test]
fn new_expectations_replace_the_old_ones() {
    let mut expectations = Expectations::default();
    expectations.expect_creations(&key(), 5, at(0));
    expectations.expect_deletions(&key(), pods(&["shop/web-1"]), at(10));
    assert_eq!(expectations.verdict("shop/web", at(10)), Verdict::Waiting { creations: 0, deletions: 1 });
}

#[test]
fn a_forgotten_owner_leaves_nothing_for_its_namesake() {
    let mut expectations = Expectations::default();
    expectations.expect_creations(&key(), 5, at(0));
    expectations.forget("shop/web");
    assert_eq!(expectations.verdict("shop/web", at(1)), Verdict::Satisfied);
    expectations.creation_observed("shop/web", "u-any");
    expectations.creation_uncertain("shop/web");
    assert_eq!(expectations.verdict("shop/web", at(1)), Verdict::Satisfied);
}

/// Three creates, one of which timed out; one pod was seen.
fn uncertain() -> Expectations {
    let mut expectations = Expectations::default();
    expectations.expect_creations(&key(), 3, at(0));
    expectations.creation_uncertain("shop/web");
    expectations.creation_observed("shop/web", "u-any");
    assert_eq!(expectations.verdict("shop/web", at(1)), Verdict::Uncertain { creates: 1 });
    expectations
}

#[test]
fn a_create_that_never_happened_is_settled_by_a_live_list() {
    let rv = ResourceVersion::new("100");
    let live = pods(&["u1", "u2"]);
    let list = LiveList { resource_version: &rv, pods: &live };
    let mut expectations = uncertain();
    let verdict = expectations.resolve_uncertain("shop/web", list, None, |uid| uid == "u1", at(2));
    assert_eq!(verdict, Verdict::Waiting { creations: 1, deletions: 0 }, "u2 exists and is on its way");
    expectations.creation_observed("shop/web", "u1");
    let still = expectations.verdict("shop/web", at(2));
    assert_eq!(
        still,
        Verdict::Waiting { creations: 1, deletions: 0 },
        "u1 was in the store, its event came late"
    );
    expectations.creation_observed("shop/web", "u2");
    assert_eq!(expectations.verdict("shop/web", at(2)), Verdict::Satisfied, "the third never happened");
}

#[test]
fn a_create_that_happened_stays_expected() {
    let rv = ResourceVersion::new("100");
    let live = pods(&["u1", "u2", "u3"]);
    let list = LiveList { resource_version: &rv, pods: &live };
    let verdict = uncertain().resolve_uncertain("shop/web", list, None, |uid| uid == "u1", at(2));
    assert_eq!(verdict, Verdict::Waiting { creations: 2, deletions: 0 });
}

#[test]
fn a_cache_as_new_as_the_list_has_shown_everything() {
    let (rv, newer) = (ResourceVersion::new("99"), ResourceVersion::new("100"));
    let live = pods(&["u1", "deleted-since"]);
    let list = LiveList { resource_version: &rv, pods: &live };
    let verdict = uncertain().resolve_uncertain("shop/web", list, Some(&newer), |uid| uid == "u1", at(2));
    assert_eq!(verdict, Verdict::Satisfied);
}
