//! Objects against the schema of their kind: values of the wrong type, and fields that no type has.

use serde_json::Value;

use crate::schema::{Shape, TypeDef};

/// Removes the fields that the type does not have and returns their paths. The error says which value has a wrong type.
pub(crate) fn check(definition: &TypeDef, object: &mut Value) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    structure(definition, object, "", true, &mut unknown)?;
    Ok(unknown)
}

fn structure(
    definition: &TypeDef,
    value: &mut Value,
    path: &str,
    top: bool,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let Value::Object(fields) = value else { return wrong(value, path, "object") };
    let mut strange = Vec::new();
    for (name, field) in fields.iter_mut() {
        let typed = top && matches!(name.as_str(), "kind" | "apiVersion");
        match definition.fields.get(name.as_str()) {
            Some(_) if field.is_null() => {}
            Some(known) => shape(&known.shape, field, &join(path, name), unknown)?,
            None if typed => {}
            None => strange.push(name.clone()),
        }
    }
    for name in strange {
        fields.remove(&name);
        unknown.push(join(path, &name));
    }
    Ok(())
}

fn shape(shape_of: &Shape, value: &mut Value, path: &str, unknown: &mut Vec<String>) -> Result<(), String> {
    match shape_of {
        Shape::Text | Shape::Time if !value.is_string() => wrong(value, path, "string"),
        Shape::Number if !value.is_number() => wrong(value, path, "int"),
        Shape::Bool if !value.is_boolean() => wrong(value, path, "bool"),
        Shape::Quantity | Shape::IntOrString if !value.is_string() && !value.is_number() => {
            wrong(value, path, "string")
        }
        Shape::Struct(_) | Shape::Pointer(_) => match shape_of.type_def() {
            Some(definition) => structure(definition, value, path, false, unknown),
            None => Ok(()),
        },
        Shape::List(element) => match value.as_array_mut() {
            None => wrong(value, path, "slice"),
            Some(items) => items.iter_mut().enumerate().try_for_each(|(index, item)| {
                if item.is_null() {
                    Ok(())
                } else {
                    shape(element, item, &format!("{path}[{index}]"), unknown)
                }
            }),
        },
        Shape::Map(element) => match value.as_object_mut() {
            None => wrong(value, path, "map"),
            Some(entries) => entries.iter_mut().try_for_each(|(key, item)| {
                if item.is_null() { Ok(()) } else { shape(element, item, &join(path, key), unknown) }
            }),
        },
        _ => Ok(()),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn wrong(value: &Value, path: &str, wanted: &str) -> Result<(), String> {
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Err(format!("cannot unmarshal {given} into Go struct field {path} of type {wanted}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        let mut pod = json!({
            "kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "colour": 1},
            "spec": {"containers": [{"name": "c", "imag": "x"}]},
        });
        let unknown = check(schema::of("", "Pod").unwrap(), &mut pod).unwrap();
        assert_eq!(unknown, ["metadata.colour", "spec.containers[0].imag"]);
        assert_eq!(pod["spec"]["containers"][0], json!({"name": "c"}));
        assert_eq!(pod["kind"], "Pod");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_an_error() {
        let mut pod = json!({"spec": {"containers": {"name": "c"}}});
        let error = check(schema::of("", "Pod").unwrap(), &mut pod).unwrap_err();
        assert_eq!(error, "cannot unmarshal object into Go struct field spec.containers of type slice");
    }
}
