//! A structural schema: what a version of a CustomResourceDefinition says about its objects.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::pattern;

/// One node of `openAPIV3Schema`. What the API refuses in a definition (`$ref`, `definitions`, ...) is not here.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// `object`, `array`, `string`, `integer`, `number`, `boolean`, or empty.
    pub(crate) kind: String,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Value>,
    pub(crate) properties: BTreeMap<String, Schema>,
    pub(crate) additional: Option<Additional>,
    pub(crate) items: Option<Box<Schema>>,
    pub(crate) int_or_string: bool,
    pub(crate) preserve_unknown: bool,
    /// A whole Kubernetes object: its `apiVersion`, `kind` and `metadata` need no schema.
    pub(crate) embedded: bool,
    /// `atomic`, `set`, `map`, or empty.
    pub(crate) list_type: String,
    pub(crate) list_keys: Vec<String>,
    pub(super) limits: Limits,
    pub(super) junctors: Junctors,
    /// CEL rules (`x-kubernetes-validations`), which are not evaluated.
    pub(super) rules: usize,
}

/// What may stand beside the named properties of an object.
#[derive(Debug)]
pub(crate) enum Additional {
    Any,
    None,
    Each(Box<Schema>),
}

/// What a value must be beyond its type.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) format: String,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_maximum: bool,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) multiple_of: Option<f64>,
    pub(super) max_length: Option<i64>,
    pub(super) min_length: Option<i64>,
    pub(super) pattern: Option<Pattern>,
    pub(super) max_items: Option<i64>,
    pub(super) min_items: Option<i64>,
    pub(super) unique_items: bool,
    pub(super) max_properties: Option<i64>,
    pub(super) min_properties: Option<i64>,
    pub(super) required: Vec<String>,
    pub(super) allowed: Vec<Value>,
}

/// A regular expression as it was written, and compiled.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) compiled: Result<Regex, String>,
}

/// Other schemas that a value must, or must not, agree with.
#[derive(Debug, Default)]
pub(super) struct Junctors {
    pub(super) all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
}

impl Schema {
    /// Reads `openAPIV3Schema`. Fields of the wrong type count as not given: the definition was checked before.
    pub(crate) fn parse(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let flag = |key: &str| value[key].as_bool().unwrap_or_default();
        let list = |key: &str| value[key].as_array().into_iter().flatten();
        let strings = |key: &str| list(key).filter_map(Value::as_str).map(str::to_owned).collect();
        Self {
            kind: text("type"),
            nullable: flag("nullable"),
            default: value.get("default").filter(|default| !default.is_null()).cloned(),
            properties: value["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, schema)| (name.clone(), Self::parse(schema)))
                .collect(),
            additional: match &value["additionalProperties"] {
                Value::Bool(true) => Some(Additional::Any),
                Value::Bool(false) => Some(Additional::None),
                schema @ Value::Object(_) => Some(Additional::Each(Box::new(Self::parse(schema)))),
                _ => None,
            },
            items: value
                .get("items")
                .filter(|items| items.is_object())
                .map(|items| Box::new(Self::parse(items))),
            int_or_string: flag("x-kubernetes-int-or-string"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded: flag("x-kubernetes-embedded-resource"),
            list_type: text("x-kubernetes-list-type"),
            list_keys: strings("x-kubernetes-list-map-keys"),
            limits: Limits::parse(value),
            junctors: Junctors::parse(value),
            rules: list("x-kubernetes-validations").count(),
        }
    }

    /// The schema of a field of an object.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or(match &self.additional {
            Some(Additional::Each(schema)) => Some(schema),
            _ => None,
        })
    }

    /// Whether this schema or one inside of it holds.
    pub(super) fn any(&self, holds: &dyn Fn(&Self) -> bool) -> bool {
        let inside = |schemas: &[Self]| schemas.iter().any(|schema| schema.any(holds));
        holds(self)
            || self.properties.values().any(|schema| schema.any(holds))
            || matches!(&self.additional, Some(Additional::Each(schema)) if schema.any(holds))
            || self.items.as_ref().is_some_and(|schema| schema.any(holds))
            || inside(&self.junctors.all_of)
            || inside(&self.junctors.any_of)
            || inside(&self.junctors.one_of)
            || self.junctors.not.as_ref().is_some_and(|schema| schema.any(holds))
    }
}

impl Limits {
    fn parse(value: &Value) -> Self {
        let flag = |key: &str| value[key].as_bool().unwrap_or_default();
        let list = |key: &str| value[key].as_array().into_iter().flatten();
        Self {
            format: value["format"].as_str().unwrap_or_default().to_owned(),
            maximum: value["maximum"].as_f64(),
            exclusive_maximum: flag("exclusiveMaximum"),
            minimum: value["minimum"].as_f64(),
            exclusive_minimum: flag("exclusiveMinimum"),
            multiple_of: value["multipleOf"].as_f64(),
            max_length: value["maxLength"].as_i64(),
            min_length: value["minLength"].as_i64(),
            pattern: value["pattern"]
                .as_str()
                .filter(|text| !text.is_empty())
                .map(|text| Pattern { text: text.to_owned(), compiled: pattern::compile(text) }),
            max_items: value["maxItems"].as_i64(),
            min_items: value["minItems"].as_i64(),
            unique_items: flag("uniqueItems"),
            max_properties: value["maxProperties"].as_i64(),
            min_properties: value["minProperties"].as_i64(),
            required: list("required").filter_map(Value::as_str).map(str::to_owned).collect(),
            allowed: list("enum").cloned().collect(),
        }
    }
}

impl Junctors {
    fn parse(value: &Value) -> Self {
        let all = |key: &str| value[key].as_array().into_iter().flatten().map(Schema::parse).collect();
        Self {
            all_of: all("allOf"),
            any_of: all("anyOf"),
            one_of: all("oneOf"),
            not: value.get("not").filter(|not| not.is_object()).map(|not| Box::new(Schema::parse(not))),
        }
    }
}
