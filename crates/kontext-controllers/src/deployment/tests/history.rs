//! Cleaning up old ReplicaSets.

use super::world::rolling;

/// Old ReplicaSets as `(revision, created, spec, status, observed, deleting)`; names those that are left.
fn cleaned(limit: Option<i32>, old: &[(u32, i64, i32, i32, bool, bool)]) -> String {
    let mut world = rolling(1, 1, 0);
    world.image(99);
    world.change_spec(|spec| spec["revisionHistoryLimit"] = limit.into());
    for (revision, created, spec, status, observed, deleting) in old {
        let set = world.add(&format!("r{revision}-{created}"), *revision, *spec, *created);
        set["status"]["replicas"] = (*status).into();
        set["metadata"]["generation"] = if *observed { 1 } else { 2 }.into();
        if *deleting {
            set["metadata"]["deletionTimestamp"] = crate::fixtures::time(0).into();
        }
    }
    world.drive(|sync, sets| sync.clean_up(sets)).unwrap();
    world.sets.keys().cloned().collect::<Vec<_>>().join(" ")
}

const fn idle(revision: u32) -> (u32, i64, i32, i32, bool, bool) {
    (revision, 0, 0, 0, true, false)
}

#[test]
fn the_oldest_revisions_beyond_the_limit_go() {
    let four = [idle(4), idle(1), idle(3), idle(2)];
    assert_eq!(cleaned(Some(1), &four), "r4-0");
    assert_eq!(cleaned(Some(0), &four), "");
    assert_eq!(cleaned(Some(3), &four), "r2-0 r3-0 r4-0");
    assert_eq!(cleaned(Some(4), &four), "r1-0 r2-0 r3-0 r4-0");
    assert_eq!(cleaned(None, &four), "r1-0 r2-0 r3-0 r4-0");
    assert_eq!(cleaned(Some(i32::MAX), &four), "r1-0 r2-0 r3-0 r4-0");
}

#[test]
fn equal_revisions_go_by_age() {
    let twins = [(1, 30, 0, 0, true, false), (1, 10, 0, 0, true, false), (1, 20, 0, 0, true, false)];
    assert_eq!(cleaned(Some(1), &twins), "r1-30");
}

#[test]
fn one_that_is_not_idle_is_kept_and_none_goes_in_its_place() {
    for busy in [(1, 0, 1, 0, true, false), (1, 0, 0, 1, true, false), (1, 0, 0, 0, false, false)] {
        assert_eq!(cleaned(Some(1), &[busy, idle(2), idle(3)]), "r1-0 r3-0", "{busy:?}");
    }
    let dying = (1, 0, 0, 0, true, true);
    assert_eq!(cleaned(Some(1), &[dying, idle(2)]), "r1-0 r2-0", "one being deleted does not count");
}
