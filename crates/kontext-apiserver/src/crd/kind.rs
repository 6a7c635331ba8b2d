//! One served version of a custom resource: what a write of it must be, and how it is read.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{self, Column};
use super::definition::{Definition, Scale, Version};
use super::json_path::JsonPath;
use super::schema::{Additional, Schema};
use super::{failure, prune, validate};
use crate::defaults::names::{dns1035_label, path_segment};
use crate::error::Cause;
use crate::object;

/// What the server does with the objects of one version of a definition.
#[derive(Debug)]
pub(crate) struct CustomKind {
    definition: Arc<Definition>,
    version: Version,
    api_version: String,
    stored_api_version: String,
    schema: Schema,
    columns: Vec<Column>,
    /// All stored objects were written under this very schema, in this version.
    as_stored: bool,
    has_rules: bool,
}

impl CustomKind {
    /// `as_stored` says that no object was written under another schema or in another version.
    pub(super) fn new(definition: &Arc<Definition>, version: &Version, as_stored: bool) -> Self {
        let schema = Schema::parse(&version.schema);
        let named = |name: &str| format!("{}/{name}", definition.group);
        Self {
            definition: definition.clone(),
            version: version.clone(),
            api_version: named(&version.name),
            stored_api_version: named(definition.storage_version()),
            has_rules: schema.any(&|schema| schema.rules > 0),
            columns: columns::parse(&version.columns),
            as_stored: as_stored && version.storage && definition.versions.len() == 1,
            schema,
        }
    }

    pub(super) fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// `openAPIV3Schema` as it was written.
    pub(crate) fn open_api_schema(&self) -> &Value {
        &self.version.schema
    }

    pub(crate) fn list_kind(&self) -> &str {
        &self.definition.list_kind
    }

    pub(crate) fn scale(&self) -> Option<&Scale> {
        self.version.scale.as_ref()
    }

    pub(crate) fn is_terminating(&self) -> bool {
        self.definition.terminating
    }

    /// What clients of a deprecated version are told.
    pub(crate) fn deprecation(&self) -> Option<String> {
        self.definition.deprecation(&self.version)
    }

    /// Whether stored objects can be sent as they are.
    pub(crate) fn is_as_stored(&self) -> bool {
        self.as_stored
    }

    /// The fields that field selectors may name.
    pub(crate) fn selectable(&self) -> &[String] {
        &self.version.selectable
    }

    /// Turns an object of this version into the stored one. There is no conversion but that of the version's name.
    pub(crate) fn store(&self, object: &mut Value) {
        object["apiVersion"] = json!(self.stored_api_version);
    }

    /// Turns a stored object into one of this version, as its schema wants it today.
    pub(crate) fn show(&self, object: &mut Value) {
        if !self.as_stored {
            self.refresh(object);
        }
        object["apiVersion"] = json!(self.api_version);
    }

    /// Brings a stored object into the form that the schema has today.
    pub(crate) fn refresh(&self, object: &mut Value) {
        prune::prune(object, &self.schema, true);
        self.fill_in(object);
    }

    /// The same where the object may have another.
    pub(crate) fn refresh_stale(&self, object: &mut Value) {
        if !self.as_stored {
            self.refresh(object);
        }
    }

    /// Removes what the schema does not know and returns the paths of it.
    pub(crate) fn decode(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let mut unknown = match object.get_mut("metadata") {
            Some(metadata) if !metadata.is_null() => crate::fields::metadata(metadata)?
                .into_iter()
                .map(|field| format!("metadata.{field}"))
                .collect(),
            _ => Vec::new(),
        };
        unknown.extend(prune::prune(object, &self.schema, true));
        prune::embedded_metadata(object, &self.schema, "", &mut unknown)
            .map_err(|(path, value, why)| format!("{path}: Invalid value: {value}: {why}"))?;
        prune::drop_nulls(object, Some(&self.schema));
        Ok(unknown)
    }

    /// Drops nulls that mean nothing and fills in defaults.
    pub(crate) fn fill_in(&self, object: &mut Value) {
        prune::drop_nulls(object, Some(&self.schema));
        prune::fill_in(object, &self.schema);
    }

    /// Everything that is wrong with an object outside of its own metadata. On an update, `old` is what was stored.
    pub(crate) fn validate(&self, new: &Value, old: Option<&Value>, subresource: &str) -> Vec<Cause> {
        let mut causes = Vec::new();
        if subresource == "status" {
            if let (Some(status), Some(schema)) = (new.get("status"), self.schema.properties.get("status")) {
                let before = old.map(|old| &old["status"]);
                causes.extend(validate::validate(schema, status, before, "status"));
            }
        } else {
            causes.extend(validate::validate(&self.schema, new, old, ""));
            causes.extend(self.scale_spec(new));
        }
        causes.extend(self.scale_status(new));
        if subresource != "status" {
            embedded(&self.schema, new, "", &mut causes);
        }
        // Lists that had duplicates before may keep them.
        if old.is_none_or(|old| validate::list_types(&self.schema, old, "").is_empty()) {
            causes.extend(validate::list_types(&self.schema, new, ""));
        }
        let blocks = |cause: &Cause| {
            matches!(
                cause.reason.as_str(),
                "FieldValueNotSupported"
                    | "FieldValueRequired"
                    | "FieldValueTooLong"
                    | "FieldValueTooMany"
                    | "FieldValueTypeInvalid"
            )
        };
        if self.has_rules && causes.iter().any(blocks) {
            let why = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
            causes.push(failure::invalid("<nil>", &Value::Null, why));
        }
        causes
    }

    fn scale_spec(&self, object: &Value) -> Vec<Cause> {
        let scale = self.version.scale.as_ref();
        scale.map_or_else(Vec::new, |scale| replicas(object, &scale.spec_replicas, &scale.written))
    }

    fn scale_status(&self, object: &Value) -> Vec<Cause> {
        let Some(scale) = &self.version.scale else { return Vec::new() };
        let mut causes = replicas(object, &scale.status_replicas, &scale.status_written);
        if let Some(path) = &scale.selector
            && let Some(value) = follow(object, path)
            && !value.is_string()
        {
            let dotted = path.join(".");
            let why = wrong_type(&dotted, value, "string");
            causes.push(failure::invalid(&format!(".{dotted}"), &json!(""), &why));
        }
        causes
    }

    /// The columns of a table.
    pub(crate) fn column_definitions(&self) -> Vec<Value> {
        columns::headers(&self.columns)
    }

    /// The row of an object.
    pub(crate) fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        columns::cells(&self.columns, object, now)
    }

    /// The value of a selectable field, as field selectors compare it.
    pub(crate) fn selectable_value(path: &str, object: &Value) -> String {
        match JsonPath::parse(path).as_ref().and_then(|path| path.first(object)) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }
}

/// What the real server says about new finalizers whose owner cannot be told from their name.
pub(crate) fn finalizer_warnings(new: &Value, old: Option<&Value>) -> Vec<String> {
    const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];
    let before = old.map(object::finalizers).unwrap_or_default();
    let mut added = object::finalizers(new);
    added.retain(|name| !before.contains(name) && !name.contains('/') && !STANDARD.contains(&name.as_str()));
    added.sort();
    added
        .into_iter()
        .map(|name| {
            let path = if name.contains('.') { " including a path (/)" } else { "" };
            format!(
                "metadata.finalizers: {name:?}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer writers"
            )
        })
        .collect()
}

/// The value at a path of fields.
pub(crate) fn follow<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, field| value.get(field))
}

fn replicas(object: &Value, path: &[String], written: &str) -> Vec<Cause> {
    let Some(value) = follow(object, path) else { return Vec::new() };
    let Some(number) = value.as_i64() else {
        let why = wrong_type(&path.join("."), value, "int64");
        return vec![failure::invalid(written, &json!(0), &why)];
    };
    let why = if number < 0 {
        "should be a non-negative integer".to_owned()
    } else if number > i64::from(i32::MAX) {
        format!("should be less than or equal to {}", i32::MAX)
    } else {
        return Vec::new();
    };
    vec![failure::invalid(written, value, &why)]
}

/// How the API says that a value on a path is of another type.
fn wrong_type(path: &str, value: &Value, wanted: &str) -> String {
    let given = match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    };
    let shown = match value {
        Value::String(text) => text.clone(),
        other => failure::shown(other),
    };
    format!(".{path} accessor error: {shown} is of the type {given}, expected {wanted}")
}

/// Embedded objects must say what they are.
fn embedded(schema: &Schema, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let child = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => {
            if schema.embedded {
                for name in ["apiVersion", "kind"] {
                    match fields.get(name) {
                        None => causes.push(failure::required(&child(name), "")),
                        Some(Value::String(text)) if text.is_empty() => {
                            causes.push(failure::invalid(&child(name), &json!(""), "must not be empty"));
                        }
                        Some(Value::String(text)) if name == "kind" => {
                            let errors = dns1035_label(&text.to_lowercase());
                            if !errors.is_empty() {
                                let why = format!(
                                    "may have mixed case, but should otherwise match: {}",
                                    errors.join(",")
                                );
                                causes.push(failure::invalid(&child(name), &json!(text), &why));
                            }
                        }
                        Some(Value::String(text)) if text.matches('/').count() > 1 => {
                            let why = format!("unexpected GroupVersion string: {text}");
                            causes.push(failure::invalid(&child(name), &json!(text), &why));
                        }
                        Some(_) => {}
                    }
                }
                if let Some(name) = fields.get("metadata").and_then(|metadata| metadata["name"].as_str()) {
                    for why in path_segment(name) {
                        causes.push(failure::invalid(&child("metadata.name"), &json!(name), &why));
                    }
                }
            }
            for (name, field) in fields {
                if let Some(property) = schema.properties.get(name) {
                    embedded(property, field, &child(name), causes);
                } else if let Some(Additional::Each(each)) = &schema.additional {
                    embedded(each, field, &format!("{path}[{name}]"), causes);
                }
            }
        }
        Value::Array(items) => {
            if let Some(element) = schema.items.as_deref() {
                for (index, item) in items.iter().enumerate() {
                    embedded(element, item, &format!("{path}[{index}]"), causes);
                }
            }
        }
        _ => {}
    }
}
