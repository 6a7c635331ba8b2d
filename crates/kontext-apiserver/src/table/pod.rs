//! Pods: the STATUS and RESTARTS columns are worked out from the containers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{at, items, number, text, text_or};
use super::duration;

/// The state of a Pod as a person reads it.
struct Summary {
    ready: usize,
    reason: String,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

pub(super) fn cells(pod: &Value, age: Value, now: Timestamp) -> Vec<Value> {
    let Summary { ready, reason, restarts, last_restart } = summary(pod);
    let total = items(pod, "/spec/containers").len() + sidecars(pod).count();
    let restarts = match last_restart {
        Some(time) if restarts != 0 => {
            format!("{restarts} ({} ago)", duration::human(now.as_second() - time.as_second()))
        }
        _ => restarts.to_string(),
    };
    let ip = items(pod, "/status/podIPs").first().map_or("", |ip| text(ip, "/ip"));
    vec![
        json!(format!("{ready}/{total}")),
        json!(reason),
        json!(restarts),
        age,
        json!(if ip.is_empty() { "<none>" } else { ip }),
        json!(text_or(pod, "/spec/nodeName", "<none>")),
        json!(text_or(pod, "/status/nominatedNodeName", "<none>")),
        json!(readiness_gates(pod)),
    ]
}

/// The row's condition for a Pod that has ended.
pub(super) fn conditions(pod: &Value) -> Option<Value> {
    let reason = match text(pod, "/status/phase") {
        phase @ ("Succeeded" | "Failed") => phase,
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason}]))
}

/// Init containers that keep running.
fn sidecars(pod: &Value) -> impl Iterator<Item = &str> {
    items(pod, "/spec/initContainers")
        .iter()
        .filter(|container| text(container, "/restartPolicy") == "Always")
        .map(|container| text(container, "/name"))
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    items(pod, "/status/conditions")
        .iter()
        .any(|condition| text(condition, "/type") == kind && text(condition, "/status") == "True")
}

fn last_exit(status: &Value) -> Option<Timestamp> {
    duration::parse(status.pointer("/lastState/terminated/finishedAt"))
}

fn summary(pod: &Value) -> Summary {
    let phase = text(pod, "/status/phase");
    let gated = items(pod, "/status/conditions").iter().any(|condition| {
        text(condition, "/type") == "PodScheduled" && text(condition, "/reason") == "SchedulingGated"
    });
    let reason = if gated { "SchedulingGated".to_owned() } else { text_or(pod, "/status/reason", phase) };
    let mut summary = Summary { ready: 0, reason, restarts: 0, last_restart: None };
    let initializing = init_containers(pod, &mut summary);
    if !initializing || has_condition(pod, "Initialized") {
        main_containers(pod, &mut summary);
    }
    if !at(pod, "/metadata/deletionTimestamp").is_null() {
        if text(pod, "/status/reason") == "NodeLost" {
            summary.reason = "Unknown".to_owned();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            summary.reason = "Terminating".to_owned();
        }
    }
    summary
}

/// Looks at the init containers; true while they are not done.
fn init_containers(pod: &Value, summary: &mut Summary) -> bool {
    let statuses = items(pod, "/status/initContainerStatuses");
    for (index, status) in statuses.iter().enumerate() {
        let sidecar = sidecars(pod).any(|name| name == text(status, "/name"));
        summary.restarts += number(status, "/restartCount");
        summary.last_restart = summary.last_restart.max(last_exit(status));
        let ended = at(status, "/state/terminated");
        let waiting = text(status, "/state/waiting/reason");
        if !ended.is_null() && number(ended, "/exitCode") == 0 {
            continue;
        }
        if sidecar && at(status, "/started").as_bool() == Some(true) {
            summary.ready += usize::from(at(status, "/ready").as_bool() == Some(true));
            continue;
        }
        summary.reason = if !ended.is_null() {
            format!("Init:{}", exit_reason(ended))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{}", items(pod, "/spec/initContainers").len())
        };
        return true;
    }
    false
}

fn exit_reason(ended: &Value) -> String {
    match (text(ended, "/reason"), number(ended, "/signal")) {
        ("", 0) => format!("ExitCode:{}", number(ended, "/exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn main_containers(pod: &Value, summary: &mut Summary) {
    // Restarts of finished init containers no longer count; those of sidecars do.
    let sidecar_statuses = items(pod, "/status/initContainerStatuses")
        .iter()
        .filter(|status| sidecars(pod).any(|name| name == text(status, "/name")));
    (summary.restarts, summary.last_restart) = sidecar_statuses.fold((0, None), |(count, last), status| {
        (count + number(status, "/restartCount"), last.max(last_exit(status)))
    });
    let (mut running, mut failure) = (false, None);
    for status in items(pod, "/status/containerStatuses").iter().rev() {
        summary.restarts += number(status, "/restartCount");
        summary.last_restart = summary.last_restart.max(last_exit(status));
        let (waiting, ended) = (text(status, "/state/waiting/reason"), at(status, "/state/terminated"));
        if !waiting.is_empty() {
            summary.reason = waiting.to_owned();
        } else if !ended.is_null() {
            summary.reason = exit_reason(ended);
            if number(ended, "/exitCode") != 0 {
                failure = Some(summary.reason.clone());
            }
        } else if at(status, "/ready").as_bool() == Some(true) && !at(status, "/state/running").is_null() {
            running = true;
            summary.ready += 1;
        }
    }
    // One container that ended well does not end a Pod in which others run.
    if summary.reason == "Completed" {
        if running && has_condition(pod, "Ready") {
            summary.reason = "Running".to_owned();
        } else if let Some(failure) = failure {
            summary.reason = failure;
        } else if running {
            summary.reason = "NotReady".to_owned();
        }
    }
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates.iter().filter(|gate| has_condition(pod, text(gate, "/conditionType"))).count();
    format!("{open}/{}", gates.len())
}
