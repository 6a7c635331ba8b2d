//! The elements of a field path, in the order and the two written forms of the API: `f:name`, `k:{"name":"x"}`,
//! `v:"x"` in `fieldsV1`, and `.name`, `[name="x"]`, `[="x"]` in messages.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};

/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PathElement {
    /// A field of a map.
    Field(String),
    /// The element of a list with these key fields, sorted by name.
    Key(Vec<(String, Scalar)>),
    /// The element of a set.
    Value(Scalar),
    /// An element by its position, which nothing of this server writes.
    Index(i64),
}

/// A JSON value that can be compared: 1 and 1.0 are the same.
#[derive(Debug, Clone)]
pub(crate) struct Scalar(pub(crate) Value);

impl PathElement {
    pub(crate) fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    /// Reads the form of `fieldsV1`; `None` for a kind of element that is not known, which the server drops.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        let json = |text: &str| {
            serde_json::from_str::<Value>(text).map_err(|error| format!("path element {text:?}: {error}"))
        };
        let Some((kind, rest)) = text.split_at_checked(2) else {
            return Err("key must be 2 characters long:".to_owned());
        };
        match kind {
            "f:" => Ok(Some(Self::Field(rest.to_owned()))),
            "v:" => Ok(Some(Self::Value(Scalar(json(rest)?)))),
            "i:" => {
                let index = rest.parse().map_err(|error| format!("path element {text:?}: {error}"))?;
                Ok(Some(Self::Index(index)))
            }
            "k:" => match json(rest)? {
                // A JSON map is sorted by name already.
                Value::Object(fields) => Ok(Some(Self::Key(
                    fields.into_iter().map(|(name, value)| (name, Scalar(value))).collect(),
                ))),
                _ => Err(format!("path element {text:?} is no object")),
            },
            _ if kind.ends_with(':') => Ok(None),
            _ => Err(format!("missing colon: {text}")),
        }
    }

    /// The form of `fieldsV1`.
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Value(value) => format!("v:{}", value.0),
            Self::Index(index) => format!("i:{index}"),
            Self::Key(fields) => {
                let fields: Map<String, Value> =
                    fields.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect();
                format!("k:{}", Value::Object(fields))
            }
        }
    }
}

impl fmt::Display for PathElement {
    /// The form of messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(fields) => {
                f.write_str("[")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}={value}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A path as messages write it.
pub(crate) fn display(path: &[PathElement]) -> String {
    path.iter().map(PathElement::to_string).collect()
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scalar {
    /// Numbers, then texts, booleans, lists, maps, null.
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let differing = left.iter().zip(right).map(|(l, r)| compare(l, r)).find(|order| order.is_ne());
            differing.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (Value::Object(left), Value::Object(right)) => {
            let pairs = left.iter().zip(right);
            let differing =
                pairs.map(|(l, r)| l.0.cmp(r.0).then_with(|| compare(l.1, r.1))).find(|o| o.is_ne());
            differing.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn compare_numbers(left: &serde_json::Number, right: &serde_json::Number) -> Ordering {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.as_f64().unwrap_or_default().total_cmp(&right.as_f64().unwrap_or_default()),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

/// Whether two values are the same; 1 is 1.0.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right).is_eq(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, l)| right.get(key).is_some_and(|r| same(l, r)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_element_has_a_form_for_machines_and_one_for_people() {
        for (machines, people) in [
            ("f:spec", ".spec"),
            (r#"k:{"containerPort":80,"protocol":"TCP"}"#, r#"[containerPort=80,protocol="TCP"]"#),
            (r#"v:"a""#, r#"[="a"]"#),
            ("i:3", "[3]"),
        ] {
            let element = PathElement::parse(machines).expect("valid").expect("known");
            assert_eq!(element.encode(), machines);
            assert_eq!(element.to_string(), people);
        }
        assert_eq!(PathElement::parse("x:future"), Ok(None));
        assert!(PathElement::parse("spec").is_err() && PathElement::parse("é").is_err());
    }

    #[test]
    fn one_is_one_point_zero() {
        assert!(same(&json!({"a": [1]}), &json!({"a": [1.0]})));
        assert_eq!(Scalar(json!(1)), Scalar(json!(1.0)));
        assert!(Scalar(json!(9)) < Scalar(json!("1")));
    }
}
