//! Availability: a pod that has been ready for long enough.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::Pod;

/// Whether a pod counts as available: ready, and for `min_ready_seconds` already.
#[must_use]
pub fn is_available(pod: &Pod, min_ready_seconds: i32, now: Timestamp) -> bool {
    pod.ready && (min_ready_seconds <= 0 || available_at(pod, min_ready_seconds).is_some_and(|at| at <= now))
}

fn available_at(pod: &Pod, min_ready_seconds: i32) -> Option<Timestamp> {
    let since = pod.ready_changed?;
    since.checked_add(SignedDuration::from_secs(i64::from(min_ready_seconds))).ok()
}

/// How long until the next pod becomes available, or `None` if none is on the way. `evaluated` is the moment for which
/// the status was computed, `now` the moment of asking: a pod that became available in between gives zero.
pub fn next_availability<'a>(
    pods: impl IntoIterator<Item = &'a Pod>,
    min_ready_seconds: i32,
    evaluated: Timestamp,
    now: Timestamp,
) -> Option<Duration> {
    let moment = (pods.into_iter())
        .filter(|pod| pod.ready && min_ready_seconds > 0)
        .filter_map(|pod| available_at(pod, min_ready_seconds))
        .filter(|at| *at > evaluated)
        .min()?;
    Some(Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{PodSpec, at};

    fn ready(since: Option<i64>) -> Pod {
        Pod { ready_changed: since.map(at), ..PodSpec::new("web-1").pod() }
    }

    #[test]
    fn a_pod_is_available_once_it_was_ready_for_long_enough() {
        for (ready_since, min_ready, now, available) in [
            (Some(0), 0, 0, true),
            (None, 0, 0, true),
            (Some(0), 10, 9, false),
            (Some(0), 10, 10, true),
            (None, 10, 100, false),
        ] {
            let pod = ready(ready_since);
            assert_eq!(
                is_available(&pod, min_ready, at(now)),
                available,
                "{ready_since:?} {min_ready} {now}"
            );
        }
        assert!(!is_available(&Pod { ready: false, ..ready(Some(0)) }, 0, at(100)));
    }

    #[test]
    fn the_next_availability_is_that_of_the_pod_that_is_nearest() {
        let next = |pods: &[Pod], min_ready, now| {
            next_availability(pods, min_ready, at(0), at(now)).map(|d| d.as_secs())
        };
        let unready = Pod { ready: false, ..ready(Some(-1)) };
        assert_eq!(next(&[], 10, 0), None);
        assert_eq!(
            next(&[ready(Some(-3)), ready(Some(-5)), ready(Some(-20)), unready.clone()], 10, 0),
            Some(5)
        );
        assert_eq!(next(&[ready(Some(-3))], 10, 2), Some(5), "two seconds have passed since");
        assert_eq!(next(&[ready(Some(-3))], 10, 9), Some(0), "it passed meanwhile");
        assert_eq!(next(&[ready(Some(-10))], 10, 0), None, "available already");
        assert_eq!(next(&[ready(Some(-3))], 0, 0), None);
        assert_eq!(next(&[unready, ready(None)], 10, 0), None);
    }
}
