//! The table of types beside the server's OpenAPI schemas.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Where the lists, maps and patch strategies of `types.txt` are not those of the schemas, and which fields one has
/// and the other lacks; one line each.
pub fn differences(types: &str, schemas: &Map<String, Value>) -> Vec<String> {
    let lines =
        types.lines().filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("kind "));
    let mut found = Vec::new();
    for line in lines {
        let mut words = line.split_ascii_whitespace();
        let head = words.next().unwrap_or_default();
        let name = head.trim_end_matches('!');
        let Some(schema) = schemas.get(&public_name(name)) else {
            found.push(format!("{name}: the server has no such type"));
            continue;
        };
        if head.ends_with('!') != (schema["x-kubernetes-map-type"] == "atomic") {
            found.push(format!("{name}: is it atomic? {}", schema["x-kubernetes-map-type"]));
        }
        let mut known = BTreeSet::from(["apiVersion", "kind"]);
        for word in words {
            let (field, shape) = word.split_once('=').unwrap_or((word, ""));
            let field = field.trim_end_matches('?');
            known.insert(field);
            match schema["properties"].get(field) {
                None => found.push(format!("{name}.{field}: the server has no such field")),
                Some(property) => {
                    let (ours, theirs) = (facts(shape), facts_of(property));
                    if ours != theirs {
                        found.push(format!("{name}.{field}: {ours}, but the server says {theirs}"));
                    }
                }
            }
        }
        for field in schema["properties"].as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(field.as_str()) {
                found.push(format!("{name}.{field} is missing"));
            }
        }
    }
    found
}

/// `io.k8s.api.core.v1.Pod` of `core.v1.Pod`.
fn public_name(name: &str) -> String {
    match name.split('.').next() {
        Some("meta") => format!("io.k8s.apimachinery.pkg.apis.{name}"),
        Some("apiextensions") => format!("io.k8s.apiextensions-apiserver.pkg.apis.{name}"),
        _ => format!("io.k8s.api.{name}"),
    }
}

/// What a word of the table says of merging: `list a,b`, `set`, `atomic map`, and the patch strategy.
fn facts(shape: &str) -> String {
    let (shape, strategy) = shape.split_once('~').unwrap_or((shape, ""));
    let atomic = shape.ends_with('!');
    let merged = match shape.trim_end_matches(['!', '+']).split_once('/') {
        Some((_, "")) => "set".to_owned(),
        Some((_, keys)) => format!("list of {keys}"),
        None if atomic => "atomic".to_owned(),
        None => "plain".to_owned(),
    };
    format!("{merged} {strategy}")
}

fn facts_of(property: &Value) -> String {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let merged = match property["x-kubernetes-list-type"].as_str() {
        Some("set") => "set".to_owned(),
        Some("map") => format!("list of {}", texts(&property["x-kubernetes-list-map-keys"]).join(",")),
        _ if property["x-kubernetes-map-type"] == "atomic" => "atomic".to_owned(),
        _ => "plain".to_owned(),
    };
    let strategy = property["x-kubernetes-patch-strategy"].as_str().unwrap_or_default();
    let key = property["x-kubernetes-patch-merge-key"].as_str();
    let key = key.map(|key| format!(":{key}")).unwrap_or_default();
    format!("{merged} {strategy}{key}")
}
