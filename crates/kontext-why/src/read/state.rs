//! The state of an object in a few words.

use kontext_core::text::{harmless, shortened};
use serde_json::Value;

use super::View;

/// `running`, `ready 2/3`, `terminating`; `None` for kinds that have no such state.
pub(crate) fn state(view: &View<'_>) -> Option<String> {
    if view.is_deleting() {
        return Some("terminating".into());
    }
    let (spec, status) = (&view.value()["spec"], &view.value()["status"]);
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    match view.key().kind() {
        "Pod" => pod(status),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController" => {
            let wanted = spec["replicas"].as_i64().unwrap_or(1);
            Some(format!("ready {}/{wanted}", number(&status["readyReplicas"])))
        }
        "DaemonSet" => {
            let wanted = number(&status["desiredNumberScheduled"]);
            Some(format!("ready {}/{wanted}", number(&status["numberReady"])))
        }
        "Job" => {
            let wanted = spec["completions"].as_i64().unwrap_or(1);
            Some(format!("completed {}/{wanted}", number(&status["succeeded"])))
        }
        _ => {
            let conditions = status["conditions"].as_array()?;
            let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
            Some(if ready["status"] == "True" { "ready" } else { "not ready" }.into())
        }
    }
}

fn pod(status: &Value) -> Option<String> {
    let phase = status["phase"].as_str()?;
    let list = |field: &str| status[field].as_array().map(Vec::as_slice).unwrap_or_default();
    let waiting = ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(list)
        .find_map(|container| container["state"]["waiting"]["reason"].as_str());
    let ready = list("conditions").iter().find(|condition| condition["type"] == "Ready");
    let phase = harmless(&shortened(phase, 40)).to_lowercase();
    Some(match (waiting.or_else(|| status["reason"].as_str()), ready) {
        (Some(why), _) => format!("{phase} ({})", harmless(&shortened(why, 40))),
        (None, Some(ready)) if phase == "running" && ready["status"] != "True" => "running, not ready".into(),
        _ => phase,
    })
}
