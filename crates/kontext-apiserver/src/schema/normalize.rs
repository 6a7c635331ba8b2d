//! The form in which the server keeps and returns an object of a built-in kind: what its JSON always carries is
//! there (`resources: {}`, `status: {}`), what it leaves out when empty is not. Unknown fields stay as they are.

use serde_json::{Map, Value, json};

use super::{Field, Omit, Shape, TypeDef};

/// The empty object of a type, as the server would write it.
pub(crate) fn zero(def: &TypeDef) -> Value {
    let mut value = Value::Object(Map::new());
    normalize(def, &mut value);
    value
}

/// Brings an object of the type into the server's form.
pub(crate) fn normalize(def: &TypeDef, value: &mut Value) {
    let Value::Object(object) = value else { return };
    for (name, field) in &def.fields {
        match object.get_mut(*name) {
            None | Some(Value::Null) => {
                if field.omit == Omit::Never {
                    object.insert((*name).to_owned(), zero_of(&field.shape));
                } else {
                    object.remove(*name);
                }
            }
            Some(present) => {
                normalize_shape(&field.shape, present);
                if is_omitted(field, present) {
                    object.remove(*name);
                }
            }
        }
    }
}

fn normalize_shape(shape: &Shape, value: &mut Value) {
    match shape {
        Shape::Struct(_) | Shape::Pointer(_) => {
            if let Some(def) = shape.type_def() {
                normalize(def, value);
            }
        }
        Shape::List(element) => {
            for item in value.as_array_mut().into_iter().flatten() {
                if item.is_null() && matches!(**element, Shape::Struct(_)) {
                    *item = Value::Object(Map::new());
                }
                normalize_shape(element, item);
            }
        }
        Shape::Map(element) => {
            for item in value.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                if item.is_null() && matches!(**element, Shape::Text) {
                    *item = Value::String(String::new());
                }
                normalize_shape(element, item);
            }
        }
        _ => {}
    }
}

fn zero_of(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!(""),
        Shape::Number | Shape::IntOrString => json!(0),
        Shape::Bool => json!(false),
        Shape::Quantity => json!("0"),
        Shape::Struct(_) => shape.type_def().map_or_else(|| json!({}), zero),
        Shape::Time | Shape::Opaque | Shape::Pointer(_) | Shape::List(_) | Shape::Map(_) => Value::Null,
    }
}

fn is_omitted(field: &Field, value: &Value) -> bool {
    match field.omit {
        Omit::Never => false,
        Omit::Zero => value.as_object().is_some_and(Map::is_empty),
        Omit::Empty => match (&field.shape, value) {
            (Shape::Text, Value::String(text)) => text.is_empty(),
            (Shape::Number, Value::Number(number)) => number.as_f64() == Some(0.0),
            (Shape::Bool, Value::Bool(flag)) => !flag,
            (Shape::List(_), Value::Array(items)) => items.is_empty(),
            (Shape::Map(_), Value::Object(map)) => map.is_empty(),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use crate::schema;

    #[test]
    fn an_empty_deployment_has_the_fields_that_are_never_left_out() {
        let zero = schema::zero(schema::of("apps", "Deployment").expect("known"));
        expect![[
            r#"{"metadata":{},"spec":{"selector":null,"strategy":{},"template":{"metadata":{},"spec":{"containers":null}}},"status":{}}"#
        ]]
        .assert_eq(&zero.to_string());
    }

    #[test]
    fn empty_optional_values_go_and_unknown_fields_stay() {
        let mut pod = json!({"metadata": {"labels": {}, "annotations": null, "mystery": {}}, "spec": {
            "hostNetwork": false, "nodeName": "", "volumes": [{"name": "v", "emptyDir": {}}],
            "containers": [{"name": "app", "env": [], "resources": null}]}});
        schema::normalize(schema::of("", "Pod").expect("known"), &mut pod);
        expect![[r#"{"metadata":{"mystery":{}},"spec":{"containers":[{"name":"app","resources":{}}],"volumes":[{"emptyDir":{},"name":"v"}]},"status":{}}"#]]
            .assert_eq(&pod.to_string());
    }
}
