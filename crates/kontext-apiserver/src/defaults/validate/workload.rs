//! The workload kinds: a template, and a selector that must match it.

use serde_json::Value;

use super::rules::{
    IMMUTABLE, at_most_all, count_or_percent, is_zero, not_negative, one_of, required_text, same,
};
use super::{Errors, pod, selector};
use crate::defaults::value::{is_nil, is_true, text};

static NULL: Value = Value::Null;

fn at<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or(&NULL)
}

/// The template's labels as messages show them (`null` when there are none).
fn labels(spec: &Value) -> &Value {
    at(spec, "/template/metadata/labels")
}

fn selector_matches_template(errors: &mut Errors, spec: &Value) {
    if !selector::matches(at(spec, "/selector"), labels(spec)) {
        errors.invalid(
            "spec.template.metadata.labels",
            labels(spec),
            "`selector` does not match template `labels`",
        );
    }
}

/// Selector and template of a controller whose pods run for ever. `what` is the kind in messages.
fn selector_and_template(errors: &mut Errors, spec: &Value, what: &str, selector_first: bool) {
    let chosen = at(spec, "/selector");
    let usable = if chosen.is_null() {
        errors.required("spec.selector", "");
        false
    } else {
        let usable = selector::form(errors, "spec.selector", chosen);
        if selector::is_empty(chosen) {
            errors.invalid("spec.selector", chosen, &format!("empty selector is invalid for {what}"));
        }
        usable
    };
    if !chosen.is_null() && !usable {
        if !errors.0.iter().any(|error| error.field == "spec.selector") {
            errors.invalid("spec.selector", chosen, "invalid label selector");
        }
    } else if chosen.is_null() {
        // A missing selector selects nothing.
        if selector_first {
            errors.invalid(
                "spec.template.metadata.labels",
                labels(spec),
                "`selector` does not match template `labels`",
            );
        }
    } else if !selector::is_empty(chosen) {
        selector_matches_template(errors, spec);
    }
}

fn template(errors: &mut Errors, spec: &Value, deadline_kind: &str) {
    let template = at(spec, "/template/spec");
    pod::template(errors, "spec.template.spec", template);
    let policy = at(template, "/restartPolicy");
    if !policy.is_null() && policy != "Always" {
        errors.unsupported("spec.template.spec.restartPolicy", policy, &["Always"]);
    }
    if !is_nil(template, "activeDeadlineSeconds") {
        errors.forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            &format!("activeDeadlineSeconds in {deadline_kind} is not Supported"),
        );
    }
}

fn immutable(errors: &mut Errors, spec: &Value, old: Option<&Value>, name: &str) {
    if let Some(old) = old
        && !same(spec.get(name), old.get(name))
    {
        errors.invalid(format!("spec.{name}"), spec.get(name).unwrap_or(&NULL), IMMUTABLE);
    }
}

pub(super) fn deployment(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    not_negative(errors, "spec", spec, &["replicas"]);
    selector_and_template(errors, spec, "deployment", true);
    template(errors, spec, "ReplicaSet");
    strategy(errors, spec);
    not_negative(errors, "spec", spec, &["minReadySeconds", "revisionHistoryLimit"]);
    if let Some(deadline) = spec.get("progressDeadlineSeconds").and_then(Value::as_i64) {
        not_negative(errors, "spec", spec, &["progressDeadlineSeconds"]);
        let ready = spec.get("minReadySeconds").and_then(Value::as_i64).unwrap_or_default();
        if deadline <= ready {
            errors.invalid(
                "spec.progressDeadlineSeconds",
                &Value::from(deadline),
                "must be greater than minReadySeconds",
            );
        }
    }
    immutable(errors, spec, old, "selector");
}

fn strategy(errors: &mut Errors, spec: &Value) {
    let strategy = at(spec, "/strategy");
    let rolling = at(strategy, "/rollingUpdate");
    match text(strategy, "type") {
        "Recreate" if !rolling.is_null() => errors.forbidden(
            "spec.strategy.rollingUpdate",
            "may not be specified when strategy `type` is 'Recreate'",
        ),
        "Recreate" => {}
        "RollingUpdate" => {
            let path = "spec.strategy.rollingUpdate";
            count_or_percent(errors, path, rolling, "maxUnavailable");
            count_or_percent(errors, path, rolling, "maxSurge");
            if is_zero(rolling.get("maxUnavailable")) && is_zero(rolling.get("maxSurge")) {
                let value = at(rolling, "/maxUnavailable");
                errors.invalid(format!("{path}.maxUnavailable"), value, "may not be 0 when `maxSurge` is 0");
            }
            at_most_all(errors, path, rolling, "maxUnavailable");
        }
        other => {
            // The message shows the server's internal form of the strategy.
            let value = format!("{{\"Type\":{},\"RollingUpdate\":{rolling}}}", Value::from(other));
            errors.push(
                "spec.strategy",
                "FieldValueNotSupported",
                format!("Unsupported value: {value}: supported values: \"Recreate\", \"RollingUpdate\""),
            );
        }
    }
}

pub(super) fn replica_set(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    not_negative(errors, "spec", spec, &["replicas", "minReadySeconds"]);
    // The real server calls it a deployment here.
    selector_and_template(errors, spec, "deployment", true);
    template(errors, spec, "ReplicaSet");
    immutable(errors, spec, old, "selector");
}

pub(super) fn replication_controller(errors: &mut Errors, spec: &Value) {
    not_negative(errors, "spec", spec, &["minReadySeconds"]);
    let chosen = at(spec, "/selector");
    if chosen.as_object().is_none_or(serde_json::Map::is_empty) {
        errors.required("spec.selector", "");
    }
    not_negative(errors, "spec", spec, &["replicas"]);
    if is_nil(spec, "template") {
        errors.required("spec.template", "");
        return;
    }
    if chosen
        .as_object()
        .is_some_and(|all| all.iter().any(|(key, value)| labels(spec).get(key) != Some(value)))
    {
        errors.invalid(
            "spec.template.metadata.labels",
            labels(spec),
            "`selector` does not match template `labels`",
        );
    }
    template(errors, spec, "ReplicationController");
}

pub(super) fn daemon_set(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    selector_and_template(errors, spec, "daemonset", true);
    template(errors, spec, "DaemonSet");
    update_strategy(errors, spec);
    not_negative(errors, "spec", spec, &["minReadySeconds", "revisionHistoryLimit"]);
    immutable(errors, spec, old, "selector");
}

fn update_strategy(errors: &mut Errors, spec: &Value) {
    let strategy = at(spec, "/updateStrategy");
    let rolling = at(strategy, "/rollingUpdate");
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" if rolling.is_null() => {
            errors.required("spec.updateStrategy.rollingUpdate", "");
        }
        "RollingUpdate" => {
            let path = "spec.updateStrategy.rollingUpdate";
            count_or_percent(errors, path, rolling, "maxUnavailable");
            at_most_all(errors, path, rolling, "maxUnavailable");
            count_or_percent(errors, path, rolling, "maxSurge");
            at_most_all(errors, path, rolling, "maxSurge");
        }
        other => {
            // The message shows the server's internal form of the strategy.
            let value = format!("{{\"Type\":{},\"RollingUpdate\":{rolling}}}", Value::from(other));
            let known = "supported values: \"RollingUpdate\", \"OnDelete\"";
            let message = format!("Unsupported value: {value}: {known}");
            errors.push("spec.updateStrategy", "FieldValueNotSupported", message);
        }
    }
}

pub(super) fn stateful_set(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    const MUTABLE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let policy = text(spec, "podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let why = "must be 'OrderedReady' or 'Parallel'";
        errors.invalid("spec.podManagementPolicy", &Value::from(policy), why);
    }
    let strategy = at(spec, "/updateStrategy");
    if !matches!(text(strategy, "type"), "RollingUpdate" | "OnDelete") {
        let shown = format!(
            "{{\"Type\":{},\"RollingUpdate\":{}}}",
            Value::from(text(strategy, "type")),
            at(strategy, "/rollingUpdate")
        );
        let message = format!("Invalid value: {shown}: must be 'RollingUpdate' or 'OnDelete'");
        errors.push("spec.updateStrategy", "FieldValueInvalid", message);
    }
    not_negative(errors, "spec", spec, &["replicas", "minReadySeconds"]);
    not_negative(errors, "spec.ordinals", at(spec, "/ordinals"), &["start"]);
    selector_and_template(errors, spec, "statefulset", true);
    template(errors, spec, "StatefulSet");
    let fixed = |spec: &Value| {
        let mut fixed = spec.as_object().cloned().unwrap_or_default();
        fixed.retain(|name, value| !MUTABLE.contains(&name.as_str()) && !value.is_null());
        fixed
    };
    if old.is_some_and(|old| fixed(old) != fixed(spec)) {
        errors.forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }
}

pub(super) fn job(errors: &mut Errors, object: &Value, spec: &Value, old: Option<&Value>) {
    let chosen = at(spec, "/selector");
    if !is_true(spec, "manualSelector") {
        generated_selector(errors, object, chosen);
    } else if chosen.is_null() {
        errors.required("spec.selector", "");
    }
    // A selector that is missing selects nothing.
    if chosen.is_null() || !selector::matches(chosen, labels(spec)) {
        let why = "`selector` does not match template `labels`";
        errors.invalid("spec.template.metadata.labels", labels(spec), why);
    }
    not_negative(
        errors,
        "spec",
        spec,
        &["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"],
    );
    if text(spec, "completionMode") == "Indexed" && is_nil(spec, "completions") {
        errors.required("spec.completions", "when completion mode is Indexed");
    }
    pod::template(errors, "spec.template.spec", at(spec, "/template/spec"));
    job_restart_policy(errors, "spec.template.spec", at(spec, "/template/spec"));
    let Some(before) = old else { return };
    if !is_true(spec, "manualSelector") && !same(spec.get("selector"), before.get("selector")) {
        // The real server checks the template twice on an update.
        selector_matches_template(errors, spec);
    }
    if text(spec, "completionMode") != "Indexed" {
        immutable(errors, spec, old, "completions");
    }
    immutable(errors, spec, old, "selector");
    // While a suspended Job has not started, how and where its pods run may still be changed.
    if !is_true(before, "suspend") {
        immutable(errors, spec, old, "template");
    }
    immutable(errors, spec, old, "completionMode");
    immutable(errors, spec, old, "podFailurePolicy");
    immutable(errors, spec, old, "backoffLimitPerIndex");
}

/// The selector that the server makes for a Job is the Job's own.
fn generated_selector(errors: &mut Errors, object: &Value, chosen: &Value) {
    let uid = at(object, "/metadata/uid");
    let key = "batch.kubernetes.io/controller-uid";
    let old_key = "controller-uid";
    let wanted = chosen.get("matchLabels").and_then(Value::as_object);
    let own = wanted.is_some_and(|labels| {
        labels.len() == 1 && (labels.get(key) == Some(uid) || labels.get(old_key) == Some(uid))
    });
    if chosen.is_null() {
        errors.required("spec.selector", "");
    } else if !own || !is_nil(chosen, "matchExpressions") {
        errors.invalid("spec.selector", chosen, "`selector` not auto-generated");
    }
}

fn job_restart_policy(errors: &mut Errors, path: &str, template: &Value) {
    let policy = at(template, "/restartPolicy");
    match policy.as_str() {
        Some("Never" | "OnFailure") => {}
        None | Some("" | "Always") => {
            errors.required(format!("{path}.restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
        }
        Some(_) => errors.unsupported(format!("{path}.restartPolicy"), policy, &["OnFailure", "Never"]),
    }
}

pub(super) fn cron_job(errors: &mut Errors, spec: &Value) {
    let path = "spec.jobTemplate.spec.template.spec";
    if required_text(errors, "spec", spec, "schedule") {
        let schedule = text(spec, "schedule");
        let fields: Vec<&str> = schedule.split_whitespace().collect();
        if !schedule.starts_with('@') && fields.len() != 5 {
            let detail = format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" "));
            errors.invalid("spec.schedule", at(spec, "/schedule"), &detail);
        }
    }
    not_negative(errors, "spec", spec, &["startingDeadlineSeconds"]);
    one_of(errors, "spec", spec, "concurrencyPolicy", &["Allow", "Forbid", "Replace"]);
    let template = at(spec, "/jobTemplate/spec/template/spec");
    pod::template(errors, path, template);
    job_restart_policy(errors, path, template);
    not_negative(errors, "spec", spec, &["successfulJobsHistoryLimit", "failedJobsHistoryLimit"]);
}
