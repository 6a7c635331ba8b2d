//! Objects against the types of their kind: values of the wrong type, and fields that no type has.

use serde_json::Value;

use crate::formats;
use crate::protobuf::{self, Shape, named_fields};
use crate::schema::{self, TypeDef};

/// Removes the fields that the kind does not have and returns their paths. The error says which value has a wrong
/// type, in the words of Go's decoder. Kinds that the table does not have pass.
pub(crate) fn check(api_version: &str, kind: &str, object: &mut Value) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    if let (None, Some(definition)) = (protobuf::type_name(api_version, kind), schema::of(group, kind)) {
        typed(definition, object, "", &mut unknown)?;
    }
    if let Some(name) = protobuf::type_name(api_version, kind) {
        structure(name, object, "", Path { go: "", shown: "", top: true }, &mut unknown)?;
    }
    Ok(unknown)
}

/// The same by the types of the schema, for kinds that do not come in protobuf.
fn typed(
    definition: &TypeDef,
    value: &mut Value,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let Value::Object(fields) = value else { return Ok(()) };
    let mut strange = Vec::new();
    for (name, field) in fields.iter_mut() {
        let inner = join(path, name);
        match definition.fields.get(name.as_str()) {
            Some(_) if field.is_null() => {}
            Some(facts) => typed_shape(&facts.shape, field, &inner, unknown)?,
            None if path.is_empty() && matches!(name.as_str(), "kind" | "apiVersion") => {}
            None => strange.push((name.clone(), inner)),
        }
        // A schema in a schema, where the type says that it may be something else as well.
        if definition.fields.contains_key("x-kubernetes-list-type")
            && matches!(name.as_str(), "items" | "additionalProperties")
        {
            typed(definition, field, &join(path, name), unknown)?;
            schema::normalize(definition, field);
        }
    }
    for (name, path) in strange {
        fields.remove(&name);
        unknown.push(path);
    }
    Ok(())
}

fn typed_shape(
    shape: &schema::Shape,
    value: &mut Value,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    use schema::Shape;
    let wanted = match shape {
        Shape::Text if !value.is_string() => "string",
        Shape::Bool if !value.is_boolean() => "bool",
        Shape::Number if !value.is_i64() => "int64",
        Shape::List(_) if !value.is_array() => "[]",
        Shape::Map(_) if !value.is_object() => "map[string]",
        Shape::Struct(name) | Shape::Pointer(name) if !value.is_object() => name,
        _ => "",
    };
    if !wanted.is_empty() {
        return Err(wrong(value, path.rsplit('.').nth(1).unwrap_or_default(), path, wanted));
    }
    match (shape, value) {
        (Shape::Struct(_) | Shape::Pointer(_), value) => match shape.type_def() {
            Some(definition) => typed(definition, value, path, unknown),
            None => Ok(()),
        },
        (Shape::List(element), Value::Array(items)) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, item)| typed_shape(element, item, &format!("{path}[{index}]"), unknown)),
        (Shape::Map(element), Value::Object(entries)) => entries
            .iter_mut()
            .try_for_each(|(key, item)| typed_shape(element, item, &join(path, key), unknown)),
        _ => Ok(()),
    }
}

/// Checks the metadata alone, which every rule relies on.
pub(crate) fn check_metadata(kind: &str, object: &Value) -> Result<(), String> {
    match object.get("metadata") {
        None | Some(Value::Null) => Ok(()),
        Some(metadata) => {
            let path = Path { go: "metadata", shown: "metadata", top: false };
            structure("meta.v1.ObjectMeta", &mut metadata.clone(), kind, path, &mut Vec::new())
        }
    }
}

/// The error of [`check`] as the conversion of an object without types words it.
pub(crate) fn conversion_error(wrong: &str) -> String {
    let wrong = wrong.strip_prefix("json: ").unwrap_or(wrong);
    let Some((given, rest)) =
        wrong.strip_prefix("cannot unmarshal ").and_then(|rest| rest.split_once(" into Go struct field "))
    else {
        return wrong.to_owned();
    };
    let wanted = rest.rsplit_once(" of type ").map_or(rest, |(_, wanted)| wanted);
    let (kind, go_type) = match given {
        "string" => ("string", "string"),
        "bool" => ("bool", "bool"),
        "number" => ("int64", "int64"),
        "array" => ("slice", "[]interface {}"),
        "object" => ("map", "map[string]interface {}"),
        _ => ("float64", "float64"),
    };
    match wanted {
        wanted if wanted.starts_with("[]") => format!("cannot restore slice from {kind}"),
        wanted if wanted.starts_with("map[") => format!("cannot restore map from {kind}"),
        wanted if wanted.contains('.') => format!("cannot restore struct from: {kind}"),
        wanted => format!("cannot convert {go_type} to {wanted}"),
    }
}

/// Removes the fields that no metadata has and returns their names. The error says which value has a wrong type.
pub(crate) fn metadata(value: &mut Value) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    structure("meta.v1.ObjectMeta", value, "", Path { go: "", shown: "", top: false }, &mut unknown)?;
    Ok(unknown)
}

/// Where a value is: as Go's decoder writes it (no indexes), and as strict decoding does.
#[derive(Clone, Copy)]
struct Path<'a> {
    go: &'a str,
    shown: &'a str,
    top: bool,
}

/// Checks a struct; `parent` is the type whose field it is in.
fn structure(
    name: &str,
    value: &mut Value,
    parent: &str,
    path: Path<'_>,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let short = name.rsplit('.').next().unwrap_or(name);
    let Some(types) = named_fields(name) else { return Ok(()) };
    let Value::Object(fields) = value else { return Err(wrong(value, parent, path.go, &go_struct(name))) };
    let mut strange = Vec::new();
    for (field, item) in fields.iter_mut() {
        let typed = path.top && matches!(field.as_str(), "kind" | "apiVersion");
        match types.get(field.as_str()) {
            Some(_) if item.is_null() => {}
            Some(known) => {
                let (go, shown) = (join(path.go, field), join(path.shown, field));
                shape(known, item, short, Path { go: &go, shown: &shown, top: false }, unknown)?;
            }
            None if typed => {}
            None => strange.push(field.clone()),
        }
    }
    for field in strange {
        fields.remove(&field);
        unknown.push(join(path.shown, &field));
    }
    Ok(())
}

fn shape(
    wanted: &Shape,
    value: &mut Value,
    parent: &str,
    path: Path<'_>,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let fits = match wanted {
        Shape::Text | Shape::Bytes | Shape::Time | Shape::MicroTime => value.is_string(),
        Shape::Number => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        Shape::Bool => value.is_boolean(),
        Shape::Quantity | Shape::IntOrString => value.is_string() || value.is_number(),
        Shape::Raw => true,
        Shape::Message(name) => return structure(name, value, parent, path, unknown),
        Shape::List(_) => value.is_array(),
        Shape::Map(_) => value.is_object(),
    };
    if !fits {
        let long = matches!(wanted, Shape::Number) && LONG.iter().any(|name| path.go.ends_with(name));
        let wanted = if long { "int64".to_owned() } else { go_type(wanted) };
        return Err(wrong(value, parent, path.go, &wanted));
    }
    match (wanted, value) {
        (Shape::Time, Value::String(text)) => formats::time(formats::TIME, text)?,
        (Shape::MicroTime, Value::String(text)) => formats::time(formats::MICRO_TIME, text)?,
        (Shape::Quantity, Value::String(text)) => formats::quantity(text)?,
        (Shape::Bytes, Value::String(text)) => formats::base64(text)?,
        (Shape::List(element), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate().filter(|(_, item)| !item.is_null()) {
                let shown = format!("{}[{index}]", path.shown);
                shape(element, item, parent, Path { shown: &shown, ..path }, unknown)?;
            }
        }
        (Shape::Map(element), Value::Object(entries)) => {
            for (key, item) in entries.iter_mut().filter(|(_, item)| !item.is_null()) {
                let shown = join(path.shown, key);
                shape(element, item, parent, Path { shown: &shown, ..path }, unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The numbers that are wider than most.
const LONG: [&str; 6] = [
    "eneration",
    "GracePeriodSeconds",
    "activeDeadlineSeconds",
    "startingDeadlineSeconds",
    "tolerationSeconds",
    "expirationSeconds",
];

fn go_type(shape: &Shape) -> String {
    match shape {
        Shape::Text
        | Shape::Bytes
        | Shape::Time
        | Shape::MicroTime
        | Shape::Quantity
        | Shape::IntOrString => "string".to_owned(),
        Shape::Number => "int32".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Raw => "runtime.RawExtension".to_owned(),
        Shape::Message(name) => go_struct(name),
        Shape::List(element) => format!("[]{}", go_type(element)),
        Shape::Map(element) => format!("map[string]{}", go_type(element)),
    }
}

/// `v1.Container` for `core.v1.Container`: Go names types by the last part of their package.
fn go_struct(name: &str) -> String {
    name.split_once('.').map_or(name, |(_, rest)| rest).to_owned()
}

/// What Go's decoder says of a value that does not fit its field.
pub(crate) fn wrong(value: &Value, parent: &str, path: &str, wanted: &str) -> String {
    let given = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    };
    format!("json: cannot unmarshal {given} into Go struct field {parent}.{path} of type {wanted}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        let mut pod = json!({
            "kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "colour": 1},
            "spec": {"containers": [{"name": "c", "imag": "x"}], "volumes": [{"name": "v", "emptyDir": {}}]},
        });
        let unknown = check("v1", "Pod", &mut pod).unwrap();
        assert_eq!(unknown, ["metadata.colour", "spec.containers[0].imag"]);
        assert_eq!(pod["spec"]["containers"][0], json!({"name": "c"}));
        assert_eq!(pod["spec"]["volumes"][0], json!({"name": "v", "emptyDir": {}}));
        assert_eq!(pod["kind"], "Pod");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_an_error() {
        let mut deployment = json!({"spec": {"replicas": "three"}});
        assert_eq!(
            check("apps/v1", "Deployment", &mut deployment).unwrap_err(),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        );
        assert!(check("v1", "Pod", &mut json!({"spec": {"containers": {}}})).is_err());
        assert!(check_metadata("Pod", &json!({"metadata": {"labels": {"a": 1}}})).is_err());
    }
}
