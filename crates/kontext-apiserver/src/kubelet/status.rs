//! The status of a Pod in each stage, as a kubelet writes it.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

/// How far a Pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Running,
    Unready,
    Crashing,
    /// All containers ended with this code.
    Ended(i32),
}

impl Stage {
    /// What a Pod's status says; none while it has not started.
    pub(super) fn observed(pod: &Pod) -> Option<Stage> {
        let status = pod.status.as_ref()?;
        let statuses = || status.container_statuses.iter().flatten();
        match status.phase.as_deref()? {
            "Succeeded" => Some(Stage::Ended(0)),
            "Failed" => {
                let ended = statuses().find_map(|s| s.state.as_ref()?.terminated.as_ref());
                Some(Stage::Ended(ended.map_or(1, |ended| ended.exit_code)))
            }
            "Running"
                if statuses().any(|s| s.state.as_ref().is_some_and(|state| state.waiting.is_some())) =>
            {
                Some(Stage::Crashing)
            }
            "Running" if statuses().all(|s| s.ready) => Some(Stage::Running),
            "Running" => Some(Stage::Unready),
            _ => None,
        }
    }
}

/// A strategic merge patch of the status. It carries the uid, so that it cannot hit a namesake.
pub(super) fn patch(pod: &Pod, stage: Stage, ip: &str, host_ip: &str, now: Timestamp) -> Value {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ready = stage == Stage::Running;
    let (ready_reason, containers_reason) = match stage {
        Stage::Running => (None, None),
        Stage::Ended(0) => (Some("PodCompleted"), Some("PodCompleted")),
        Stage::Ended(_) => (Some("PodFailed"), Some("PodFailed")),
        Stage::Unready | Stage::Crashing => (Some("ContainersNotReady"), Some("ContainersNotReady")),
    };
    let condition = |kind: &str, holds: bool, reason: Option<&str>| {
        let held = pod
            .status
            .as_ref()
            .and_then(|status| status.conditions.as_ref())
            .and_then(|conditions| conditions.iter().find(|condition| condition.type_ == kind));
        let status = if holds { "True" } else { "False" };
        // The transition time moves only with the status.
        let since = held
            .filter(|condition| condition.status == status)
            .and_then(|condition| condition.last_transition_time.as_ref())
            .map_or_else(|| json!(now), |time| json!(time));
        json!({"type": kind, "status": status, "reason": reason, "lastTransitionTime": since})
    };
    let conditions = [
        condition("PodReadyToStartContainers", !matches!(stage, Stage::Ended(_)), None),
        condition("Initialized", true, None),
        condition("Ready", ready, ready_reason),
        condition("ContainersReady", ready, containers_reason),
        condition("PodScheduled", true, None),
    ];
    let phase = match stage {
        Stage::Ended(0) => "Succeeded",
        Stage::Ended(_) => "Failed",
        _ => "Running",
    };
    let started = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    json!({
        "metadata": {"uid": pod.metadata.uid},
        "status": {
            "phase": phase,
            "observedGeneration": pod.metadata.generation,
            "conditions": conditions,
            "hostIP": host_ip,
            "hostIPs": [{"ip": host_ip}],
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "startTime": started.map_or_else(|| json!(now), |time| json!(time)),
            "containerStatuses": container_statuses(pod, stage, &now),
            "initContainerStatuses": init_statuses(pod, &now),
        }
    })
}

fn container_statuses(pod: &Pod, stage: Stage, now: &str) -> Vec<Value> {
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let containers = pod.spec.as_ref().map_or(&[][..], |spec| spec.containers.as_slice());
    containers
        .iter()
        .map(|container| {
            let id = format!("sim://{uid}/{}", container.name);
            let exited = |code: i32| {
                let reason = if code == 0 { "Completed" } else { "Error" };
                json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now,
                    "containerID": id}})
            };
            let (state, last, restarts) = match stage {
                Stage::Running | Stage::Unready => (json!({"running": {"startedAt": now}}), json!({}), 0),
                Stage::Ended(code) => (exited(code), json!({}), 0),
                Stage::Crashing => {
                    let waiting = json!({"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"});
                    (json!({"waiting": waiting}), exited(1), 1)
                }
            };
            json!({"name": container.name, "image": container.image, "imageID": "", "containerID": id,
                "ready": stage == Stage::Running, "started": matches!(stage, Stage::Running | Stage::Unready),
                "restartCount": restarts, "state": state, "lastState": last})
        })
        .collect()
}

/// Init containers have done their work before the others start; sidecars keep running.
fn init_statuses(pod: &Pod, now: &str) -> Option<Vec<Value>> {
    let containers = pod.spec.as_ref()?.init_containers.as_ref()?;
    let status = |container: &k8s_openapi::api::core::v1::Container| {
        let sidecar = container.restart_policy.as_deref() == Some("Always");
        let state = if sidecar {
            json!({"running": {"startedAt": now}})
        } else {
            json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}})
        };
        json!({"name": container.name, "image": container.image, "imageID": "", "ready": true, "started": sidecar,
            "restartCount": 0, "state": state, "lastState": {}})
    };
    Some(containers.iter().map(status).collect())
}
