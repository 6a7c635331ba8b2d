//! From what a server answered to what two servers can be compared by.

use serde_json::{Map, Value, json};

use super::play::Answer;
use super::symbols::Symbols;

/// Replaces by symbols what every server makes up for itself. Answers are taken in the order of their steps.
#[derive(Debug, Default)]
pub(super) struct Normaliser {
    symbols: Symbols,
}

/// The version of a list says what was current somewhere else too, and so is no concern of a script.
const LIST_VERSION: &str = "<version of the list>";

impl Normaliser {
    pub(super) fn answer(&mut self, answer: &Answer) -> Answer {
        Answer {
            status: answer.status,
            content_type: answer.content_type.clone(),
            warnings: answer.warnings.iter().map(|warning| self.symbols.text(warning)).collect(),
            retry_after: answer.retry_after.clone(),
            body: self.value(&answer.body, ""),
        }
    }

    fn value(&mut self, value: &Value, key: &str) -> Value {
        match value {
            Value::Object(fields) => self.object(fields),
            Value::Array(items) if key == "managedFields" => self.managed_fields(items),
            Value::Array(items) => items.iter().map(|item| self.value(item, "")).collect(),
            Value::String(text) => match key {
                "resourceVersion" => json!(self.symbols.version(text)),
                "continue" if !text.is_empty() => json!("<continue>"),
                _ => json!(self.symbols.text(text)),
            },
            Value::Number(number) if key == "nodePort" || key == "healthCheckNodePort" => {
                json!(self.symbols.port(&number.to_string()))
            }
            other => other.clone(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>) -> Value {
        if let (Some(prefix), Some(name)) =
            (fields.get("generateName").and_then(Value::as_str), fields.get("name").and_then(Value::as_str))
        {
            self.symbols.generated(prefix, name);
        }
        let is_list = fields
            .get("kind")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind == "Table" || kind.ends_with("List") && fields.get("items").is_some());
        let is_row = fields.contains_key("cells");
        let mut out = Map::new();
        for (name, value) in fields {
            let new = match (name.as_str(), value) {
                ("metadata", Value::Object(metadata)) if is_list => self.list_metadata(metadata),
                ("cells", Value::Array(cells)) if is_row => {
                    cells.iter().map(|cell| self.cell(cell)).collect()
                }
                ("data" | "stringData" | "labels" | "annotations", Value::Object(entries)) => {
                    // Keys here are the script's own and mean nothing.
                    entries.iter().map(|(k, v)| (k.clone(), self.value(v, ""))).collect()
                }
                _ => self.value(value, name),
            };
            // Keys of managedFields have uids in them.
            out.insert(self.symbols.text(name), new);
        }
        sort_conflicts(&mut out);
        Value::Object(out)
    }

    fn list_metadata(&mut self, metadata: &Map<String, Value>) -> Value {
        let mut out = Map::new();
        for (name, value) in metadata {
            let new = match (name.as_str(), value) {
                ("resourceVersion", Value::String(text)) if !text.is_empty() => json!(LIST_VERSION),
                _ => self.value(value, name),
            };
            out.insert(name.clone(), new);
        }
        Value::Object(out)
    }

    /// Entries have times that order them, and one second is the next on the other server.
    fn managed_fields(&mut self, entries: &[Value]) -> Value {
        let mut entries: Vec<Value> = entries.iter().map(|entry| self.value(entry, "")).collect();
        let key = |entry: &Value| {
            ["operation", "manager", "subresource", "apiVersion"]
                .map(|field| entry[field].as_str().unwrap_or_default().to_owned())
        };
        entries.sort_by_key(key);
        Value::Array(entries)
    }

    /// A cell of a table, which may be an age.
    fn cell(&mut self, cell: &Value) -> Value {
        match cell {
            Value::String(text) if is_age(text) => json!("<age>"),
            Value::String(text) => json!(self.symbols.text(text)),
            other => other.clone(),
        }
    }
}

/// Conflicts of an apply come in the order of the managers' times, which another second changes.
fn sort_conflicts(status: &mut Map<String, Value>) {
    let causes = status.get_mut("details").and_then(|details| details.get_mut("causes")?.as_array_mut());
    let Some(causes) = causes.filter(|all| all.iter().all(|one| one["reason"] == "FieldManagerConflict"))
    else {
        return;
    };
    causes.sort_by_key(Value::to_string);
    if let Some(message) = status.get("message").and_then(Value::as_str) {
        let mut lines: Vec<&str> = message.split(['\n', ':']).map(str::trim).collect();
        lines.sort_unstable();
        let sorted = json!(lines);
        status.insert("message".to_owned(), sorted);
    }
}

/// `3s`, `2m5s`: how long ago something of this run was.
fn is_age(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['s', 'm'])
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, 's' | 'm'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(value: &Value) -> Value {
        Normaliser::default().value(value, "")
    }

    #[test]
    fn the_version_of_a_list_and_those_of_its_items_are_told_apart() {
        let list = json!({
            "kind": "PodList", "metadata": {"resourceVersion": "9", "continue": "abc"},
            "items": [{"metadata": {"resourceVersion": "9"}}, {"metadata": {"resourceVersion": "7"}}],
        });
        expect_test::expect![[r#"{"items":[{"metadata":{"resourceVersion":"<version 1>"}},{"metadata":{"resourceVersion":"<version 2>"}}],"kind":"PodList","metadata":{"continue":"<continue>","resourceVersion":"<version of the list>"}}"#]].assert_eq(&normalised(&list).to_string());
    }

    #[test]
    fn the_order_of_managed_fields_does_not_count() {
        let entries = json!({"managedFields": [
            {"operation": "Update", "manager": "b"}, {"operation": "Apply", "manager": "c"},
            {"operation": "Update", "manager": "a"},
        ]});
        let managers: Vec<_> = normalised(&entries)["managedFields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["manager"].clone())
            .collect();
        assert_eq!(managers, ["c", "a", "b"]);
    }

    #[test]
    fn ages_in_tables_are_no_difference_and_other_cells_are() {
        let table = json!({"rows": [{"cells": ["a", "3s", "2m5s", 1, "1s2"]}]});
        assert_eq!(normalised(&table)["rows"][0]["cells"], json!(["a", "<age>", "<age>", 1, "1s2"]));
    }
}
