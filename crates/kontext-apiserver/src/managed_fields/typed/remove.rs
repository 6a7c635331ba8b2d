//! A value without some of its fields and items.

use serde_json::{Map, Value};

use super::items::path_element;
use crate::managed_fields::path::PathElement;
use crate::managed_fields::set::FieldSet;
use crate::schema::{Chosen, ListRelation, ListType, MapType, MergeType};

/// The value without what is in the set. A map or list that loses everything becomes null.
pub(crate) fn remove(of: &MergeType, value: &Value, gone: &FieldSet) -> Value {
    match (of.choose(Some(value)), value) {
        (Chosen::Map { atomic: false, of }, Value::Object(fields)) if !fields.is_empty() => {
            map(of, fields, gone)
        }
        (Chosen::List(of), Value::Array(items))
            if of.relation != ListRelation::Atomic && !items.is_empty() =>
        {
            list(of, items, gone)
        }
        (Chosen::Map { .. } | Chosen::List(_), _) => Value::Null,
        _ => value.clone(),
    }
}

fn map(of: &MapType, fields: &Map<String, Value>, gone: &FieldSet) -> Value {
    let unknown = MergeType::deduced();
    let mut kept = Map::new();
    for (name, value) in fields {
        let element = PathElement::field(name);
        if gone.has(&element) {
            continue;
        }
        let value = match gone.below(&element) {
            Some(below) => remove(of.type_of(name).unwrap_or(&unknown), value, below),
            None => value.clone(),
        };
        kept.insert(name.clone(), value);
    }
    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
}

fn list(of: &ListType, items: &[Value], gone: &FieldSet) -> Value {
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        let Ok(element) = path_element(of, item) else {
            kept.push(item.clone());
            continue;
        };
        if gone.has(&element) {
            continue;
        }
        kept.push(match gone.below(&element) {
            Some(below) => remove(&of.element, item, below),
            None => item.clone(),
        });
    }
    if kept.is_empty() { Value::Null } else { Value::Array(kept) }
}
