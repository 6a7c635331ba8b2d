//! The custom resource of [`custom`](super::super::super::custom).

use serde_json::{Value, json};

use super::{Field, Kind};

pub(super) fn kinds() -> Vec<Kind> {
    let kind = |version| {
        Kind::new(version, "Widget", "widgets", json!({"metadata": {}, "spec": {"size": 1}}))
            .scaled()
            .fields(fields())
            .status(vec![
                ("/status/phase", vec![json!("Ready"), json!(""), json!(5)]),
                ("/status/replicas", vec![json!(1), json!(0)]),
            ])
            .snippets(vec![
                json!({"spec": {"size": 2}}),
                json!({"spec": {"colour": "green"}}),
                json!({"spec": {"ports": [{"name": "a", "port": 1}]}}),
                json!({"spec": {"ports": [{"name": "b", "port": 2}]}}),
                json!({"spec": {"tags": ["x"]}}),
                json!({"spec": {"tags": ["y", "z"]}}),
                json!({"spec": {"words": ["x", "y"]}}),
                json!({"spec": {"free": {"a": {"b": 1}}}}),
            ])
    };
    vec![kind("differential.example.com/v1"), kind("differential.example.com/v1beta1")]
}

fn fields() -> Vec<Field> {
    vec![
        ("/spec/size", vec![json!(5), json!(101), json!(-1), json!("5"), json!(1.5), Value::Null]),
        ("/spec/replicas", vec![json!(3), json!(0), Value::Null]),
        ("/spec/colour", vec![json!("blue"), json!("pink"), Value::Null]),
        ("/spec/note", vec![json!("short"), json!("much too long"), Value::Null]),
        ("/spec/ports", vec![json!([{"name": "a", "port": 1}]), json!([{"name": "b"}]), json!([])]),
        ("/spec/tags", vec![json!(["x", "y"]), json!([])]),
        ("/spec/words", vec![json!(["x", "x"]), json!([])]),
        ("/spec/limit", vec![json!(1), json!("10%"), json!(true)]),
        ("/spec/free", vec![json!({"any": [1, {"b": null}]}), json!({})]),
        ("/spec/unknown", vec![json!(1)]),
    ]
}
