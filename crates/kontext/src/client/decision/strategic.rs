//! Strategic merge patches, as far as they can be understood without the schema of the kind: maps, scalars, and of
//! lists owner references (merged by uid) and finalizers (a set). What a list elsewhere does depends on merge keys
//! that only the API server knows for sure.

use serde_json::{Map, Value};

/// The patch has something in it of which the effect is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotUnderstood;

/// Applies `patch` to `object`.
pub(crate) fn apply(object: &mut Value, patch: &Value) -> Result<(), NotUnderstood> {
    match (object, patch) {
        (Value::Object(object), Value::Object(patch)) => merge(object, patch, &[]),
        _ => Err(NotUnderstood),
    }
}

fn merge(
    object: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    path: &[&str],
) -> Result<(), NotUnderstood> {
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if path != ["metadata"] || list != "finalizers" {
                return Err(NotUnderstood);
            }
            let gone = value.as_array().ok_or(NotUnderstood)?;
            if let Some(Value::Array(finalizers)) = object.get_mut(list) {
                finalizers.retain(|finalizer| !gone.contains(finalizer));
            }
            continue;
        }
        if name.starts_with('$') {
            return Err(NotUnderstood);
        }
        match value {
            Value::Null => drop(object.remove(name)),
            Value::Object(patch) => {
                let below = object.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new()));
                if !below.is_object() {
                    *below = Value::Object(Map::new());
                }
                let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
                merge(below.as_object_mut().ok_or(NotUnderstood)?, patch, &path)?;
            }
            Value::Array(patch) => {
                let slot = object.entry(name.as_str()).or_insert_with(|| Value::Array(Vec::new()));
                if slot.is_null() {
                    *slot = Value::Array(Vec::new());
                }
                let list = slot.as_array_mut().ok_or(NotUnderstood)?;
                match (path, name.as_str()) {
                    (["metadata"], "ownerReferences") => owners(list, patch)?,
                    (["metadata"], "finalizers") => finalizers(list, patch)?,
                    _ => return Err(NotUnderstood),
                }
            }
            scalar => drop(object.insert(name.clone(), scalar.clone())),
        }
    }
    Ok(())
}

fn owners(list: &mut Vec<Value>, patch: &[Value]) -> Result<(), NotUnderstood> {
    for entry in patch {
        let entry = entry.as_object().ok_or(NotUnderstood)?;
        let uid = entry.get("uid").filter(|uid| uid.is_string()).ok_or(NotUnderstood)?;
        let at = list.iter().position(|owner| owner["uid"] == *uid);
        match entry.get("$patch").map(Value::as_str) {
            Some(Some("delete")) => drop(at.map(|at| list.remove(at))),
            Some(_) => return Err(NotUnderstood),
            None => match at.and_then(|at| list[at].as_object_mut()) {
                Some(owner) => merge(owner, entry, &["metadata", "ownerReferences"])?,
                None => list.push(Value::Object(entry.clone())),
            },
        }
    }
    Ok(())
}

fn finalizers(list: &mut Vec<Value>, patch: &[Value]) -> Result<(), NotUnderstood> {
    for finalizer in patch {
        if !finalizer.is_string() {
            return Err(NotUnderstood);
        }
        if !list.contains(finalizer) {
            list.push(finalizer.clone());
        }
    }
    Ok(())
}
