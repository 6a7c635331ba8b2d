//! Printer columns of custom resources.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::number_shown;
use super::json_path::JsonPath;
use crate::table::age_of;

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

const CREATED: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// One column besides the name.
#[derive(Debug)]
pub(super) struct Column {
    header: Value,
    kind: String,
    path: JsonPath,
}

/// The columns of a version; without any the age is shown. A path that is none leaves the name alone.
pub(super) fn parse(columns: &[Value]) -> Vec<Column> {
    if columns.is_empty() {
        return vec![Column {
            header: json!({"name": "Age", "type": "date", "format": "", "description": CREATED, "priority": 0}),
            kind: "date".to_owned(),
            path: JsonPath::parse(".metadata.creationTimestamp").expect("a constant path"),
        }];
    }
    columns.iter().map(column).collect::<Option<_>>().unwrap_or_default()
}

fn column(column: &Value) -> Option<Column> {
    let text = |key: &str| column[key].as_str().unwrap_or_default();
    let path = text("jsonPath");
    let description = match text("description") {
        "" => format!("Custom resource definition column (in JSONPath format): {path}"),
        given => given.to_owned(),
    };
    Some(Column {
        header: json!({
            "name": text("name"), "type": text("type"), "format": text("format"),
            "description": description, "priority": column["priority"].as_i64().unwrap_or_default(),
        }),
        kind: text("type").to_owned(),
        path: JsonPath::parse(path)?,
    })
}

/// `columnDefinitions` of a table.
pub(super) fn headers(columns: &[Column]) -> Vec<Value> {
    let name =
        json!({"name": "Name", "type": "string", "format": "name", "description": NAME, "priority": 0});
    std::iter::once(name).chain(columns.iter().map(|column| column.header.clone())).collect()
}

/// The cells of a row.
pub(super) fn cells(columns: &[Column], object: &Value, now: Timestamp) -> Vec<Value> {
    let name = object["metadata"]["name"].clone();
    std::iter::once(name).chain(columns.iter().map(|column| cell(column, object, now))).collect()
}

fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let Some(value) = column.path.first(object) else { return Value::Null };
    match (column.kind.as_str(), value) {
        (_, Value::Null) => Value::Null,
        ("string", Value::String(_)) => value.clone(),
        ("string", Value::Number(number)) => json!(number_shown(number)),
        ("string", other) => json!(other.to_string()),
        ("integer", Value::Number(number)) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole numbers are shown; larger ones saturate"
            )]
            let whole = || number.as_f64().map(|float| float as i64);
            json!(number.as_i64().or_else(whole))
        }
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(text)) => match text.parse::<Timestamp>() {
            Ok(_) => json!(age_of(value, now)),
            Err(_) => json!("<invalid>"),
        },
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_type_of_their_column() {
        let columns = [
            json!({"name": "Size", "type": "integer", "jsonPath": ".spec.size"}),
            json!({"name": "Text", "type": "string", "jsonPath": ".spec.size"}),
            json!({"name": "Map", "type": "string", "jsonPath": ".spec"}),
            json!({"name": "Not", "type": "integer", "jsonPath": ".spec.name"}),
            json!({"name": "Missing", "type": "string", "jsonPath": ".status.x"}),
            json!({"name": "When", "type": "date", "jsonPath": ".spec.when", "priority": 1}),
        ];
        let columns = parse(&columns);
        let object = json!({"metadata": {"name": "w"}, "spec": {"size": 3, "name": "n", "when": "2024-01-01T00:00:00Z"}});
        let now = "2024-01-01T00:01:00Z".parse().unwrap();
        assert_eq!(
            cells(&columns, &object, now),
            [
                json!("w"),
                json!(3),
                json!("3"),
                json!(r#"{"name":"n","size":3,"when":"2024-01-01T00:00:00Z"}"#),
                json!(null),
                json!(null),
                json!("60s")
            ]
        );
        let headers = headers(&columns);
        assert_eq!(headers[6]["priority"], 1);
        assert_eq!(
            headers[1]["description"],
            "Custom resource definition column (in JSONPath format): .spec.size"
        );
    }
}
