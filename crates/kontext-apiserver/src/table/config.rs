//! Events, nodes, RBAC and what else has columns.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{at, items, joined, number, text, text_or};
use super::duration;

pub(super) fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let present = |pointer: &str| object.pointer(pointer).filter(|value| !value.is_null());
    // The two APIs name the same things differently.
    let either = |a: &str, b: &str| present(a).or_else(|| present(b)).cloned().unwrap_or(Value::Null);
    let first = either("/firstTimestamp", "/deprecatedFirstTimestamp");
    let first = if first.is_null() { at(object, "/eventTime").clone() } else { first };
    let first_seen = duration::since(Some(&first), now);
    let last = either("/lastTimestamp", "/deprecatedLastTimestamp");
    let mut last_seen = if last.is_null() { first_seen.clone() } else { duration::since(Some(&last), now) };
    let mut count = either("/count", "/deprecatedCount").as_i64().filter(|count| *count != 0).unwrap_or(1);
    if let Some(series) = present("/series") {
        last_seen = duration::since(series.get("lastObservedTime"), now);
        count = number(series, "/count");
    }
    let target = either("/involvedObject", "/regarding");
    let kind = text(&target, "/kind").to_lowercase();
    let name = text(&target, "/name");
    let shown = if name.is_empty() { kind } else { format!("{kind}/{name}") };
    let message = either("/message", "/note");
    vec![
        json!(last_seen),
        json!(text(object, "/type")),
        json!(text(object, "/reason")),
        json!(shown),
        json!(text(&target, "/fieldPath")),
        json!(source(object)),
        json!(message.as_str().unwrap_or_default().trim()),
        json!(first_seen),
        json!(count),
        json!(text(object, "/metadata/name")),
    ]
}

fn source(object: &Value) -> String {
    let first = |names: &[&'static str]| {
        names.iter().map(|name| text(object, name)).find(|text| !text.is_empty()).unwrap_or_default()
    };
    let component = first(&[
        "/source/component",
        "/deprecatedSource/component",
        "/reportingComponent",
        "/reportingController",
    ]);
    let instance = first(&["/source/host", "/deprecatedSource/host", "/reportingInstance"]);
    if instance.is_empty() { component.to_owned() } else { format!("{component}, {instance}") }
}

pub(super) fn node(object: &Value, age: Value) -> Vec<Value> {
    let ready =
        items(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == "Ready");
    let mut status = match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if at(object, "/spec/unschedulable").as_bool() == Some(true) {
        status.push_str(",SchedulingDisabled");
    }
    let mut roles: Vec<&str> = at(object, "/metadata/labels")
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role).filter(|role| !role.is_empty()),
            None if key == "kubernetes.io/role" => value.as_str().filter(|role| !role.is_empty()),
            None => None,
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    let address = |kind: &str| {
        let addresses = items(object, "/status/addresses");
        let found = addresses.iter().find(|address| text(address, "/type") == kind);
        found.map_or_else(|| "<none>".to_owned(), |address| text(address, "/address").to_owned())
    };
    let mut kernel = text_or(object, "/status/nodeInfo/kernelVersion", "<unknown>");
    let architecture = text(object, "/status/nodeInfo/architecture");
    if !architecture.is_empty() {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        json!(status),
        json!(if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }),
        age,
        json!(text(object, "/status/nodeInfo/kubeletVersion")),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        json!(text_or(object, "/status/nodeInfo/osImage", "<unknown>")),
        json!(kernel),
        json!(text_or(object, "/status/nodeInfo/containerRuntimeVersion", "<unknown>")),
    ]
}

pub(super) fn role_binding(object: &Value, age: Value) -> Vec<Value> {
    let role = at(object, "/roleRef");
    let subjects = |kind: &str| {
        let names: Vec<String> = items(object, "/subjects")
            .iter()
            .filter(|subject| text(subject, "/kind") == kind)
            .map(|subject| match kind {
                "ServiceAccount" => format!("{}/{}", text(subject, "/namespace"), text(subject, "/name")),
                _ => text(subject, "/name").to_owned(),
            })
            .collect();
        joined(names.iter().map(String::as_str)).replace(',', ", ")
    };
    vec![
        json!(format!("{}/{}", text(role, "/kind"), text(role, "/name"))),
        age,
        json!(subjects("User")),
        json!(subjects("Group")),
        json!(subjects("ServiceAccount")),
    ]
}

pub(super) fn priority_class(object: &Value, age: Value) -> Vec<Value> {
    vec![
        json!(number(object, "/value")),
        json!(at(object, "/globalDefault").as_bool().unwrap_or_default()),
        age,
        json!(text(object, "/preemptionPolicy")),
    ]
}

pub(super) fn resource_quota(object: &Value, age: Value) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in at(object, "/status/hard").as_object().into_iter().flatten() {
        let used = at(object, "/status/used").get(resource).and_then(Value::as_str).unwrap_or("0");
        let line = format!("{resource}: {used}/{}", hard.as_str().unwrap_or_default());
        if resource.starts_with("limits") { limits.push(line) } else { requests.push(line) }
    }
    vec![json!(requests.join(", ")), json!(limits.join(", ")), age]
}
