//! Label selectors as objects hold them (`matchLabels`, `matchExpressions`).

use serde_json::Value;

/// Whether a LabelSelector object selects these labels; an empty one selects everything, none selects nothing.
pub(crate) fn object_matches(selector: &Value, labels: &Value) -> bool {
    if selector.is_null() {
        return false;
    }
    let value = |key: &str| labels.get(key).and_then(Value::as_str);
    let labels_match = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, wanted)| value(key) == wanted.as_str());
    labels_match
        && selector["matchExpressions"].as_array().into_iter().flatten().all(|expression| {
            let found = value(expression["key"].as_str().unwrap_or_default());
            let listed = || {
                expression["values"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|v| v.as_str() == found && found.is_some())
            };
            match expression["operator"].as_str() {
                Some("In") => listed(),
                Some("NotIn") => !listed(),
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => false,
            }
        })
}
