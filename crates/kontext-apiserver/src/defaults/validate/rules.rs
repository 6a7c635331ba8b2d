//! Checks that many kinds share.

use serde_json::Value;

use super::Errors;
use crate::defaults::value::text;

pub(super) const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
pub(super) const IMMUTABLE: &str = "field is immutable";
const PORT_RANGE: &str = "must be between 1 and 65535, inclusive";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/// Each named number is absent or not negative.
pub(super) fn not_negative(errors: &mut Errors, path: &str, object: &Value, names: &[&str]) {
    for name in names {
        if let Some(value) = object.get(*name).filter(|value| value.as_i64().is_some_and(|number| number < 0))
        {
            errors.invalid(format!("{path}.{name}"), value, NOT_NEGATIVE);
        }
    }
}

/// A text that is one of a few.
pub(super) fn one_of(errors: &mut Errors, path: &str, object: &Value, name: &str, allowed: &[&str]) {
    if let Some(value) = object.get(name).filter(|value| !value.is_null())
        && !value.as_str().is_some_and(|text| allowed.contains(&text))
    {
        errors.unsupported(format!("{path}.{name}"), value, allowed);
    }
}

pub(super) fn port_number(errors: &mut Errors, path: String, value: &Value) {
    if !value.as_i64().is_some_and(|port| (1..=65535).contains(&port)) {
        errors.invalid(path, value, PORT_RANGE);
    }
}

/// A number, or the name of a port.
pub(super) fn port_or_name(errors: &mut Errors, path: &str, value: &Value) {
    match value {
        Value::String(name) => {
            for message in port_name(name) {
                errors.invalid(path, value, message);
            }
        }
        number => port_number(errors, path.to_owned(), number),
    }
}

/// What is wrong with a port's name.
pub(super) fn port_name(name: &str) -> Vec<&'static str> {
    let mut messages = Vec::new();
    if name.len() > 15 {
        messages.push("must be no more than 15 characters");
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        messages.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        messages.push("must contain at least one letter (a-z)");
    }
    if name.contains("--") {
        messages.push("must not contain consecutive hyphens");
    }
    if name.starts_with('-') || name.ends_with('-') {
        messages.push("must not begin or end with a hyphen");
    }
    messages
}

/// A count or a percentage, neither negative.
pub(super) fn count_or_percent(errors: &mut Errors, path: &str, object: &Value, name: &str) {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return };
    let field = format!("{path}.{name}");
    match value {
        Value::String(text) if percent(text).is_none() => errors.invalid(field, value, PERCENT),
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            errors.invalid(field, value, NOT_NEGATIVE);
        }
        _ => {}
    }
}

/// A percentage of at most 100.
pub(super) fn at_most_all(errors: &mut Errors, path: &str, object: &Value, name: &str) {
    if let Some(value) = object.get(name)
        && percent(value.as_str().unwrap_or_default()).is_some_and(|share| share > 100)
    {
        errors.invalid(format!("{path}.{name}"), value, "must not be greater than 100%");
    }
}

pub(super) fn percent(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('%')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Whether a count or percentage is 0.
pub(super) fn is_zero(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => percent(text) == Some(0),
        Some(value) => value.as_i64() == Some(0),
    }
}

/// Whether two optional values are the same, null being absent.
pub(super) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    a.filter(|value| !value.is_null()) == b.filter(|value| !value.is_null())
}

pub(super) fn required_text(errors: &mut Errors, path: &str, object: &Value, name: &str) -> bool {
    let missing = text(object, name).is_empty();
    if missing {
        errors.required(format!("{path}.{name}"), "");
    }
    !missing
}
