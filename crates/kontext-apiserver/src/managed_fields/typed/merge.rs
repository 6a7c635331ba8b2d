//! The merge of an applied object into the live one. Nothing is ever removed by it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::items::path_element;
use crate::managed_fields::path::PathElement;
use crate::schema::{Chosen, ListRelation, ListType, MapType, MergeType};

/// Merges `applied` into `live`; both fit the type. Items of a list that both have stand in the order in which
/// `applied` has them.
pub(crate) fn merge(of: &MergeType, live: &Value, applied: &Value) -> Result<Value, String> {
    value(of, Some(live), Some(applied)).map(|merged| merged.unwrap_or(Value::Null))
}

type Side<'a> = Option<&'a Value>;

/// `None`: nothing is left, which drops the field.
fn value(of: &MergeType, live: Side<'_>, applied: Side<'_>) -> Result<Option<Value>, String> {
    // What a value is applied as decides; the live value's own type matters where nothing is applied.
    match of.choose(applied.or(live)) {
        Chosen::Map { of, atomic } => {
            let (left, right) = (object(live), object(applied));
            if atomic || (left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty)) {
                return Ok(leaf(live, applied));
            }
            map(of, left, right)
        }
        Chosen::List(of) => {
            let (left, right) = (items(live), items(applied));
            if of.relation == ListRelation::Atomic || (left.is_empty() && right.is_empty()) {
                return Ok(leaf(live, applied));
            }
            list(of, left, right)
        }
        Chosen::Scalar(_) | Chosen::Nothing => Ok(leaf(live, applied)),
    }
}

fn leaf(live: Side<'_>, applied: Side<'_>) -> Option<Value> {
    applied.or(live).cloned()
}

fn object(side: Side<'_>) -> Option<&Map<String, Value>> {
    side.and_then(Value::as_object)
}

fn items(side: Side<'_>) -> &[Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn map(
    of: &MapType,
    live: Option<&Map<String, Value>>,
    applied: Option<&Map<String, Value>>,
) -> Result<Option<Value>, String> {
    let unknown = MergeType::deduced();
    let names: BTreeSet<&String> =
        live.into_iter().flat_map(Map::keys).chain(applied.into_iter().flat_map(Map::keys)).collect();
    let mut merged = Map::new();
    for name in names {
        let left = live.and_then(|fields| fields.get(name));
        let right = applied.and_then(|fields| fields.get(name));
        if let Some(kept) = value(of.type_of(name).unwrap_or(&unknown), left, right)? {
            merged.insert(name.clone(), kept);
        }
    }
    Ok((!merged.is_empty()).then_some(Value::Object(merged)))
}

/// The named items of one side, and the item of each name; a name that several items share has null.
struct Indexed<'a> {
    order: Vec<PathElement>,
    items: BTreeMap<PathElement, Option<&'a Value>>,
}

fn index<'a>(of: &ListType, items: &'a [Value], duplicates: bool) -> Result<Indexed<'a>, String> {
    let mut indexed = Indexed { order: Vec::with_capacity(items.len()), items: BTreeMap::new() };
    for (position, item) in items.iter().enumerate() {
        let element = path_element(of, item).map_err(|why| format!("element {position}: {why}"))?;
        let known = indexed.items.contains_key(&element);
        if known && !duplicates {
            return Err(format!("duplicate entries for key {element}"));
        }
        indexed.items.insert(element.clone(), (!known).then_some(item));
        indexed.order.push(element);
    }
    Ok(indexed)
}

fn list(of: &ListType, live: &[Value], applied: &[Value]) -> Result<Option<Value>, String> {
    let right = index(of, applied, false)?;
    let left = index(of, live, true)?;
    let mut shared = right.order.iter().filter(|element| left.items.contains_key(*element));
    let mut next_shared = shared.next();
    let mut done: BTreeSet<&PathElement> = BTreeSet::new();
    let mut merged = Vec::with_capacity(live.len().max(applied.len()));
    let null = Value::Null;
    let both = |element: &PathElement| {
        // Duplicated live items are not merged with: null stands for them.
        let side = left.items.get(element).map(|item| item.unwrap_or(&null));
        value(&of.element, side, right.items.get(element).copied().flatten())
    };
    let (mut l, mut r) = (0, 0);
    while l < left.order.len() || r < right.order.len() {
        if let (Some(ours), Some(theirs)) = (left.order.get(l), right.order.get(r)) {
            if ours == theirs {
                done.insert(ours);
                merged.extend(both(ours)?);
                l += 1;
                r += 1;
                next_shared = shared.next();
                continue;
            }
            if right.items.contains_key(ours) && next_shared.is_some_and(|next| next != ours) {
                // In both, but not yet its turn.
                l += 1;
                continue;
            }
        }
        if let Some(ours) = left.order.get(l) {
            if !right.items.contains_key(ours) {
                merged.extend(value(&of.element, live.get(l), None)?);
                l += 1;
                continue;
            }
            if done.contains(ours) {
                l += 1;
            }
        }
        if let Some(theirs) = right.order.get(r) {
            done.insert(theirs);
            merged.extend(both(theirs)?);
            r += 1;
            if next_shared == Some(theirs) {
                next_shared = shared.next();
            }
        }
    }
    Ok((!merged.is_empty()).then_some(Value::Array(merged)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn names(live: &[&str], applied: &[&str]) -> Vec<String> {
        let of = schema::merge_type_of("", "v1", "Pod").expect("known");
        let pod = |names: &[&str]| {
            let containers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"spec": {"containers": containers}})
        };
        let merged = merge(&of, &pod(live), &pod(applied)).expect("fits");
        merged["spec"]["containers"]
            .as_array()
            .expect("list")
            .iter()
            .map(|item| item["name"].as_str().expect("text").to_owned())
            .collect()
    }

    #[test]
    fn shared_items_stand_as_applied_and_the_others_keep_their_places() {
        assert_eq!(names(&["a", "b", "c"], &["c", "a"]), ["b", "c", "a"]);
        assert_eq!(names(&["a", "b"], &["x", "b"]), ["a", "x", "b"]);
        assert_eq!(names(&[], &["x", "y"]), ["x", "y"]);
        assert_eq!(names(&["a", "b", "c"], &["b"]), ["a", "b", "c"]);
        assert_eq!(names(&["a", "b"], &["c"]), ["a", "b", "c"]);
    }

    #[test]
    fn an_applied_null_is_kept() {
        let of = schema::merge_type_of("apps", "v1", "Deployment").expect("known");
        let merged = merge(&of, &json!({"spec": {"replicas": 1}}), &json!({"spec": {"replicas": null}}))
            .expect("fits");
        assert_eq!(merged, json!({"spec": {"replicas": null}}));
    }
}
