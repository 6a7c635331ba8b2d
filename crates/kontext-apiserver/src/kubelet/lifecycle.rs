//! The stages of a Pod's life: which comes after which, and when. Pure.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use tokio::time::Instant;

use super::behaviour::{Behaviour, Course};
use super::config::Config;

/// How far a Pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its containers are being created.
    Creating,
    /// The init container of this number runs.
    Initializing(usize),
    Running {
        ready: bool,
        restarts: i32,
    },
    /// Its containers ended with this code and wait to be started again.
    BackOff {
        code: i32,
        restarts: i32,
    },
    /// All containers ended with this code, for good.
    Ended {
        code: i32,
        restarts: i32,
    },
}

const FIRST_RESTART_DELAY: Duration = Duration::from_secs(10);
const LONGEST_RESTART_DELAY: Duration = Duration::from_secs(300);

impl Stage {
    /// What a Pod's status says; none while it has none.
    pub(super) fn observed(pod: &Pod) -> Option<Stage> {
        let status = pod.status.as_ref()?;
        let statuses = || status.container_statuses.iter().flatten();
        let restarts = statuses().map(|s| s.restart_count).max().unwrap_or(0);
        let code = |ended: &ContainerStatus| ended.state.as_ref()?.terminated.as_ref().map(|t| t.exit_code);
        match status.phase.as_deref()? {
            "Succeeded" => Some(Stage::Ended { code: 0, restarts }),
            "Failed" => Some(Stage::Ended { code: statuses().find_map(code).unwrap_or(1), restarts }),
            "Running" => {
                let waits =
                    statuses().find(|s| s.state.as_ref().is_some_and(|state| state.waiting.is_some()));
                let last = |s: &ContainerStatus| {
                    s.last_state.as_ref()?.terminated.as_ref().map(|terminated| terminated.exit_code)
                };
                Some(match waits {
                    Some(waits) => Stage::BackOff { code: last(waits).unwrap_or(1), restarts },
                    None => Stage::Running { ready: statuses().all(|s| s.ready), restarts },
                })
            }
            "Pending" if status.container_statuses.is_some() => {
                let mut init = status.init_container_statuses.iter().flatten();
                let running =
                    init.position(|s| s.state.as_ref().is_some_and(|state| state.running.is_some()));
                Some(running.map_or(Stage::Creating, Stage::Initializing))
            }
            _ => None,
        }
    }
}

/// What is known of a Pod when its next stage is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) behaviour: &'a Behaviour,
    /// Namespace and name, for the jitter.
    pub(super) name: (&'a str, &'a str),
    /// How many init containers run one after the other before the others start.
    pub(super) init_containers: usize,
    pub(super) bound_at: Instant,
    /// The stage that was reported last, and when.
    pub(super) reported: Option<(Stage, Instant)>,
}

/// The next stage and when it begins; `None` while the Pod stays as it is.
pub(super) fn next(config: &Config, of: Known<'_>) -> Option<(Stage, Instant)> {
    let behaviour = of.behaviour;
    let vary = |latency: Duration, what: &str| config.vary(latency, &[of.name.0, of.name.1, what]);
    let start = behaviour.start_delay.unwrap_or_else(|| vary(config.startup_latency, "start"));
    let ready = behaviour.ready_delay.unwrap_or_else(|| vary(config.ready_latency, "ready"));
    let run = behaviour.run_time.unwrap_or_else(|| vary(config.run_time, "run"));
    let init = vary(config.init_time, "init");
    let initializes = of.init_containers > 0 && !init.is_zero();
    let started = |restarts| match behaviour.course {
        Course::Run | Course::Exit(_) => Stage::Running { ready: ready.is_zero(), restarts },
        Course::Unready | Course::Pending => Stage::Running { ready: false, restarts },
        Course::Crash(_) if !run.is_zero() => Stage::Running { ready: ready.is_zero(), restarts },
        Course::Crash(code) => Stage::BackOff { code, restarts: restarts + 1 },
    };
    let first = if initializes { Stage::Initializing(0) } else { started(0) };
    let pending = behaviour.course == Course::Pending;
    match of.reported {
        None if pending || !start.is_zero() => Some((Stage::Creating, of.bound_at)),
        None => Some((first, of.bound_at)),
        Some((Stage::Creating, _)) => (!pending).then_some((first, of.bound_at + start)),
        Some((Stage::Initializing(number), since)) => {
            let more = number + 1 < of.init_containers;
            Some((if more { Stage::Initializing(number + 1) } else { started(0) }, since + init))
        }
        Some((Stage::Running { ready: is_ready, restarts }, since)) => match behaviour.course {
            Course::Unready => is_ready.then_some((Stage::Running { ready: false, restarts }, since)),
            Course::Crash(code) if is_ready || ready > run => {
                Some((Stage::BackOff { code, restarts: restarts + 1 }, since + run))
            }
            Course::Exit(code) if is_ready || ready > run => {
                Some((Stage::Ended { code, restarts }, since + run))
            }
            Course::Run | Course::Crash(_) | Course::Exit(_) if !is_ready => {
                Some((Stage::Running { ready: true, restarts }, since + ready))
            }
            _ => None,
        },
        Some((Stage::BackOff { restarts, .. }, since)) => {
            Some((started(restarts), since + restart_delay(restarts)))
        }
        Some((Stage::Ended { .. }, _)) => None,
    }
}

/// 10 s, 20 s, 40 s, ... up to five minutes.
fn restart_delay(restarts: i32) -> Duration {
    let doublings = u32::try_from(restarts.saturating_sub(1)).unwrap_or(0).min(10);
    FIRST_RESTART_DELAY.saturating_mul(1 << doublings).min(LONGEST_RESTART_DELAY)
}
