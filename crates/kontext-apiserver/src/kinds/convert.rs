//! Kinds served in two shapes over one storage.
//!
//! Events are stored as core `v1` and served as `events.k8s.io/v1` under other field names; a
//! HorizontalPodAutoscaler is stored as `autoscaling/v2` and served as `v1` with one cpu target.

use serde_json::{Map, Value, json};

/// How one served form turns into the stored one and back.
#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) storage_group: &'static str,
    pub(super) to_storage: fn(&mut Value),
    pub(super) from_storage: fn(&mut Value),
}

/// The conversion of a resource that is not served in its stored form.
pub(super) fn conversion(group: &str, version: &str, plural: &str) -> Option<Conversion> {
    match (group, version, plural) {
        ("events.k8s.io", "v1", "events") => {
            Some(Conversion { storage_group: "", to_storage: event_to_core, from_storage: event_from_core })
        }
        ("autoscaling", "v1", "horizontalpodautoscalers") => Some(Conversion {
            storage_group: "autoscaling",
            to_storage: autoscaler_to_v2,
            from_storage: autoscaler_from_v2,
        }),
        _ => None,
    }
}

/// Names in `events.k8s.io/v1`, and what core `v1` calls them.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

fn event_to_core(event: &mut Value) {
    let Some(fields) = event.as_object_mut() else { return };
    for (new, core) in EVENT_FIELDS {
        rename(fields, new, core);
    }
    // Core v1 always writes these, and times that are unset as null.
    for (field, empty) in [
        ("involvedObject", json!({})),
        ("source", json!({})),
        ("firstTimestamp", Value::Null),
        ("lastTimestamp", Value::Null),
        ("reportingComponent", json!("")),
        ("reportingInstance", json!("")),
    ] {
        fields.entry(field).or_insert(empty);
    }
    fields.insert("apiVersion".to_owned(), json!("v1"));
}

fn event_from_core(event: &mut Value) {
    let Some(fields) = event.as_object_mut() else { return };
    for (new, core) in EVENT_FIELDS {
        rename(fields, core, new);
    }
    fields.insert("apiVersion".to_owned(), json!("events.k8s.io/v1"));
}

fn rename(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = fields.remove(from) {
        fields.insert(to.to_owned(), value);
    }
}

/// Where `v1` keeps the metrics that it has no field for.
const METRICS_ANNOTATION: &str = "autoscaling.alpha.kubernetes.io/metrics";

fn autoscaler_to_v2(autoscaler: &mut Value) {
    let Some(fields) = autoscaler.as_object_mut() else { return };
    fields.insert("apiVersion".to_owned(), json!("autoscaling/v2"));
    let mut metrics = Vec::new();
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut)
        && let Some(target) = spec.remove("targetCPUUtilizationPercentage")
    {
        metrics.push(cpu_metric(&target));
    }
    if let Some(annotations) =
        fields.get_mut("metadata").and_then(|m| m.get_mut("annotations")).and_then(Value::as_object_mut)
        && let Some(Value::String(text)) = annotations.remove(METRICS_ANNOTATION)
        && let Ok(Value::Array(others)) = serde_json::from_str(&text)
    {
        metrics.extend(others);
    }
    if !metrics.is_empty()
        && let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.insert("metrics".to_owned(), Value::Array(metrics));
    }
    if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut)
        && let Some(current) = status.remove("currentCPUUtilizationPercentage")
    {
        let metric = json!({
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": current, "averageValue": "0"}},
        });
        status.insert("currentMetrics".to_owned(), json!([metric]));
    }
}

fn autoscaler_from_v2(autoscaler: &mut Value) {
    let Some(fields) = autoscaler.as_object_mut() else { return };
    fields.insert("apiVersion".to_owned(), json!("autoscaling/v1"));
    let mut others = Vec::new();
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("behavior");
        for metric in take_array(spec, "metrics") {
            match cpu_utilization(&metric, "target") {
                Some(target) if !spec.contains_key("targetCPUUtilizationPercentage") => {
                    spec.insert("targetCPUUtilizationPercentage".to_owned(), target);
                }
                _ => others.push(metric),
            }
        }
    }
    if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("conditions");
        for metric in take_array(status, "currentMetrics") {
            if let Some(current) = cpu_utilization(&metric, "current") {
                status.insert("currentCPUUtilizationPercentage".to_owned(), current);
            }
        }
        status.entry("currentReplicas").or_insert(json!(0));
    }
    if !others.is_empty()
        && let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(annotations) = metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
    {
        annotations.insert(METRICS_ANNOTATION.to_owned(), json!(Value::Array(others).to_string()));
    }
}

fn cpu_metric(target: &Value) -> Value {
    json!({
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
    })
}

fn cpu_utilization(metric: &Value, side: &str) -> Option<Value> {
    (metric["type"] == "Resource" && metric["resource"]["name"] == "cpu")
        .then(|| metric["resource"][side]["averageUtilization"].clone())
        .filter(|value| !value.is_null())
}

fn take_array(fields: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match fields.remove(name) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_the_way_through_core_v1() {
        let mut event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"},
            "regarding": {"kind": "Pod", "name": "p"}, "note": "hello", "reportingController": "c",
            "reportingInstance": "i", "eventTime": "2024-01-01T00:00:00.000000Z", "action": "A",
        });
        let sent = event.clone();
        event_to_core(&mut event);
        assert_eq!(event["involvedObject"]["name"], "p");
        assert_eq!(event["apiVersion"], "v1");
        event_from_core(&mut event);
        for (field, value) in sent.as_object().unwrap() {
            assert_eq!(&event[field], value, "{field}");
        }
    }

    #[test]
    fn an_autoscaler_survives_the_way_through_v2() {
        let sent = json!({
            "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
            "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 80},
        });
        let mut autoscaler = sent.clone();
        autoscaler_to_v2(&mut autoscaler);
        assert_eq!(autoscaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
        autoscaler_from_v2(&mut autoscaler);
        assert_eq!(autoscaler, sent);
    }
}
