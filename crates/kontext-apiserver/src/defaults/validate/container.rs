//! Containers: names, ports, environment, resources, probes, mounts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Errors;
use super::pod::seconds;
use super::rules::{one_of, port_name, port_number, port_or_name};
use crate::defaults::names;
use crate::defaults::quantity::Quantity;
use crate::defaults::value::{is_nil, items, text};

pub(super) fn container(
    errors: &mut Errors,
    path: &str,
    container: &Value,
    volumes: &BTreeSet<&str>,
    seen: &mut BTreeSet<String>,
) {
    let name = text(container, "name");
    if name.is_empty() {
        errors.required(format!("{path}.name"), "");
    } else {
        for message in names::dns1123_label(name) {
            errors.invalid(format!("{path}.name"), &Value::from(name), &message);
        }
    }
    let image = text(container, "image");
    if image.is_empty() {
        errors.required(format!("{path}.image"), "");
    } else if image.trim() != image {
        errors.invalid(
            format!("{path}.image"),
            &Value::from(image),
            "must not have leading or trailing whitespace",
        );
    }
    for (probe, must_succeed_once) in
        [("livenessProbe", true), ("readinessProbe", false), ("startupProbe", true)]
    {
        if let Some(value) = container.get(probe).filter(|value| !value.is_null()) {
            check_probe(errors, &format!("{path}.{probe}"), value, must_succeed_once);
        }
    }
    ports(errors, path, container);
    environment(errors, path, container);
    mounts(errors, path, container, volumes);
    one_of(errors, path, container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"]);
    one_of(errors, path, container, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"]);
    resources(errors, path, container.get("resources").unwrap_or(&Value::Null));
    if !name.is_empty() && !seen.insert(name.to_owned()) {
        errors.duplicate(format!("{path}.name"), name);
    }
}

fn ports(errors: &mut Errors, path: &str, container: &Value) {
    let mut seen = BTreeSet::new();
    for (index, port) in items(container, "ports").iter().enumerate() {
        let field = format!("{path}.ports[{index}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let wrong = port_name(name);
            for message in &wrong {
                errors.invalid(format!("{field}.name"), &Value::from(name), message);
            }
            if wrong.is_empty() && !seen.insert(name) {
                errors.duplicate(format!("{field}.name"), name);
            }
        }
        match port.get("containerPort") {
            None | Some(Value::Null) => errors.required(format!("{field}.containerPort"), ""),
            Some(number) if number.as_i64() == Some(0) => {
                errors.required(format!("{field}.containerPort"), "");
            }
            Some(number) => port_number(errors, format!("{field}.containerPort"), number),
        }
        if let Some(number) = port.get("hostPort").filter(|number| number.as_i64() != Some(0)) {
            port_number(errors, format!("{field}.hostPort"), number);
        }
        one_of(errors, &field, port, "protocol", &["SCTP", "TCP", "UDP"]);
    }
}

fn environment(errors: &mut Errors, path: &str, container: &Value) {
    for (index, variable) in items(container, "env").iter().enumerate() {
        let field = format!("{path}.env[{index}]");
        if text(variable, "name").is_empty() {
            errors.required(format!("{field}.name"), "");
        }
        let from = format!("{field}.valueFrom");
        let Some(source) = variable.get("valueFrom").and_then(Value::as_object) else { continue };
        let sources = source.len();
        if sources == 0 {
            errors.push(
                from,
                "FieldValueInvalid",
                "Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`".to_owned(),
            );
        } else if !text(variable, "value").is_empty() {
            errors.invalid(from, &Value::from(""), "may not be specified when `value` is not empty");
        } else if sources > 1 {
            errors.invalid(from, &Value::from(""), "may not have more than one field specified at a time");
        }
    }
}

fn mounts(errors: &mut Errors, path: &str, container: &Value, volumes: &BTreeSet<&str>) {
    let mut seen = BTreeSet::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        let field = format!("{path}.volumeMounts[{index}]");
        let (name, target) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            errors.required(format!("{field}.name"), "");
        } else if !volumes.contains(name) {
            errors.not_found(format!("{field}.name"), name);
        }
        if target.is_empty() {
            errors.required(format!("{field}.mountPath"), "");
        }
        if !seen.insert(target) {
            errors.invalid(format!("{field}.mountPath"), &Value::from(target), "must be unique");
        }
    }
}

fn resources(errors: &mut Errors, path: &str, resources: &Value) {
    let limits = resources.get("limits").and_then(Value::as_object);
    let requests = resources.get("requests").and_then(Value::as_object);
    for (list, quantities) in [("limits", limits), ("requests", requests)] {
        for (resource, value) in quantities.into_iter().flatten() {
            let field = format!("{path}.resources.{list}[{resource}]");
            match value.as_str().and_then(Quantity::parse) {
                Some(quantity) if quantity.is_negative() => {
                    errors.invalid(field, value, "must be greater than or equal to 0");
                }
                Some(_) => {}
                None => errors.invalid(
                    field,
                    value,
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                ),
            }
        }
    }
    for (resource, request) in requests.into_iter().flatten() {
        let Some(limit) = limits.and_then(|limits| limits.get(resource)) else { continue };
        let amount = |value: &Value| value.as_str().and_then(Quantity::parse);
        if let (Some(wanted), Some(most)) = (amount(request), amount(limit))
            && wanted.exceeds(most)
        {
            let most = limit.as_str().unwrap_or_default();
            let detail = format!("must be less than or equal to {resource} limit of {most}");
            errors.invalid(format!("{path}.resources.requests"), request, &detail);
        }
    }
}

fn check_probe(errors: &mut Errors, path: &str, probe: &Value, must_succeed_once: bool) {
    let handlers: Vec<&str> = ["exec", "httpGet", "tcpSocket", "grpc"]
        .into_iter()
        .filter(|handler| !is_nil(probe, handler))
        .collect();
    if handlers.is_empty() {
        errors.required(path, "must specify a handler type");
    }
    for handler in handlers.iter().skip(1) {
        errors.forbidden(format!("{path}.{handler}"), "may not specify more than 1 handler type");
    }
    for handler in ["httpGet", "tcpSocket"] {
        if let Some(port) = probe.get(handler).and_then(|action| action.get("port")) {
            port_or_name(errors, &format!("{path}.{handler}.port"), port);
        }
    }
    seconds(
        errors,
        path,
        probe,
        &["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"],
    );
    if must_succeed_once
        && let Some(value) = probe.get("successThreshold")
        && value.as_i64().is_some_and(|threshold| threshold > 1)
    {
        errors.invalid(format!("{path}.successThreshold"), value, "must be 1");
    }
}
