//! EndpointSlices.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::Errors;
use super::rules::{IMMUTABLE, one_of, same};
use crate::defaults::names;
use crate::defaults::value::{items, text};

/// A slice, new or changed.
pub(super) fn endpoint_slice(errors: &mut Errors, new: &Value, old: Option<&Value>) {
    let family = text(new, "addressType");
    if family.is_empty() {
        errors.required("addressType", "");
    } else {
        const FAMILIES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
        if !FAMILIES.contains(&family) {
            errors.unsupported("addressType", &Value::from(family), &FAMILIES);
        }
    }
    let mut seen = Vec::new();
    for (index, port) in items(new, "ports").iter().enumerate() {
        let name = text(port, "name");
        let path = format!("ports[{index}]");
        if !name.is_empty() {
            for why in names::dns1123_label(name) {
                errors.invalid(format!("{path}.name"), &Value::from(name), &why);
            }
        }
        if seen.contains(&name) {
            errors.duplicate(format!("{path}.name"), name);
        }
        seen.push(name);
        one_of(errors, &path, port, "protocol", &["SCTP", "TCP", "UDP"]);
    }
    if old.is_none_or(|old| !same(old.get("endpoints"), new.get("endpoints"))) {
        endpoints(errors, new, family);
    }
    if let Some(old) = old
        && text(old, "addressType") != family
    {
        errors.invalid("addressType", &Value::from(family), IMMUTABLE);
    }
}

fn endpoints(errors: &mut Errors, slice: &Value, family: &str) {
    for (index, endpoint) in items(slice, "endpoints").iter().enumerate() {
        let path = format!("endpoints[{index}].addresses");
        let addresses = items(endpoint, "addresses");
        if addresses.is_empty() {
            errors.required(path.as_str(), "must contain at least 1 address");
        }
        for (index, address) in addresses.iter().enumerate() {
            let text = address.as_str().unwrap_or_default();
            let path_of_one = format!("{path}[{index}]");
            match (family, text.parse::<IpAddr>()) {
                ("IPv4" | "IPv6", Err(_)) => {
                    let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                    errors.invalid(path_of_one, address, why);
                }
                ("IPv4", Ok(IpAddr::V6(_))) => {
                    errors.invalid(path.as_str(), address, "must be an IPv4 address");
                }
                ("IPv6", Ok(IpAddr::V4(_))) => {
                    errors.invalid(path.as_str(), address, "must be an IPv6 address");
                }
                ("IPv4" | "IPv6", Ok(parsed)) => special(errors, &path_of_one, address, parsed),
                _ => {}
            }
        }
    }
}

/// Addresses that no endpoint can have.
fn special(errors: &mut Errors, path: &str, shown: &Value, address: IpAddr) {
    if address == IpAddr::V4(Ipv4Addr::UNSPECIFIED) || address == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        errors.invalid(path, shown, &format!("may not be unspecified ({address})"));
    }
    if address.is_loopback() {
        errors.invalid(path, shown, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
}
