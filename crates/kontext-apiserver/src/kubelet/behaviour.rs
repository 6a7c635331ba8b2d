//! What a Pod is going to do, from its annotations, its owner and its restart policy.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use crate::duration;

/// What the containers do.
const BEHAVIOUR: &str = "kontext.dev/sim";
/// How long until they start, until they are ready, how long they run, and how long they take to end.
const START_DELAY: &str = "kontext.dev/sim-start-delay";
const READY_DELAY: &str = "kontext.dev/sim-ready-delay";
const RUN_TIME: &str = "kontext.dev/sim-run-time";
const END_DELAY: &str = "kontext.dev/sim-end-delay";

/// What a Pod does once it is bound. Times that it does not choose are the kubelet's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Behaviour {
    pub(super) course: Course,
    pub(super) start_delay: Option<Duration>,
    pub(super) ready_delay: Option<Duration>,
    pub(super) run_time: Option<Duration>,
    pub(super) end_delay: Option<Duration>,
}

/// The course that the containers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    Run,
    Unready,
    Pending,
    /// Exits with this code and is started again, and again.
    Crash(i32),
    /// Exits with this code for good.
    Exit(i32),
}

impl Behaviour {
    /// The behaviour, and what of the annotations was not understood.
    pub(super) fn of(pod: &Pod) -> (Behaviour, Vec<String>) {
        let mut wrong = Vec::new();
        let annotations = pod.metadata.annotations.as_ref();
        let value = |key: &str| annotations.and_then(|all| all.get(key)).map(|value| value.trim());
        let mut time = |key: &str| match value(key).map(duration::parse)? {
            Ok(time) => Some(time),
            Err(why) => {
                wrong.push(format!("{key}: {why}"));
                None
            }
        };
        let (start_delay, ready_delay) = (time(START_DELAY), time(READY_DELAY));
        let (run_time, end_delay) = (time(RUN_TIME), time(END_DELAY));
        let course = match value(BEHAVIOUR) {
            None if is_of_job(pod) => Course::Exit(0),
            None => Course::Run,
            Some(text) => chosen(text).unwrap_or_else(|| {
                wrong.push(format!(
                    "{BEHAVIOUR}: {text:?} is none of run, pending, unready, crash, crash=CODE, succeed, fail=CODE"
                ));
                Course::Run
            }),
        };
        let restart = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()).unwrap_or("Always");
        let course = under(restart, course);
        (Behaviour { course, start_delay, ready_delay, run_time, end_delay }, wrong)
    }
}

fn chosen(text: &str) -> Option<Course> {
    let code = |prefix: &str| text.strip_prefix(prefix).and_then(|code| code.parse().ok());
    match text {
        "run" => Some(Course::Run),
        "unready" => Some(Course::Unready),
        "pending" => Some(Course::Pending),
        "crash" => Some(Course::Crash(1)),
        "succeed" => Some(Course::Exit(0)),
        "fail" => Some(Course::Exit(1)),
        _ => code("fail=").map(Course::Exit).or_else(|| code("crash=").map(Course::Crash)),
    }
}

/// A container that is restarted after it ended has not ended for good, and one that is not cannot crash again.
fn under(restart_policy: &str, course: Course) -> Course {
    match (course, restart_policy) {
        (Course::Exit(code), "Always") => Course::Crash(code),
        (Course::Exit(code), "OnFailure") if code != 0 => Course::Crash(code),
        (Course::Crash(code), "Never") => Course::Exit(code),
        (course, _) => course,
    }
}

fn is_of_job(pod: &Pod) -> bool {
    let owners = pod.metadata.owner_references.iter().flatten();
    owners.into_iter().any(|owner| owner.kind == "Job" && owner.controller == Some(true))
}
