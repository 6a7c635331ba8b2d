//! Whatever the numbers: limits hold at every step, and every rollout ends.

use proptest::prelude::*;

use super::world::{World, rolling};
use crate::deployment::{
    DESIRED_REPLICAS, MAX_REPLICAS,
    arithmetic::{max_total, min_available, proportional_sizes},
};

fn total(world: &World) -> i32 {
    world.replica_sets().iter().map(|set| set.replicas).sum()
}

fn available(world: &World) -> i32 {
    world.replica_sets().iter().map(|set| set.status.available_replicas).sum()
}

/// Rolls until nothing moves, with `starting` pods becoming available per round; checks the limits at every step.
fn roll(world: &mut World, starting: i32, floor: i32) -> Result<(), TestCaseError> {
    let (ceiling, wanted) = (max_total(&world.deployment()).max(total(world)), world.deployment().replicas);
    for _ in 0..400 {
        let before = (world.deployment.clone(), world.sets.clone());
        let done = world.sync();
        prop_assert!(done.result.is_ok() && done.swallowed.is_none(), "{:?}", done);
        prop_assert!(
            total(world) <= ceiling,
            "{} of at most {ceiling}\n{}",
            total(world),
            world.log.join("\n")
        );
        world.now += 1;
        world.pods_follow(0);
        let left = available(world);
        prop_assert!(left >= floor, "{left} available of at least {floor}\n{}", world.log.join("\n"));
        world.pods_follow(starting);
        if before == (world.deployment.clone(), world.sets.clone()) {
            let deployment = world.deployment();
            prop_assert_eq!(deployment.status.updated_replicas, wanted, "{}", world.log.join("\n"));
            prop_assert_eq!(deployment.status.replicas, wanted);
            prop_assert_eq!(deployment.status.available_replicas, wanted);
            return Ok(());
        }
    }
    prop_assert!(false, "no end:\n{}", world.log.join("\n"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_rolling_update_never_breaks_its_limits_and_ends(
        wanted in 0..15_i32, surge in 0..6_i32, unavailable in 0..6_i32, starting in 1..5_i32, rollover in 0..6_usize,
    ) {
        let mut world = rolling(wanted, surge, unavailable);
        world.settle();
        world.image(2);
        let floor = min_available(&world.deployment());
        // In the middle of one rollout the next one begins.
        for _ in 0..rollover {
            world.sync().result.unwrap();
            world.now += 1;
            world.pods_follow(starting);
            prop_assert!(available(&world) >= floor);
            prop_assert!(total(&world) <= max_total(&world.deployment()));
        }
        world.image(3);
        roll(&mut world, starting, floor)?;
    }

    #[test]
    fn scaling_in_the_middle_of_a_rollout_ends_too(
        wanted in 1..15_i32, later in 0..25_i32, surge in 0..5_i32, unavailable in 0..5_i32, starting in 1..5_i32,
        rounds in 0..5_usize,
    ) {
        let mut world = rolling(wanted, surge, unavailable);
        world.settle();
        world.image(2);
        for _ in 0..rounds {
            world.sync().result.unwrap();
            world.now += 1;
            world.pods_follow(starting);
        }
        world.change_spec(|spec| spec["replicas"] = later.into());
        roll(&mut world, starting, 0)?;
    }

    #[test]
    fn shares_add_up_and_stay_within_the_limit(
        sizes in prop::collection::vec(1..200_i32, 1..6), wanted in 0..400_i32, surge in 0..30_i32, before in 0..400_i32,
    ) {
        let deployment = rolling(wanted, surge, 1).deployment();
        let sets: Vec<_> = sizes
            .iter()
            .map(|size| {
                let mut set = crate::fixtures::replica_set("web", *size);
                set.annotations.insert(DESIRED_REPLICAS.to_owned(), before.to_string());
                set.annotations.insert(MAX_REPLICAS.to_owned(), before.to_string());
                set
            })
            .collect();
        let allowed = if wanted > 0 { max_total(&deployment) } else { 0 };
        let have: i32 = sizes.iter().sum();
        let refs: Vec<_> = sets.iter().collect();
        let after = proportional_sizes(&deployment, &refs, allowed - have);
        prop_assert!(after.iter().all(|size| *size >= 0), "{:?}", after);
        let sum: i32 = after.iter().sum();
        // Only where the first one would go below zero is less removed than asked for.
        prop_assert!(sum == allowed || (after[0] == 0 && sum > allowed), "{:?} for {}", after, allowed);
    }
}
