//! Services.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Errors;
use super::rules::{one_of, port_number, port_or_name};
use crate::defaults::names;
use crate::defaults::value::{items, text};

pub(super) fn service(errors: &mut Errors, spec: &Value, old: Option<&Value>) {
    let kind = text(spec, "type");
    let headless = text(spec, "clusterIP") == "None";
    let ports = items(spec, "ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.required("spec.ports", "");
    }
    if kind == "ExternalName" {
        let name = text(spec, "externalName");
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            errors.required("spec.externalName", "");
        } else {
            for message in names::dns1123_subdomain(name) {
                errors.invalid("spec.externalName", &Value::from(name), &message);
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{index}]");
        let name = text(port, "name");
        if name.is_empty() {
            if ports.len() > 1 {
                errors.required(format!("{field}.name"), "");
            }
        } else {
            for message in names::dns1123_label(name) {
                errors.invalid(format!("{field}.name"), &Value::from(name), &message);
            }
            if !seen.insert(name) {
                errors.duplicate(format!("{field}.name"), name);
            }
        }
        port_number(errors, format!("{field}.port"), port.get("port").unwrap_or(&Value::Null));
        one_of(errors, &field, port, "protocol", &["SCTP", "TCP", "UDP"]);
        port_or_name(errors, &format!("{field}.targetPort"), port.get("targetPort").unwrap_or(&Value::Null));
    }
    for (key, value) in spec.get("selector").and_then(Value::as_object).into_iter().flatten() {
        for message in names::qualified_name(key) {
            errors.invalid("spec.selector", &Value::from(key.as_str()), &message);
        }
        for message in names::label_value(value.as_str().unwrap_or_default()) {
            errors.invalid("spec.selector", value, &message);
        }
    }
    one_of(errors, "spec", spec, "sessionAffinity", &["ClientIP", "None"]);
    one_of(errors, "spec", spec, "type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    let mut invalid = false;
    for (index, address) in items(spec, "clusterIPs").iter().enumerate() {
        let given = address.as_str().unwrap_or_default();
        if given != "None" && given.parse::<std::net::IpAddr>().is_err() {
            let field = format!("spec.clusterIPs[{index}]");
            errors.invalid(field, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
            invalid = true;
        }
    }
    // What is no address is not compared.
    let address = |spec: &Value| items(spec, "clusterIPs").first().filter(|_| !invalid).cloned();
    if let Some(before) = old.and_then(address)
        && kind != "ExternalName"
        && address(spec).is_some_and(|after| after != before)
    {
        let addresses = Value::from(items(spec, "clusterIPs").to_vec());
        errors.invalid("spec.clusterIPs[0]", &addresses, "may not change once set");
    }
}
