//! Services, endpoints, ingresses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cells::{at, items, joined, labels, number, scalar, text, text_or};

pub(super) fn service(object: &Value, age: Value) -> Vec<Value> {
    let ports: Vec<String> = items(object, "/spec/ports")
        .iter()
        .map(|port| match number(port, "/nodePort") {
            0 => format!("{}/{}", number(port, "/port"), text(port, "/protocol")),
            node => format!("{}:{node}/{}", number(port, "/port"), text(port, "/protocol")),
        })
        .collect();
    vec![
        json!(text(object, "/spec/type")),
        json!(text_or(object, "/spec/clusterIPs/0", "<none>")),
        json!(external_ip(object)),
        json!(if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") }),
        age,
        json!(labels(at(object, "/spec/selector"))),
    ]
}

/// The addresses or names that a load balancer has, sorted.
fn ingress_addresses(object: &Value) -> BTreeSet<&str> {
    items(object, "/status/loadBalancer/ingress")
        .iter()
        .map(
            |point| if text(point, "/ip").is_empty() { text(point, "/hostname") } else { text(point, "/ip") },
        )
        .collect()
}

fn external_ip(object: &Value) -> String {
    let own = items(object, "/spec/externalIPs").iter().filter_map(Value::as_str);
    let (addresses, empty) = match text(object, "/spec/type") {
        "ClusterIP" | "NodePort" => (joined(own), "<none>"),
        "LoadBalancer" => (joined(ingress_addresses(object).into_iter().chain(own)), "<pending>"),
        "ExternalName" => (text(object, "/spec/externalName").to_owned(), ""),
        _ => (String::new(), "<unknown>"),
    };
    if addresses.is_empty() { empty.to_owned() } else { addresses }
}

/// At most three, and how many more there are.
fn at_most_three(all: &[String]) -> String {
    match all {
        [] => "<none>".to_owned(),
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a},{b},{c} + {} more...", rest.len()),
        all => all.join(","),
    }
}

pub(super) fn endpoints(object: &Value) -> String {
    let subsets = items(object, "/subsets");
    if subsets.is_empty() {
        return "<none>".to_owned();
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses = || items(subset, "/addresses").iter().map(|address| text(address, "/ip"));
        let ports = items(subset, "/ports");
        if ports.is_empty() {
            all.extend(addresses().map(str::to_owned));
        }
        for port in ports {
            let number = number(port, "/port");
            all.extend(addresses().map(|ip| {
                if ip.contains(':') { format!("[{ip}]:{number}") } else { format!("{ip}:{number}") }
            }));
        }
    }
    if all.is_empty() { String::new() } else { at_most_three(&all) }
}

pub(super) fn endpoint_slice(object: &Value, age: Value) -> Vec<Value> {
    let ports: Vec<String> = items(object, "/ports")
        .iter()
        .map(|port| match (at(port, "/port"), text(port, "/name")) {
            (Value::Null, "") => "*".to_owned(),
            (Value::Null, name) => name.to_owned(),
            (number, _) => scalar(number),
        })
        .collect();
    let addresses: Vec<String> = items(object, "/endpoints")
        .iter()
        .flat_map(|endpoint| items(endpoint, "/addresses"))
        .map(scalar)
        .collect();
    let unset = |shown: String| if shown == "<none>" { "<unset>".to_owned() } else { shown };
    vec![
        json!(text(object, "/addressType")),
        json!(unset(at_most_three(&ports))),
        json!(unset(at_most_three(&addresses))),
        age,
    ]
}

pub(super) fn ingress(object: &Value, age: Value) -> Vec<Value> {
    let mut hosts: Vec<String> = items(object, "/spec/rules")
        .iter()
        .map(|rule| text(rule, "/host").to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.is_empty() {
        hosts.push("*".to_owned());
    }
    let tls = !items(object, "/spec/tls").is_empty();
    vec![
        json!(text_or(object, "/spec/ingressClassName", "<none>")),
        json!(at_most_three(&hosts)),
        json!(joined(ingress_addresses(object).into_iter())),
        json!(if tls { "80, 443" } else { "80" }),
        age,
    ]
}

pub(super) fn ingress_class(object: &Value, age: Value) -> Vec<Value> {
    let parameters = match at(object, "/spec/parameters") {
        Value::Null => "<none>".to_owned(),
        reference => {
            let group = text(reference, "/apiGroup");
            let kind = text(reference, "/kind");
            let kind = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
            format!("{kind}/{}", text(reference, "/name"))
        }
    };
    vec![json!(text(object, "/spec/controller")), json!(parameters), age]
}
