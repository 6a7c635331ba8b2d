//! How the elements of a set, or of a list that is a map, are named in a path.

use serde_json::Value;

use crate::managed_fields::path::{PathElement, Scalar};
use crate::schema::{ListRelation, ListType};

/// The name of an element; the error is the text of the API.
pub(super) fn path_element(list: &ListType, item: &Value) -> Result<PathElement, String> {
    match &list.relation {
        ListRelation::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        ListRelation::Set => match item {
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null".to_owned())
            }
            scalar => Ok(PathElement::Value(Scalar(scalar.clone()))),
        },
        ListRelation::Keys(keys) => keyed(list, keys, item),
    }
}

fn keyed(list: &ListType, keys: &[String], item: &Value) -> Result<PathElement, String> {
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let mut named: Vec<(String, Scalar)> = keys
        .iter()
        .filter_map(|key| {
            let value = fields.get(key).or_else(|| list.key_default(key))?;
            Some((key.clone(), Scalar(value.clone())))
        })
        .collect();
    if named.is_empty() && !keys.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
             values for any key fields)",
            keys.join(" ")
        ));
    }
    named.sort();
    Ok(PathElement::Key(named))
}
