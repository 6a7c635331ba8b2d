//! Strategic merge patch: like a merge patch, but the lists of the built-in kinds are merged by their merge keys.

use serde_json::{Map, Value};

use super::directives::{
    DELETE_FROM, PATCH, SET_ORDER, go_text, no_merge_key, retain_keys, unknown_directive, without_directives,
};
use super::{PatchError, decoding_error, json_kind, order};
use crate::schema::{self, Shape, Strategy, TypeDef};

/// Applies a strategic merge patch to an object of a built-in kind. The server answers 415 for kinds without a
/// schema (custom resources) before it comes here; if it comes here nevertheless, lists are replaced.
pub(crate) fn strategic_merge_patch(
    group: &str,
    kind: &str,
    doc: &Value,
    patch: &[u8],
) -> Result<Value, PatchError> {
    let patch: Value =
        serde_json::from_slice(patch).map_err(|error| PatchError::BadRequest(decoding_error(&error)))?;
    let patch = match patch {
        Value::Object(patch) => patch,
        // To a Go program, null is a map too: an empty one.
        Value::Null => Map::new(),
        other => {
            let kind = json_kind(&other);
            return Err(PatchError::BadRequest(format!(
                "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
            )));
        }
    };
    let doc = doc.as_object().cloned().unwrap_or_default();
    merge_map(doc, patch, Layout { def: schema::of(group, kind), element: None }).map(Value::Object)
}

/// What is known about the values in a map.
#[derive(Clone, Copy, Default)]
struct Layout {
    def: Option<&'static TypeDef>,
    /// The shape of every value, in a map without named fields.
    element: Option<&'static Shape>,
}

impl Layout {
    fn of(shape: Option<&'static Shape>) -> Layout {
        Layout {
            def: shape.and_then(Shape::type_def),
            element: match shape {
                Some(Shape::Map(element)) => Some(element),
                _ => None,
            },
        }
    }

    /// The layout of a field's value (of its elements, for a list), and how the field is merged.
    fn field(self, name: &str) -> (Layout, Strategy) {
        let Some(field) = self.def.and_then(|def| def.fields.get(name)) else {
            return (Layout::of(self.element), Strategy::default());
        };
        let shape = match &field.shape {
            Shape::List(element) => &**element,
            other => other,
        };
        (Layout::of(Some(shape)), field.strategy.clone())
    }
}

type Object = Map<String, Value>;

fn merge_map(mut original: Object, mut patch: Object, layout: Layout) -> Result<Object, PatchError> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(clean(patch))
            }
            Some("delete") => Ok(Object::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    ordered_lists(&mut original, &mut patch, layout)?;
    for (key, value) in patch {
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            delete_from(&mut original, name, &value);
            continue;
        }
        if value.is_null() {
            original.remove(&key);
            continue;
        }
        let merged = match (original.remove(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let (layout, strategy) = layout.field(&key);
                Some(Value::Object(if strategy.replace { new } else { merge_map(old, new, layout)? }))
            }
            (Some(Value::Array(old)), Value::Array(new)) => {
                let (layout, strategy) = layout.field(&key);
                Some(Value::Array(merge_list(old, new, layout, &strategy)?))
            }
            (_, new) => without_directives(new),
        };
        if let Some(merged) = merged {
            original.insert(key, merged);
        }
    }
    Ok(original)
}

fn clean(object: Object) -> Object {
    match without_directives(Value::Object(object)) {
        Some(Value::Object(object)) => object,
        _ => Object::new(),
    }
}

/// Lists with a `$setElementOrder`: merged, then put into the wanted order.
fn ordered_lists(original: &mut Object, patch: &mut Object, layout: Layout) -> Result<(), PatchError> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in directives {
        let bad = || PatchError::BadRequest("invalid patch format of setElementOrder list".to_owned());
        let wanted = match patch.remove(&directive) {
            Some(Value::Array(wanted)) => wanted,
            Some(Value::String(_)) => {
                return Err(PatchError::Internal(
                    "expected a []interface {}, but received a string".to_owned(),
                ));
            }
            _ => return Err(bad()),
        };
        let name = &directive[SET_ORDER.len()..];
        let (layout, strategy) = layout.field(name);
        let merge_key = strategy.merge_key;
        let new = match patch.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) => Some(items),
            Some(_) => return Err(bad()),
        };
        let old = match original.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) => Some(items),
            Some(_) => return Err(bad()),
        };
        if let Some(new) = &new {
            check_order(new, &wanted, merge_key)?;
        }
        let server = old.clone().unwrap_or_default();
        let merged = match (old, new) {
            (None, None) => continue,
            (Some(old), None) => old,
            (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
            (Some(old), Some(new)) => merge_list(old, new, layout, &strategy)?,
        };
        original.insert(name.to_owned(), Value::Array(order::arrange(merged, &wanted, &server, merge_key)));
    }
    Ok(())
}

/// The elements of the patch list must appear in the order list, in the same order.
fn check_order(items: &[Value], wanted: &[Value], merge_key: Option<&str>) -> Result<(), PatchError> {
    let mut rest = wanted.iter();
    for item in items.iter().filter(|item| item.get(PATCH).is_none()) {
        let identity = order::identity(item, merge_key);
        if identity.is_none() || !rest.any(|element| order::identity(element, merge_key) == identity) {
            return Err(PatchError::Internal(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                go_text(&Value::from(items.to_vec())),
                go_text(&Value::from(wanted.to_vec()))
            )));
        }
    }
    Ok(())
}

fn delete_from(original: &mut Object, name: &str, gone: &Value) {
    if let (Some(Value::Array(items)), Value::Array(gone)) = (original.get_mut(name), gone) {
        items.retain(|item| !gone.contains(item));
    }
}

fn merge_list(
    old: Vec<Value>,
    new: Vec<Value>,
    layout: Layout,
    strategy: &Strategy,
) -> Result<Vec<Value>, PatchError> {
    if !strategy.merge {
        return Ok(new.into_iter().filter_map(without_directives).collect());
    }
    if old.iter().chain(&new).any(Value::is_array) {
        return Err(PatchError::Unprocessable("lists of lists are not supported".to_owned()));
    }
    if !old.iter().chain(&new).any(Value::is_object) {
        return Ok(merge_scalars(&old, &new));
    }
    let Some(key) = strategy.merge_key else {
        return Err(PatchError::Internal("cannot merge lists without merge key".to_owned()));
    };
    merge_objects(old, new, layout, key)
}

fn merge_scalars(old: &[Value], new: &[Value]) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::with_capacity(old.len() + new.len());
    for item in old.iter().chain(new) {
        if !merged.contains(item) {
            merged.push(item.clone());
        }
    }
    order::arrange(merged, new, old, None)
}

fn merge_objects(
    mut server: Vec<Value>,
    patch: Vec<Value>,
    layout: Layout,
    key: &str,
) -> Result<Vec<Value>, PatchError> {
    let mut changes = Vec::with_capacity(patch.len());
    let mut replace = false;
    for item in patch {
        let Value::Object(item) = item else {
            return Err(PatchError::Internal("list element types are not identical".to_owned()));
        };
        match item.get(PATCH) {
            None => changes.push(item),
            Some(directive) => match directive.as_str() {
                Some("delete") => {
                    let gone = item.get(key).ok_or_else(|| no_merge_key(&item, key))?;
                    server.retain(|element| element.get(key) != Some(gone));
                }
                Some("replace") => replace = true,
                Some("merge") => {
                    return Err(PatchError::Internal(
                        "merging lists cannot yet be specified in the patch".to_owned(),
                    ));
                }
                _ => return Err(unknown_directive(directive, &item)),
            },
        }
    }
    if replace {
        return Ok(changes.into_iter().map(|item| Value::Object(clean(item))).collect());
    }
    let wanted: Vec<Value> = changes.iter().cloned().map(Value::Object).collect();
    let before = server.clone();
    for item in changes {
        let identity = item.get(key).cloned().ok_or_else(|| no_merge_key(&item, key))?;
        match server.iter_mut().find(|element| element.get(key) == Some(&identity)) {
            Some(Value::Object(element)) => *element = merge_map(std::mem::take(element), item, layout)?,
            _ => server.push(Value::Object(clean(item))),
        }
    }
    Ok(order::arrange(server, &wanted, &before, Some(key)))
}
