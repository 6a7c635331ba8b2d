//! Whether a value fits its type. Errors have the text of structured merge diff.

use serde_json::Value;

use super::items::path_element;
use crate::managed_fields::path::PathElement;
use crate::schema::{Chosen, ListRelation, ListType, MapType, MergeType, Scalar};

/// Whether two elements of a list may have the same keys: in stored objects yes, in what is applied no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicates {
    Allowed,
    Refused,
}

/// Checks a value; the error lists everything that is wrong.
pub(crate) fn validate(of: &MergeType, value: &Value, duplicates: Duplicates) -> Result<(), String> {
    let mut walk = Walk { duplicates, path: Vec::new(), errors: Vec::new() };
    walk.value(of, value);
    match walk.errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

/// More errors than this are not told.
const MOST_ERRORS: usize = 100;

struct Walk {
    duplicates: Duplicates,
    path: Vec<PathElement>,
    errors: Vec<String>,
}

impl Walk {
    fn error(&mut self, what: &str) {
        if self.errors.len() >= MOST_ERRORS {
            return;
        }
        let path = crate::managed_fields::path::display(&self.path);
        self.errors.push(if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") });
    }

    fn below(&mut self, element: PathElement, of: &MergeType, value: &Value) {
        self.path.push(element);
        self.value(of, value);
        self.path.pop();
    }

    fn value(&mut self, of: &MergeType, value: &Value) {
        match of.choose(Some(value)) {
            Chosen::Map { of, .. } => match value {
                Value::Null => {}
                Value::Object(fields) => self.map(of, fields),
                other => self.error(&format!("expected map, got {}", shown(other))),
            },
            Chosen::List(of) => match value {
                Value::Null => {}
                Value::Array(items) => self.list(of, items),
                other => self.error(&format!("expected list, got {}", shown(other))),
            },
            Chosen::Scalar(of) => self.scalar(of, value),
            Chosen::Nothing => self.error("schema error: invalid atom: inlined"),
        }
    }

    fn map(&mut self, of: &MapType, fields: &serde_json::Map<String, Value>) {
        for (name, value) in fields {
            match of.type_of(name) {
                Some(of) => self.below(PathElement::field(name), of, value),
                None => {
                    self.path.push(PathElement::field(name));
                    self.error("field not declared in schema");
                    self.path.pop();
                    return;
                }
            }
        }
    }

    fn list(&mut self, of: &ListType, items: &[Value]) {
        let mut seen = std::collections::BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let element = if of.relation == ListRelation::Atomic {
                PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))
            } else {
                match path_element(of, item) {
                    Err(why) => {
                        self.error(&format!("element {index}: {why}"));
                        return;
                    }
                    Ok(element) => {
                        if self.duplicates == Duplicates::Refused && seen.contains(&element) {
                            self.error(&format!("duplicate entries for key {element}"));
                        }
                        seen.insert(element.clone());
                        element
                    }
                }
            };
            self.below(element, &of.element, item);
        }
    }

    fn scalar(&mut self, of: Scalar, value: &Value) {
        let (fits, wanted) = match of {
            Scalar::Numeric => (value.is_number(), "numeric (int or float)"),
            Scalar::Text => (value.is_string(), "string"),
            Scalar::Boolean => (value.is_boolean(), "boolean"),
            Scalar::Untyped => (!value.is_object() && !value.is_array(), "any scalar"),
        };
        if !fits && !value.is_null() {
            let got = if of == Scalar::Numeric { go_type(value).to_owned() } else { shown_scalar(of, value) };
            self.error(&format!("expected {wanted}, got {got}"));
        }
    }
}

/// A value as the API's type errors print it.
fn shown(value: &Value) -> String {
    format!("&{{{}}}", plain(value))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}:{}", plain(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        other => number(other),
    }
}

/// Floats that are whole have no fraction.
fn number(value: &Value) -> String {
    match value.as_f64() {
        Some(float) if value.is_f64() => float.to_string(),
        _ => value.to_string(),
    }
}

/// The API prints what should have been a text with its Go type.
fn shown_scalar(of: Scalar, value: &Value) -> String {
    if of == Scalar::Text {
        return format!("&value.valueUnstructured{{Value:{}}}", go_syntax(value));
    }
    shown(value)
}

fn go_syntax(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name:?}:{}", go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Null => "interface {}(nil)".to_owned(),
        other => number(other),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn check(spec: &Value, expected: &Expect) {
        let of = schema::merge_type_of("apps", "v1", "Deployment").expect("known");
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec});
        let error = validate(&of, &object, Duplicates::Refused).expect_err("does not fit");
        expected.assert_eq(&error);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_path() {
        check(
            &json!({"replicas": "3"}),
            &expect![".spec.replicas: expected numeric (int or float), got string"],
        );
        check(&json!({"colour": 1}), &expect![".spec.colour: field not declared in schema"]);
        check(
            &json!({"template": {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}}),
            &expect![[r#".spec.template.spec.containers: duplicate entries for key [name="a"]"#]],
        );
        check(
            &json!({"selector": 1, "paused": "x"}),
            &expect![[r#"
            errors:
              .spec.paused: expected boolean, got &{x}
              .spec.selector: expected map, got &{1}"#]],
        );
    }

    #[test]
    fn a_stored_object_may_have_duplicates() {
        let of = schema::merge_type_of("", "v1", "Pod").expect("known");
        let env = json!([{"name": "A"}, {"name": "A", "value": "2"}]);
        let pod = json!({"spec": {"containers": [{"name": "a", "env": env}]}});
        assert!(validate(&of, &pod, Duplicates::Allowed).is_ok());
        assert!(validate(&of, &pod, Duplicates::Refused).is_err());
    }
}
