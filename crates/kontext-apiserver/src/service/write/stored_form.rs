//! What an object loses on its way into the real storage: empty lists and maps come back as none.

use serde_json::Value;

use crate::kinds::Resource;
use crate::schema::{self, Shape, TypeDef};

/// Makes null of every empty list and map that the API always writes.
pub(super) fn forget_empty(resource: &Resource, object: &mut Value) {
    if let Some(definition) = schema::of(&resource.storage_group, &resource.kind) {
        structure(definition, object);
    }
}

fn structure(definition: &TypeDef, value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        if let Some(field) = definition.fields.get(name.as_str()) {
            shape(&field.shape, value);
        }
    }
}

fn shape(of: &Shape, value: &mut Value) {
    let is_empty = match (of, &*value) {
        (Shape::List(_), Value::Array(items)) => items.is_empty(),
        (Shape::Map(_), Value::Object(entries)) => entries.is_empty(),
        _ => false,
    };
    if is_empty {
        *value = Value::Null;
        return;
    }
    match (of, value) {
        (Shape::Struct(_) | Shape::Pointer(_), value) => {
            if let Some(definition) = of.type_def() {
                structure(definition, value);
            }
        }
        (Shape::List(element), Value::Array(items)) => items.iter_mut().for_each(|item| shape(element, item)),
        (Shape::Map(element), Value::Object(entries)) => {
            entries.values_mut().for_each(|item| shape(element, item));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::Registry;

    #[test]
    fn an_empty_list_that_is_always_written_becomes_null() {
        let registry = Registry::built_in();
        let roles = registry.find("rbac.authorization.k8s.io", "v1", "roles").unwrap();
        let mut role = json!({"metadata": {"name": "r"}, "rules": []});
        forget_empty(roles, &mut role);
        assert_eq!(role, json!({"metadata": {"name": "r"}, "rules": null}));
    }
}
