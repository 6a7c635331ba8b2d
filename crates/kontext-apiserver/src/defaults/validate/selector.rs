//! Label selectors in objects (`matchLabels`, `matchExpressions`).

use serde_json::Value;

use super::Errors;
use crate::defaults::names;
use crate::defaults::value::{items, text};

/// Checks a selector's form; true if it can be used.
pub(super) fn form(errors: &mut Errors, path: &str, selector: &Value) -> bool {
    let before = errors.0.len();
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        let field = format!("{path}.matchLabels");
        for message in names::qualified_name(key) {
            errors.invalid(field.clone(), &Value::from(key.as_str()), &message);
        }
        for message in names::label_value(value.as_str().unwrap_or_default()) {
            errors.invalid(field.clone(), value, &message);
        }
    }
    for (index, expression) in items(selector, "matchExpressions").iter().enumerate() {
        let field = format!("{path}.matchExpressions[{index}]");
        let values = items(expression, "values");
        match text(expression, "operator") {
            "In" | "NotIn" if values.is_empty() => errors
                .required(format!("{field}.values"), "must be specified when `operator` is 'In' or 'NotIn'"),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.forbidden(
                format!("{field}.values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                errors.invalid(
                    format!("{field}.operator"),
                    &Value::from(other),
                    "not a valid selector operator",
                );
            }
        }
        for message in names::qualified_name(text(expression, "key")) {
            let key = Value::from(text(expression, "key"));
            errors.invalid(format!("{field}.key"), &key, &message);
        }
    }
    errors.0.len() == before
}

pub(super) fn is_empty(selector: &Value) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    labels.is_none_or(serde_json::Map::is_empty) && items(selector, "matchExpressions").is_empty()
}

/// Whether labels fulfil a selector of an object.
pub(super) fn matches(selector: &Value, labels: &Value) -> bool {
    let equal = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .is_none_or(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)));
    equal
        && items(selector, "matchExpressions").iter().all(|expression| {
            let value = labels.get(text(expression, "key"));
            let named = value.is_some_and(|value| items(expression, "values").contains(value));
            match text(expression, "operator") {
                "In" => named,
                "NotIn" => !named,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}
