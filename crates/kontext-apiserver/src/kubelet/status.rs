//! The status of a Pod in each stage, as a kubelet writes it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};
use serde_json::{Value, json};

use super::lifecycle::Stage;

/// How times are written.
pub(super) fn time(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What a status is made from.
pub(super) struct Report<'a> {
    pub(super) pod: &'a Pod,
    pub(super) stage: Stage,
    /// Whether the readiness gates are open.
    pub(super) gates: bool,
    pub(super) ip: &'a str,
    pub(super) host_ip: &'a str,
    pub(super) now: Timestamp,
}

impl Report<'_> {
    /// A strategic merge patch of the status. It carries the uid, so that it cannot hit a namesake.
    pub(super) fn patch(&self) -> Value {
        let (pod, now) = (self.pod, time(self.now));
        let phase = match self.stage {
            Stage::Creating | Stage::Initializing(_) => "Pending",
            Stage::Running { .. } | Stage::BackOff { .. } => "Running",
            Stage::Ended { code: 0, .. } => "Succeeded",
            Stage::Ended { .. } => "Failed",
        };
        let started = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
        let mut status = json!({
            "phase": phase,
            "observedGeneration": pod.metadata.generation,
            "conditions": self.conditions(&now),
            "hostIP": self.host_ip,
            "hostIPs": [{"ip": self.host_ip}],
            "startTime": started.map_or_else(|| json!(now), |time| json!(time)),
            "containerStatuses": self.container_statuses(&now),
        });
        if !self.ip.is_empty() {
            status["podIP"] = json!(self.ip);
            status["podIPs"] = json!([{"ip": self.ip}]);
        }
        let init = self.init_statuses(&now);
        if !init.is_empty() {
            status["initContainerStatuses"] = json!(init);
        }
        json!({"metadata": {"uid": pod.metadata.uid}, "status": status})
    }

    fn conditions(&self, now: &str) -> [Value; 5] {
        let containers_ready = matches!(self.stage, Stage::Running { ready: true, .. });
        let ready = containers_ready && self.gates;
        let initialized = !self.has_init() || !matches!(self.stage, Stage::Creating | Stage::Initializing(_));
        let names: Vec<&str> = self.containers().iter().map(|container| container.name.as_str()).collect();
        let unready = format!("containers with unready status: [{}]", names.join(" "));
        let reason = match self.stage {
            _ if containers_ready => None,
            Stage::Ended { code: 0, .. } => Some(("PodCompleted", None)),
            Stage::Ended { .. } => Some(("PodFailed", None)),
            _ => Some(("ContainersNotReady", Some(unready.as_str()))),
        };
        let gates = Some(("ReadinessGatesNotReady", Some("the status of a readiness gate is not \"True\"")));
        let init = (!initialized).then_some(("ContainersNotInitialized", None));
        [
            self.condition("PodReadyToStartContainers", has_sandbox(self.stage), None, now),
            self.condition("Initialized", initialized, init, now),
            self.condition("Ready", ready, if containers_ready && !ready { gates } else { reason }, now),
            self.condition("ContainersReady", containers_ready, reason, now),
            self.condition("PodScheduled", true, None, now),
        ]
    }

    /// A condition; its transition time moves only with its status.
    fn condition(&self, kind: &str, holds: bool, why: Option<(&str, Option<&str>)>, now: &str) -> Value {
        let held = self
            .pod
            .status
            .as_ref()
            .and_then(|status| status.conditions.as_ref())
            .and_then(|conditions| conditions.iter().find(|condition| condition.type_ == kind));
        let status = if holds { "True" } else { "False" };
        let since = held
            .filter(|condition| condition.status == status)
            .and_then(|condition| condition.last_transition_time.as_ref())
            .map_or_else(|| json!(now), |time| json!(time));
        let (reason, message) = why.map_or((None, None), |(reason, message)| (Some(reason), message));
        // A null takes away what an earlier state had there.
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since,
            "observedGeneration": self.pod.metadata.generation})
    }

    fn containers(&self) -> &[Container] {
        self.pod.spec.as_ref().map_or(&[][..], |spec| spec.containers.as_slice())
    }

    fn init_containers(&self) -> &[Container] {
        self.pod.spec.as_ref().and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default()
    }

    fn has_init(&self) -> bool {
        !self.init_containers().is_empty()
    }

    fn container_statuses(&self, now: &str) -> Vec<Value> {
        let known = |name: &str| {
            let statuses = self.pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
            statuses.and_then(|statuses| statuses.iter().find(|status| status.name == name))
        };
        self.containers()
            .iter()
            .map(|container| self.container_status(container, known(&container.name), now))
            .collect()
    }

    fn container_status(&self, container: &Container, before: Option<&ContainerStatus>, now: &str) -> Value {
        let uid = self.pod.metadata.uid.as_deref().unwrap_or_default();
        let running_since = before
            .and_then(|before| before.state.as_ref()?.running.as_ref()?.started_at.as_ref())
            .map_or_else(|| json!(now), |time| json!(time));
        let before_restarts = before.map(|before| before.restart_count);
        // A new start has a new container.
        let id = |restarts: i32| match restarts {
            0 => format!("sim://{uid}/{}", container.name),
            _ => format!("sim://{uid}/{}/{restarts}", container.name),
        };
        let exited = |code: i32, restarts: i32| {
            json!({"terminated": {"exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
                "startedAt": running_since, "finishedAt": now, "containerID": id(restarts)}})
        };
        let last = || {
            before.and_then(|before| before.last_state.as_ref()).map_or_else(|| json!({}), |last| json!(last))
        };
        let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
        let (state, last, restarts, running) = match self.stage {
            Stage::Creating if !self.has_init() => (waiting("ContainerCreating"), json!({}), 0, false),
            Stage::Creating | Stage::Initializing(_) => (waiting("PodInitializing"), json!({}), 0, false),
            Stage::Running { restarts, .. } => {
                let since =
                    if before_restarts == Some(restarts) { running_since.clone() } else { json!(now) };
                (json!({"running": {"startedAt": since}}), last(), restarts, true)
            }
            Stage::BackOff { code, restarts } => {
                let wait = json!({"waiting": {"reason": "CrashLoopBackOff",
                    "message": format!("back-off restarting failed container={}", container.name)}});
                (wait, exited(code, restarts - 1), restarts, false)
            }
            Stage::Ended { code, restarts } => (exited(code, restarts), last(), restarts, false),
        };
        let mut status = json!({"name": container.name, "image": container.image, "imageID": "",
            "ready": matches!(self.stage, Stage::Running { ready: true, .. }), "started": running,
            "restartCount": restarts, "state": state, "lastState": last});
        match self.stage {
            Stage::Creating | Stage::Initializing(_) => {}
            Stage::BackOff { restarts, .. } => status["containerID"] = json!(id(restarts - 1)),
            _ => status["containerID"] = json!(id(restarts)),
        }
        status
    }

    /// Init containers have done their work before the others start; sidecars keep running.
    fn init_statuses(&self, now: &str) -> Vec<Value> {
        let mut number = 0;
        let status = |container: &Container| {
            let sidecar = container.restart_policy.as_deref() == Some("Always");
            let at = number;
            number += usize::from(!sidecar);
            let current = match self.stage {
                Stage::Creating => None,
                Stage::Initializing(current) => Some(current),
                _ => Some(usize::MAX),
            };
            let running = || json!({"running": {"startedAt": now}});
            let (state, ready) = match current {
                Some(current) if at < current && !sidecar => (
                    json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}),
                    true,
                ),
                Some(current) if (sidecar && at <= current) || at == current => (running(), sidecar),
                _ => (json!({"waiting": {"reason": "PodInitializing"}}), false),
            };
            json!({"name": container.name, "image": container.image, "imageID": "", "ready": ready,
                "started": sidecar && ready, "restartCount": 0, "state": state, "lastState": {}})
        };
        self.init_containers().iter().map(status).collect()
    }
}

/// A Pod that was created and has not ended has its network.
fn has_sandbox(stage: Stage) -> bool {
    !matches!(stage, Stage::Creating | Stage::Ended { .. })
}

/// The patch that says why a Pod cannot be bound.
pub(super) fn unschedulable(pod: &Pod, why: &str, now: Timestamp) -> Value {
    let report = Report { pod, stage: Stage::Creating, gates: false, ip: "", host_ip: "", now };
    let condition = report.condition("PodScheduled", false, Some(("Unschedulable", Some(why))), &time(now));
    json!({"metadata": {"uid": pod.metadata.uid}, "status": {"conditions": [condition]}})
}
