//! What a Pod is going to do, from its annotation and its owner.

use k8s_openapi::api::core::v1::Pod;

/// The annotation that chooses.
pub(super) const ANNOTATION: &str = "kontext.dev/sim";

/// What a Pod does once it is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    Run,
    Unready,
    Pending,
    Crash,
    /// Runs and ends with this exit code.
    Exit(i32),
}

impl Behaviour {
    pub(super) fn of(pod: &Pod) -> Behaviour {
        let annotation = pod.metadata.annotations.as_ref().and_then(|all| all.get(ANNOTATION));
        let restart = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()).unwrap_or("Always");
        let behaviour = match annotation.map(|value| value.trim()) {
            Some("run") => Behaviour::Run,
            Some("unready") => Behaviour::Unready,
            Some("pending") => Behaviour::Pending,
            Some("crash") => Behaviour::Crash,
            Some("succeed") => Behaviour::Exit(0),
            Some(other) => match other.strip_prefix("fail=").and_then(|code| code.parse().ok()) {
                Some(code) => Behaviour::Exit(code),
                None => {
                    let name = pod.metadata.name.as_deref().unwrap_or_default();
                    tracing::warn!(pod = name, value = other, "unknown value of {ANNOTATION}, the pod runs");
                    Behaviour::Run
                }
            },
            None if is_of_job(pod) => Behaviour::Exit(0),
            None => Behaviour::Run,
        };
        // A container that is restarted after it ended has not ended for good.
        match (behaviour, restart) {
            (Behaviour::Exit(_), "Always") => Behaviour::Crash,
            (Behaviour::Exit(code), "OnFailure") if code != 0 => Behaviour::Crash,
            (behaviour, _) => behaviour,
        }
    }
}

fn is_of_job(pod: &Pod) -> bool {
    let owners = pod.metadata.owner_references.iter().flatten();
    owners.into_iter().any(|owner| owner.kind == "Job" && owner.controller == Some(true))
}
