//! `metadata.managedFields` read and written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::set::FieldSet;

/// Who an entry belongs to. Two writes of one manager share an entry when all of this is the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) manager: String,
    pub(crate) operation: Operation,
    /// Not part of an applier's identity, therefore empty there.
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) fields: FieldSet,
    pub(crate) api_version: String,
    /// As it was written (RFC 3339, whole seconds).
    pub(crate) time: Option<String>,
}

pub(crate) type Entries = BTreeMap<Identity, Entry>;

/// Reads the list; any broken entry makes the whole list invalid.
pub(crate) fn decode(list: &Value) -> Result<Entries, String> {
    let mut entries = Entries::new();
    for (index, item) in list.as_array().into_iter().flatten().enumerate() {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return Err("operation must be `Apply` or `Update`".to_owned()),
        };
        let api_version = text("apiVersion");
        if api_version.is_empty() {
            return Err("apiVersion must not be empty".to_owned());
        }
        match text("fieldsType") {
            "FieldsV1" => {}
            "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
            other => return Err(format!("invalid fieldsType {other:?} in managed fields entry {index}")),
        }
        let fields = match item.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::default(),
            Some(fields) => FieldSet::parse(fields)?,
        };
        let identity = Identity {
            manager: text("manager").to_owned(),
            operation,
            api_version: if operation == Operation::Apply { String::new() } else { api_version.to_owned() },
            subresource: text("subresource").to_owned(),
        };
        let time = item.get("time").and_then(Value::as_str).map(str::to_owned);
        entries.insert(identity, Entry { fields, api_version: api_version.to_owned(), time });
    }
    Ok(entries)
}

/// The list in the server's order: appliers first, then by time, manager, version, subresource.
pub(crate) fn encode(entries: &Entries) -> Value {
    let mut sorted: Vec<(&Identity, &Entry)> = entries.iter().collect();
    sorted.sort_by_key(|(identity, entry)| {
        (
            identity.operation,
            seconds(entry.time.as_deref()),
            identity.manager.clone(),
            entry.api_version.clone(),
            identity.subresource.clone(),
        )
    });
    Value::Array(
        sorted
            .into_iter()
            .map(|(identity, entry)| {
                let mut item = Map::new();
                item.insert("apiVersion".to_owned(), json!(entry.api_version));
                item.insert("fieldsType".to_owned(), json!("FieldsV1"));
                item.insert("fieldsV1".to_owned(), entry.fields.to_value());
                let operation = match identity.operation {
                    Operation::Apply => "Apply",
                    Operation::Update => "Update",
                };
                item.insert("operation".to_owned(), json!(operation));
                for (name, value) in [
                    ("manager", Some(&identity.manager)),
                    ("subresource", Some(&identity.subresource)),
                    ("time", entry.time.as_ref()),
                ] {
                    if let Some(value) = value.filter(|value| !value.is_empty()) {
                        item.insert(name.to_owned(), json!(value));
                    }
                }
                Value::Object(item)
            })
            .collect(),
    )
}

/// A time as entries carry it.
pub(crate) fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn seconds(time: Option<&str>) -> i64 {
    time.and_then(|text| text.parse::<Timestamp>().ok()).map_or(0, Timestamp::as_second)
}
