//! The arithmetic of one step of a rolling update.

use super::world::{World, rolling};

fn world(wanted: i32, surge: i32, unavailable: i32) -> World {
    let mut world = rolling(wanted, surge, unavailable);
    world.image(9);
    world
}

#[test]
fn the_new_replica_set_grows_into_the_surge_or_shrinks_to_the_size() {
    for (surge, old, new, expected) in
        [(0, 10, 0, 0), (2, 10, 0, 2), (2, 5, 0, 7), (2, 10, 2, 2), (0, 0, 11, 10), (0, 0, 10, 10)]
    {
        let mut world = world(10, surge, 0);
        world.add("new", 9, new, 100);
        world.add("old", 8, old, 50);
        let scaled = world.drive(|sync, sets| sync.reconcile_new(sets)).unwrap();
        assert_eq!(
            (world.size("new"), scaled),
            (expected, expected != new),
            "surge {surge} old {old} new {new}"
        );
    }
}

#[test]
fn old_pods_go_as_far_as_availability_allows() {
    // wanted, unavailable allowed, old size and available, new size and available, old size afterwards
    for (unavailable, old, new, expected) in [
        (0, (10, 10), (0, 0), 10),
        (2, (10, 10), (0, 0), 8),
        (2, (10, 8), (0, 0), 8),
        (2, (10, 10), (2, 0), 8),
        (2, (8, 8), (5, 0), 8),
        (2, (8, 8), (5, 1), 7),
        (1, (1, 1), (9, 9), 0),
        (2, (0, 0), (10, 10), 0),
        (0, (10, 0), (3, 0), 10),
    ] {
        let mut world = world(10, 3, unavailable);
        world.add("old", 8, old.0, 50)["status"]["availableReplicas"] = old.1.into();
        world.add("new", 9, new.0, 100)["status"]["availableReplicas"] = new.1.into();
        let scaled = world.drive(|sync, sets| sync.reconcile_old(sets)).unwrap();
        let case = format!("unavailable {unavailable} old {old:?} new {new:?}");
        assert_eq!((world.size("old"), scaled), (expected, expected != old.0), "{case}");
    }
}

#[test]
fn a_new_template_in_the_middle_lets_the_broken_pods_go_first() {
    let mut world = world(10, 3, 2);
    world.add("old", 7, 8, 50);
    world.add("broken", 8, 5, 60)["status"]["availableReplicas"] = 0.into();
    world.add("new", 9, 0, 100);
    world.drive(|sync, sets| sync.reconcile_old(sets)).unwrap();
    assert_eq!(world.sizes(), "old=8 broken=0 new=0");
}

#[test]
fn pods_that_are_not_available_go_first_and_no_more_than_allowed() {
    for (budget, expected, removed) in
        [(0, "a=4 b=3", 0), (1, "a=3 b=3", 1), (3, "a=2 b=2", 3), (9, "a=2 b=1", 4)]
    {
        let mut world = world(10, 0, 2);
        world.add("a", 7, 4, 10)["status"]["availableReplicas"] = 2.into();
        world.add("b", 8, 3, 20)["status"]["availableReplicas"] = 1.into();
        let count =
            world.drive(|sync, sets| sync.remove_unavailable(&mut sets.active_old(), budget)).unwrap();
        assert_eq!((world.sizes().as_str(), count), (expected, removed), "budget {budget}");
    }
}

#[test]
fn spare_available_pods_go_from_the_oldest() {
    for (wanted, unavailable, a, b, expected) in [
        (10, 0, 10, 0, "a=10 b=0"),
        (10, 2, 10, 0, "a=8 b=0"),
        (10, 2, 8, 0, "a=8 b=0"),
        (10, 2, 3, 7, "a=1 b=7"),
        (4, 1, 2, 5, "a=0 b=3"),
    ] {
        let mut world = world(wanted, 1, unavailable);
        world.add("a", 7, a, 10);
        world.add("b", 8, b, 20);
        world.drive(|sync, sets| sync.remove_available(sets, &sets.active_old())).unwrap();
        assert_eq!(world.sizes(), expected, "{wanted} {unavailable} {a} {b}");
    }
}

#[test]
fn recreate_waits_for_every_old_pod() {
    for (what, reported, owner, pods, waits) in [
        ("nothing left", 0, "old", 0, false),
        ("an old pod is reported", 1, "old", 0, true),
        ("a pod in the cache", 0, "old", 1, true),
        ("a pod of the new one", 0, "new", 1, false),
        ("a pod of a ReplicaSet that is gone", 0, "gone", 1, true),
    ] {
        let mut world = world(3, 0, 1);
        world.add("old", 8, 0, 50)["status"]["replicas"] = reported.into();
        world.add("new", 9, 3, 100);
        world.unfinished.insert(format!("u-{owner}").into(), pods);
        let running = world.drive(|sync, sets| Ok(sync.old_pods_running(sets))).unwrap();
        assert_eq!(running, waits, "{what}");
    }
}
