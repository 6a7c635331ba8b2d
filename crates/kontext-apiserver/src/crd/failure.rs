//! What is wrong with a custom resource, in the words of the real server.

use serde_json::Value;

use crate::error::Cause;

/// A value as the API writes it into a message.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number_shown(number),
        other => other.to_string(),
    }
}

/// A number without a point where it is whole.
pub(super) fn number_shown(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_shown(float),
        _ => number.to_string(),
    }
}

/// A float as Go writes it with `%v`.
pub(super) fn float_shown(float: f64) -> String {
    if float != 0.0 && (float.abs() >= 1e21 || float.abs() < 1e-4) {
        let text = format!("{float:e}");
        let Some((mantissa, exponent)) = text.split_once('e') else { return text };
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    float.to_string()
}

fn cause(reason: &str, field: &str, message: String) -> Cause {
    Cause { reason: reason.to_owned(), message, field: field.to_owned() }
}

pub(super) fn invalid(field: &str, value: &Value, why: &str) -> Cause {
    cause("FieldValueInvalid", field, with_detail(format!("Invalid value: {}", shown(value)), why))
}

pub(super) fn type_invalid(field: &str, value: &Value, why: &str) -> Cause {
    cause("FieldValueTypeInvalid", field, with_detail(format!("Invalid value: {}", shown(value)), why))
}

pub(super) fn required(field: &str, why: &str) -> Cause {
    cause("FieldValueRequired", field, with_detail("Required value".to_owned(), why))
}

pub(super) fn forbidden(field: &str, why: &str) -> Cause {
    cause("FieldValueForbidden", field, with_detail("Forbidden".to_owned(), why))
}

pub(super) fn duplicate(field: &str, value: &Value) -> Cause {
    cause("FieldValueDuplicate", field, format!("Duplicate value: {}", shown(value)))
}

pub(super) fn unsupported(field: &str, value: &Value, supported: &[String]) -> Cause {
    let quoted: Vec<String> = supported.iter().map(|text| format!("{text:?}")).collect();
    let why = format!("supported values: {}", quoted.join(", "));
    cause("FieldValueNotSupported", field, format!("Unsupported value: {}: {why}", shown(value)))
}

pub(super) fn too_long(field: &str, limit: i64) -> Cause {
    let unit = if limit == 1 { "byte" } else { "bytes" };
    cause("FieldValueTooLong", field, format!("Too long: may not be more than {limit} {unit}"))
}

pub(super) fn too_many(field: &str, given: usize, limit: i64) -> Cause {
    let unit = if limit == 1 { "item" } else { "items" };
    cause("FieldValueTooMany", field, format!("Too many: {given}: must have at most {limit} {unit}"))
}

fn with_detail(message: String, why: &str) -> String {
    if why.is_empty() { message } else { format!("{message}: {why}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_go_writes_them() {
        for (value, text) in [
            (json!(1.0), "1"),
            (json!(1.5), "1.5"),
            (json!(-3), "-3"),
            (json!(1e22), "1e+22"),
            (json!(0.00001), "1e-05"),
            (json!("a\"b"), r#""a\"b""#),
            (json!({"b": 1, "a": [true, null]}), r#"{"a":[true,null],"b":1}"#),
            (json!(null), "null"),
        ] {
            assert_eq!(shown(&value), text);
        }
    }
}
