//! How many pods: surge, unavailability, and shares.

use thiserror::Error;

use super::annotations::{MAX_REPLICAS, number};
use crate::model::{Deployment, IntOrString, IntOrStringError, ReplicaSet, Strategy, Text};

/// How far a rolling update may stray from the wanted number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fenceposts {
    /// Pods above it.
    pub surge: i32,
    /// Pods below it.
    pub unavailable: i32,
}

/// A Deployment whose strategy cannot be computed with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FencepostError {
    /// `maxSurge` or `maxUnavailable` is neither a number nor a percentage.
    #[error(transparent)]
    Value(#[from] IntOrStringError),
    /// The strategy is not known.
    #[error("unexpected deployment strategy type: {0}")]
    Strategy(Text),
}

impl Fenceposts {
    /// Percentages of `wanted`: surge is rounded up, unavailability down. Both zero would never move, so then one pod may
    /// be unavailable. Missing values are zero.
    pub fn resolve(
        max_surge: Option<&IntOrString>,
        max_unavailable: Option<&IntOrString>,
        wanted: i32,
    ) -> Result<Self, IntOrStringError> {
        let of = |value: Option<&IntOrString>, up| value.map_or(Ok(0), |value| value.of(wanted, up));
        let (surge, unavailable) = (of(max_surge, true)?, of(max_unavailable, false)?);
        // Percentages of few pods can both round to nothing.
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Ok(Self { surge, unavailable })
    }

    /// Those of a Deployment: zero unless it rolls, unavailability at most all. What cannot be resolved counts as zero.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        let Strategy::RollingUpdate { max_surge, max_unavailable } = &deployment.strategy else {
            return Self::default();
        };
        let wanted = deployment.replicas;
        let resolved =
            Self::resolve(max_surge.as_ref(), max_unavailable.as_ref(), wanted).unwrap_or_default();
        let unavailable = if wanted == 0 { 0 } else { resolved.unavailable.min(wanted) };
        Self { unavailable, ..resolved }
    }
}

/// Most pods a Deployment may have in a rolling update.
pub(super) fn max_total(deployment: &Deployment) -> i32 {
    deployment.replicas.saturating_add(Fenceposts::of(deployment).surge)
}

/// Fewest available pods a Deployment should have in a rolling update.
pub(super) fn min_available(deployment: &Deployment) -> i32 {
    deployment.replicas - Fenceposts::of(deployment).unavailable
}

/// The size of the new ReplicaSet, which has `new` pods of `total` in all ReplicaSets.
pub(super) fn new_replicas(deployment: &Deployment, total: i32, new: i32) -> Result<i32, FencepostError> {
    match &deployment.strategy {
        Strategy::Recreate => Ok(deployment.replicas),
        Strategy::RollingUpdate { max_surge, .. } => {
            let surge = max_surge.as_ref().map_or(Ok(0), |surge| surge.of(deployment.replicas, true))?;
            let room = deployment.replicas.saturating_add(surge) - total;
            Ok(if room <= 0 { new } else { new + room.min(deployment.replicas - new) })
        }
        Strategy::Unknown(kind) => Err(FencepostError::Strategy(Text::clone(kind))),
    }
}

/// How many pods to add to each ReplicaSet (negative: to remove) so that together they change by `to_add`, each in
/// proportion to its size. `sets` are in the order in which they get their share; what rounding leaves goes to the
/// first, which does not go below zero.
pub(super) fn proportional_sizes(deployment: &Deployment, sets: &[&ReplicaSet], to_add: i32) -> Vec<i32> {
    let mut added = 0;
    let mut sizes: Vec<i32> = Vec::with_capacity(sets.len());
    for set in sets {
        let left = to_add - added;
        let share = if set.replicas == 0 || left == 0 {
            0
        } else if to_add > 0 {
            fraction(deployment, set).min(left)
        } else {
            fraction(deployment, set).max(left)
        };
        sizes.push(set.replicas + share);
        added += share;
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    sizes
}

/// A ReplicaSet's change if it kept its share of the Deployment. Computed in 64 bits, where upstream's 32 overflow for
/// sizes in the tens of thousands.
fn fraction(deployment: &Deployment, set: &ReplicaSet) -> i32 {
    if deployment.replicas == 0 {
        return -set.replicas;
    }
    let before = number(set, MAX_REPLICAS).filter(|max| *max != 0).unwrap_or(deployment.status.replicas);
    if before == 0 {
        return 0;
    }
    let scaled = i64::from(set.replicas) * i64::from(max_total(deployment));
    // Half away from zero; all of it is positive.
    let rounded = (2 * scaled + i64::from(before)) / (2 * i64::from(before));
    i32::try_from(rounded).unwrap_or(i32::MAX) - set.replicas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn value(text: &str) -> Option<IntOrString> {
        (text != "-").then(|| {
            serde_json::from_str(text).or_else(|_| serde_json::from_str(&format!("{text:?}"))).unwrap()
        })
    }

    fn deployment(wanted: i32, strategy: &str, surge: &str, unavailable: &str) -> Deployment {
        let mut deployment = fixtures::deployment(&fixtures::deployment_json(wanted));
        deployment.strategy = match strategy {
            "Recreate" => Strategy::Recreate,
            "RollingUpdate" => {
                Strategy::RollingUpdate { max_surge: value(surge), max_unavailable: value(unavailable) }
            }
            other => Strategy::Unknown(other.into()),
        };
        deployment
    }

    #[test]
    fn surge_rounds_up_unavailability_down_and_never_both_zero() {
        for (surge, unavailable, wanted, expected) in [
            ("0%", "0%", 0, Some((0, 1))),
            ("39%", "39%", 10, Some((4, 3))),
            ("0", "0", 10, Some((0, 1))),
            ("-", "-", 10, Some((0, 1))),
            ("-", "39%", 10, Some((0, 3))),
            ("39%", "-", 10, Some((4, 0))),
            ("5", "1", 10, Some((5, 1))),
            ("0%", "1%", 10, Some((0, 1))),
            ("oops", "39%", 10, None),
            ("55%", "urg", 10, None),
        ] {
            let resolved = Fenceposts::resolve(value(surge).as_ref(), value(unavailable).as_ref(), wanted);
            assert_eq!(
                resolved.ok().map(|f| (f.surge, f.unavailable)),
                expected,
                "{surge} {unavailable} of {wanted}"
            );
        }
    }

    #[test]
    fn unavailability_is_at_most_all_and_none_without_pods_or_without_rolling() {
        for (wanted, strategy, unavailable, expected) in [
            (10, "RollingUpdate", "5", 5),
            (10, "RollingUpdate", "10", 10),
            (5, "RollingUpdate", "10", 5),
            (0, "RollingUpdate", "5", 0),
            (1, "Recreate", "1", 0),
            (10, "RollingUpdate", "50%", 5),
            (10, "RollingUpdate", "100%", 10),
            (5, "RollingUpdate", "50%", 2),
        ] {
            let deployment = deployment(wanted, strategy, "0", unavailable);
            assert_eq!(
                Fenceposts::of(&deployment).unavailable,
                expected,
                "{wanted} {strategy} {unavailable}"
            );
            let minimum = if strategy == "Recreate" { wanted } else { wanted - expected };
            assert_eq!(min_available(&deployment), minimum);
        }
        assert_eq!(Fenceposts::of(&deployment(5, "Recreate", "3", "0")), Fenceposts::default());
    }

    #[test]
    fn the_new_replica_set_gets_what_surge_leaves() {
        for (strategy, wanted, surge, total, new, expected) in [
            ("RollingUpdate", 1, "1", 5, 5, Ok(5)),
            ("RollingUpdate", 6, "10", 2, 2, Ok(6)),
            ("RollingUpdate", 10, "0", 10, 0, Ok(0)),
            ("RollingUpdate", 10, "2", 10, 0, Ok(2)),
            ("RollingUpdate", 10, "2", 5, 0, Ok(7)),
            ("Recreate", 3, "0", 1, 1, Ok(3)),
        ] {
            let deployment = deployment(wanted, strategy, surge, "0");
            assert_eq!(
                new_replicas(&deployment, total, new),
                expected,
                "{strategy} {wanted} {surge} {total} {new}"
            );
        }
        let error = |strategy, surge| {
            new_replicas(&deployment(1, strategy, surge, "0"), 0, 0).unwrap_err().to_string()
        };
        assert_eq!(error("Sideways", "0"), "unexpected deployment strategy type: Sideways");
        assert_eq!(
            error("RollingUpdate", "many"),
            "invalid value for IntOrString: \"many\" is not a percentage"
        );
    }

    #[test]
    fn a_share_follows_the_size_before_scaling() {
        for (wanted, size, max_before, status, expected) in [
            (10, 5, Some("10"), 0, 0),
            (20, 5, Some("10"), 0, 5),
            (0, 5, Some("10"), 0, -5),
            (10, 5, None, 5, 5),
            (10, 5, None, 0, 0),
            (10, 5, Some("0"), 5, 5),
            (10, 5, Some("x"), 5, 5),
            (3, 1, Some("2"), 0, 1),
            (100_000, 50_000, Some("50000"), 0, 50_000),
        ] {
            let mut deployment = deployment(wanted, "RollingUpdate", "0", "1");
            deployment.status.replicas = status;
            let mut set = fixtures::replica_set("web", size);
            set.annotations.extend(max_before.map(|max| (MAX_REPLICAS.to_owned(), max.to_owned())));
            assert_eq!(fraction(&deployment, &set), expected, "{wanted} {size} {max_before:?} {status}");
        }
    }
}
