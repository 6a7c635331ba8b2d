//! Workloads.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{
    at, containers, items, joined, labels, number, scalar, selector, selector_or_empty, text, text_or,
};
use super::duration;

const TEMPLATE: &str = "/spec/template/spec";

fn with_containers(mut cells: Vec<Value>, spec: &Value) -> Vec<Value> {
    cells.extend(containers(spec));
    cells
}

pub(super) fn deployment(object: &Value, age: Value) -> Vec<Value> {
    let cells = vec![
        json!(format!("{}/{}", number(object, "/status/readyReplicas"), number(object, "/spec/replicas"))),
        json!(number(object, "/status/updatedReplicas")),
        json!(number(object, "/status/availableReplicas")),
        age,
    ];
    let mut cells = with_containers(cells, at(object, TEMPLATE));
    cells.push(json!(selector_or_empty(at(object, "/spec/selector"))));
    cells
}

fn counts(object: &Value, age: Value) -> Vec<Value> {
    let cells = vec![
        json!(number(object, "/spec/replicas")),
        json!(number(object, "/status/replicas")),
        json!(number(object, "/status/readyReplicas")),
        age,
    ];
    with_containers(cells, at(object, TEMPLATE))
}

pub(super) fn replica_set(object: &Value, age: Value) -> Vec<Value> {
    let mut cells = counts(object, age);
    cells.push(json!(selector(at(object, "/spec/selector"))));
    cells
}

pub(super) fn replication_controller(object: &Value, age: Value) -> Vec<Value> {
    let mut cells = counts(object, age);
    cells.push(json!(labels(at(object, "/spec/selector"))));
    cells
}

pub(super) fn stateful_set(object: &Value, age: Value) -> Vec<Value> {
    let ready = format!("{}/{}", number(object, "/status/readyReplicas"), number(object, "/spec/replicas"));
    with_containers(vec![json!(ready), age], at(object, TEMPLATE))
}

pub(super) fn daemon_set(object: &Value, age: Value) -> Vec<Value> {
    let mut cells: Vec<Value> = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ]
    .iter()
    .map(|field| json!(number(object, &format!("/status/{field}"))))
    .collect();
    cells.extend([json!(labels(at(object, "/spec/template/spec/nodeSelector"))), age]);
    let mut cells = with_containers(cells, at(object, TEMPLATE));
    cells.push(json!(selector(at(object, "/spec/selector"))));
    cells
}

pub(super) fn controller_revision(object: &Value, age: Value) -> Vec<Value> {
    let controller = items(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| at(owner, "/controller").as_bool() == Some(true))
        .map_or_else(
            || "<none>".to_owned(),
            |owner| {
                let (group, kind) = (text(owner, "/apiVersion"), text(owner, "/kind").to_lowercase());
                let group = group.split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
                format!("{kind}{group}/{}", text(owner, "/name"))
            },
        );
    vec![json!(controller), json!(number(object, "/revision")), age]
}

pub(super) fn pod_template(object: &Value) -> Vec<Value> {
    let cells = with_containers(Vec::new(), at(object, "/template/spec"));
    [cells, vec![json!(labels(at(object, "/template/metadata/labels")))]].concat()
}

pub(super) fn job(object: &Value, age: Value, now: Timestamp) -> Vec<Value> {
    let succeeded = number(object, "/status/succeeded");
    let parallelism = number(object, "/spec/parallelism");
    let completions = match at(object, "/spec/completions").as_i64() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        None => format!("{succeeded}/1"),
    };
    let started = duration::parse(object.pointer("/status/startTime"));
    let ended = duration::parse(object.pointer("/status/completionTime")).unwrap_or(now);
    let took =
        started.map_or_else(String::new, |started| duration::human(ended.as_second() - started.as_second()));
    let is = |kind: &str| {
        items(object, "/status/conditions")
            .iter()
            .any(|condition| text(condition, "/type") == kind && text(condition, "/status") == "True")
    };
    let status = if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if !at(object, "/metadata/deletionTimestamp").is_null() {
        "Terminating"
    } else {
        ["Suspended", "FailureTarget", "SuccessCriteriaMet"]
            .into_iter()
            .find(|kind| is(kind))
            .unwrap_or("Running")
    };
    let cells = vec![json!(status), json!(completions), json!(took), age];
    let mut cells = with_containers(cells, at(object, TEMPLATE));
    cells.push(json!(selector(at(object, "/spec/selector"))));
    cells
}

pub(super) fn cron_job(object: &Value, age: Value, now: Timestamp) -> Vec<Value> {
    let last = match object.pointer("/status/lastScheduleTime").filter(|time| !time.is_null()) {
        Some(time) => duration::since(Some(time), now),
        None => "<none>".to_owned(),
    };
    let suspend = match at(object, "/spec/suspend").as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let cells = vec![
        json!(text(object, "/spec/schedule")),
        json!(text_or(object, "/spec/timeZone", "<none>")),
        json!(suspend),
        json!(items(object, "/status/active").len()),
        json!(last),
        age,
    ];
    let mut cells = with_containers(cells, at(object, "/spec/jobTemplate/spec/template/spec"));
    cells.push(json!(selector(at(object, "/spec/jobTemplate/spec/selector"))));
    cells
}

pub(super) fn disruption_budget(object: &Value, age: Value) -> Vec<Value> {
    let bound = |field: &str| match at(object, field) {
        Value::Null => "N/A".to_owned(),
        value => scalar(value),
    };
    vec![
        json!(bound("/spec/minAvailable")),
        json!(bound("/spec/maxUnavailable")),
        json!(number(object, "/status/disruptionsAllowed")),
        age,
    ]
}

pub(super) fn autoscaler(object: &Value, age: Value) -> Vec<Value> {
    let target = at(object, "/spec/scaleTargetRef");
    let current = items(object, "/status/currentMetrics");
    let metrics: Vec<String> = items(object, "/spec/metrics")
        .iter()
        .enumerate()
        .map(|(index, metric)| metric_line(metric, current.get(index).unwrap_or(&Value::Null)))
        .collect();
    let shown = match metrics.as_slice() {
        [] => "<none>".to_owned(),
        [first, second, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second} + {} more...", rest.len())
        }
        all => joined_with_spaces(all),
    };
    let least =
        at(object, "/spec/minReplicas").as_i64().map_or("<unset>".to_owned(), |number| number.to_string());
    vec![
        json!(format!("{}/{}", text(target, "/kind"), text(target, "/name"))),
        json!(shown),
        json!(least),
        json!(number(object, "/spec/maxReplicas")),
        json!(number(object, "/status/currentReplicas")),
        age,
    ]
}

fn joined_with_spaces(all: &[String]) -> String {
    joined(all.iter().map(String::as_str)).replace(',', ", ")
}

/// `cpu: 12%/80%`, or `cpu: 300m/1`; what is not known yet is `<unknown>`.
fn metric_line(metric: &Value, current: &Value) -> String {
    let kind = text(metric, "/type");
    let mut field = kind.to_owned();
    field.get_mut(..1).map(str::make_ascii_lowercase);
    let (wanted, now) = (at(metric, &format!("/{field}/target")), at(current, &format!("/{field}/current")));
    let known = |value: &Value, unit: &str| match value {
        Value::Null => "<unknown>".to_owned(),
        value => format!("{}{unit}", scalar(value)),
    };
    let prefix = match kind {
        "Resource" | "ContainerResource" => format!("{}: ", text(metric, &format!("/{field}/name"))),
        _ => String::new(),
    };
    if !at(wanted, "/averageUtilization").is_null() {
        let (now, wanted) = (at(now, "/averageUtilization"), at(wanted, "/averageUtilization"));
        return format!("{prefix}{}/{}", known(now, "%"), known(wanted, "%"));
    }
    for (field, unit) in [("/averageValue", ""), ("/value", "")] {
        if !at(wanted, field).is_null() {
            let suffix = if kind != "Resource" && field == "/averageValue" { " (avg)" } else { unit };
            return format!(
                "{prefix}{}/{}{suffix}",
                known(at(now, field), unit),
                known(at(wanted, field), unit)
            );
        }
    }
    format!("{prefix}<unknown>/<auto>")
}
