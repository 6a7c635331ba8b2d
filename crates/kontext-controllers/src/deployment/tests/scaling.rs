//! Sizes outside of a rollout.

use expect_test::expect;

use super::world::{World, rolling};

/// Scales a Deployment from one size to another. `new` and `old` are sizes of ReplicaSets, old ones youngest first;
/// renders the sizes afterwards in the same order.
fn scale(from: (i32, i32), to: (i32, i32), new: Option<i32>, old: &[i32]) -> String {
    let mut world = rolling(to.0, to.1, 1);
    world.image(9);
    let mut names = Vec::new();
    if let Some(size) = new {
        world.add("new", 9, size, 100);
        names.push("new".to_owned());
    }
    for (age, size) in (0..).zip(old) {
        let name = format!("old-{age}");
        world.add(&name, u32::try_from(8 - age).unwrap(), *size, 50 - i64::from(age));
        names.push(name);
    }
    world.remember(from.0, from.1);
    world.deployment["status"]["replicas"] = (new.unwrap_or(0) + old.iter().sum::<i32>()).into();
    world.drive(|sync, sets| sync.scale(sets)).unwrap();
    let mut total = 0;
    let sizes: Vec<String> = (names.iter())
        .map(|name| {
            total += world.size(name);
            world.size(name).to_string()
        })
        .collect();
    assert!(total <= to.0 + to.1, "{total} pods are more than {} and {} surge", to.0, to.1);
    sizes.join("/")
}

#[test]
fn each_replica_set_keeps_its_share() {
    for (what, from, to, new, old, expected) in [
        ("one grows", 10, 12, Some(10), &[][..], "12"),
        ("one shrinks", 10, 5, Some(10), &[], "5"),
        ("grow", 5, 10, Some(2), &[3], "4/6"),
        ("shrink", 5, 3, Some(2), &[3], "1/2"),
        ("the small one goes", 9, 4, Some(8), &[1], "4/0"),
        ("grow with three", 7, 10, Some(2), &[3, 2], "3/4/3"),
        ("shrink with three", 13, 8, Some(2), &[8, 3], "1/5/2"),
        ("the youngest gets the rest", 3, 4, Some(1), &[1, 1], "2/1/1"),
        ("the oldest gives the rest", 3, 2, Some(1), &[1, 1], "1/1/0"),
        ("without a new one", 4, 5, None, &[2, 2], "3/2"),
        ("to zero", 6, 0, Some(3), &[2, 1], "0/0/0"),
        ("from zero", 0, 6, Some(0), &[0, 0], "6/0/0"),
        ("size and template at once", 10, 14, None, &[7, 3], "10/4"),
    ] {
        assert_eq!(
            scale((from, 0), (to, 0), new, old),
            expected,
            "{what}: {from} -> {to} with {new:?} {old:?}"
        );
    }
}

#[test]
fn surge_grows_with_the_size() {
    assert_eq!(scale((10, 2), (20, 2), Some(6), &[6]), "11/11");
    assert_eq!(scale((10, 3), (50, 6), Some(5), &[8]), "22/34");
}

#[test]
fn old_pods_go_once_the_new_replica_set_is_complete() {
    let saturated = |available: i32, old: &[i32]| {
        let mut world = rolling(4, 0, 1);
        world.image(9);
        world.add("new", 9, 4, 100)["status"]["availableReplicas"] = available.into();
        for (age, size) in (0..).zip(old) {
            world.add(&format!("old-{age}"), 8 - age, *size, 50);
        }
        world.remember(4, 0);
        world.drive(|sync, sets| sync.scale(sets)).unwrap();
        world
    };
    let mut world = saturated(4, &[2, 2]);
    assert_eq!(world.sizes(), "old-0=0 old-1=0 new=4");
    expect![[r#"
        deployment.ScaleReplicaSet: new has all 4 available: old old-0 2 -> 0
          Normal ScalingReplicaSet: Scaled down replica set old-0 from 2 to 0
        deployment.ScaleReplicaSet: new has all 4 available: old old-1 2 -> 0
          Normal ScalingReplicaSet: Scaled down replica set old-1 from 2 to 0
    "#]]
    .assert_eq(&world.told());
    let mut world = rolling(2, 0, 1);
    world.image(9);
    world.add("new", 9, 2, 100)["status"]["availableReplicas"] = 0.into();
    world.add("old", 8, 1, 50);
    world.remember(2, 1);
    world.change_spec(|spec| spec["strategy"]["rollingUpdate"]["maxSurge"] = 1.into());
    world.drive(|sync, sets| sync.scale(sets)).unwrap();
    assert_eq!(world.sizes(), "old=1 new=2", "new pods that are not available do not drive old ones out");
    assert_eq!(world.told(), "");
}

#[test]
fn scaling_in_the_middle_of_a_rollout_says_what_it_does() {
    let mut world = rolling(10, 0, 1);
    world.image(9);
    world.add("new", 9, 2, 100);
    world.add("old", 8, 3, 50);
    world.remember(5, 0);
    world.drive(|sync, sets| sync.scale(sets)).unwrap();
    expect![[r#"
        deployment.ScaleReplicaSet: scaling in proportion, 5 -> 10 wanted: old 3 -> 6
          Normal ScalingReplicaSet: Scaled up replica set old from 3 to 6
        deployment.ScaleReplicaSet: scaling in proportion, 5 -> 10 wanted: new 2 -> 4
          Normal ScalingReplicaSet: Scaled up replica set new from 2 to 4
    "#]]
    .assert_eq(&world.told());
}

#[test]
fn a_size_that_stays_still_gets_its_annotations() {
    let mut world = rolling(11, 0, 1);
    world.image(9);
    world.add("new", 9, 1, 100);
    world.add("old", 8, 9, 50);
    world.remember(10, 0);
    world.drive(|sync, sets| sync.scale(sets)).unwrap();
    expect![[r#"
        deployment.ScaleReplicaSet: scaling in proportion, 10 -> 11 wanted: old 9 -> 10
          Normal ScalingReplicaSet: Scaled up replica set old from 9 to 10
        deployment.ScaleReplicaSet: 11 wanted now: new stays at 1
    "#]]
    .assert_eq(&world.told());
}

#[test]
fn a_stale_memory_of_the_size_does_not_block_the_next_rollout() {
    let mut world = rolling(5, 1, 1);
    world.add("web-1", 1, 5, 0);
    world.remember(3, 1);
    world.image(2);
    world.settle();
    assert!(world.sizes().starts_with("web-1=0 ") && world.sizes().ends_with("=5"), "{}", world.sizes());
}

#[test]
fn with_strategy_recreate_several_active_replica_sets_are_left_alone() {
    let mut world = rolling(10, 0, 1);
    world.change_spec(|spec| spec["strategy"] = serde_json::json!({"type": "Recreate"}));
    world.add("new", 1, 2, 100);
    world.add("old", 8, 3, 50);
    world.remember(5, 0);
    world.drive(|sync, sets| sync.scale(sets)).unwrap();
    assert_eq!(world.told(), "");
}

/// Keeps the helper honest: a world whose ReplicaSets remember nothing is no scaling event.
#[test]
fn without_annotations_nothing_was_scaled() {
    let mut world: World = rolling(5, 1, 1);
    world.add("web-1", 1, 3, 0);
    world.sync().result.unwrap();
    assert!(world.told().contains("5 wanted, nothing old left: new web-1 3 -> 5"), "{}", world.sizes());
}
