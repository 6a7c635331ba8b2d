//! The canonical text of a template: equal templates, by the rules of Go's semantic equality, give equal text.
//!
//! - `null`, an empty list, and an empty map (labels, limits, …) are the same as absent. An empty *structure* is not:
//!   `namespaceSelector: {}` selects every namespace where an absent one selects none, so only the fields known to be
//!   maps, or structures that the API always writes, are dropped when empty.
//! - Quantities are compared by value, times by instant.
//! - The label `pod-template-hash` of the template is left out.
//! - Everything else, also fields we do not know, is compared as it stands; the order of keys does not matter.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{POD_TEMPLATE_HASH, quantity::exact};

/// Maps from strings to strings: their values are never read as quantities.
const STRING_MAPS: [&str; 6] =
    ["labels", "annotations", "nodeSelector", "matchLabels", "volumeAttributes", "options"];
/// Maps from resource names to quantities.
const QUANTITY_MAPS: [&str; 3] = ["limits", "requests", "overhead"];
/// Single quantities.
const QUANTITIES: [&str; 2] = ["sizeLimit", "divisor"];
/// Structures the API writes as `{}` when they are empty.
const ALWAYS_WRITTEN: [&str; 2] = ["resources", "metadata"];
const TIMES: [&str; 2] = ["creationTimestamp", "deletionTimestamp"];

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    TopMetadata,
    TopLabels,
    Structure,
    StringMap,
    QuantityMap,
}

pub(super) fn canonical(template: &Value) -> String {
    let mut out = String::with_capacity(1024);
    if !write(&mut out, template, "", Place::Top) {
        out.push_str("{}");
    }
    out
}

/// Writes a value unless it counts as absent; says whether it wrote.
fn write(out: &mut String, value: &Value, key: &str, place: Place) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) if items.is_empty() => false,
        Value::Array(items) => {
            let start = out.len();
            out.push('[');
            for item in items {
                if out.len() > start + 1 {
                    out.push(',');
                }
                // An empty item still takes its place in the list.
                if !write(out, item, "", Place::Structure) {
                    out.push_str(if item.is_array() { "[]" } else { "null" });
                }
            }
            out.push(']');
            true
        }
        Value::Object(fields) => write_object(out, fields, key, place),
        leaf => {
            write_leaf(out, leaf, key, place);
            true
        }
    }
}

fn write_object(out: &mut String, fields: &Map<String, Value>, key: &str, place: Place) -> bool {
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort_unstable();
    let start = out.len();
    out.push('{');
    for name in names {
        if place == Place::TopLabels && name == POD_TEMPLATE_HASH {
            continue;
        }
        let before = out.len();
        if before > start + 1 {
            out.push(',');
        }
        quote(out, name);
        out.push(':');
        let value = &fields[name];
        if !write(out, value, name, place_of(value, name, place)) {
            out.truncate(before);
        }
    }
    out.push('}');
    let empty = out.len() == start + 2;
    let droppable = match place {
        Place::StringMap | Place::QuantityMap | Place::TopLabels | Place::TopMetadata => true,
        Place::Top => false,
        Place::Structure => ALWAYS_WRITTEN.contains(&key),
    };
    if empty && droppable {
        out.truncate(start);
        return false;
    }
    true
}

fn place_of(value: &Value, key: &str, parent: Place) -> Place {
    match parent {
        Place::StringMap | Place::TopLabels | Place::QuantityMap => parent,
        Place::Top if key == "metadata" => Place::TopMetadata,
        Place::TopMetadata if key == "labels" => Place::TopLabels,
        _ if !value.is_object() => Place::Structure,
        _ if STRING_MAPS.contains(&key) => Place::StringMap,
        _ if QUANTITY_MAPS.contains(&key) => Place::QuantityMap,
        _ => Place::Structure,
    }
}

fn write_leaf(out: &mut String, leaf: &Value, key: &str, place: Place) {
    let is_quantity = match place {
        Place::QuantityMap => true,
        Place::Structure => QUANTITIES.contains(&key),
        _ => false,
    };
    let normal = match leaf {
        Value::String(text) if is_quantity => exact(text),
        Value::Number(number) if is_quantity => exact(&number.to_string()),
        Value::String(text) if TIMES.contains(&key) && place != Place::StringMap => {
            text.parse::<jiff::Timestamp>().ok().map(|time| time.to_string())
        }
        _ => None,
    };
    match (normal, leaf) {
        (Some(text), _) => quote(out, &text),
        (None, Value::String(text)) => quote(out, text),
        (None, other) => {
            let _ = write!(out, "{other}");
        }
    }
}

fn quote(out: &mut String, text: &str) {
    out.push_str(&serde_json::to_string(text).expect("invariant: a string serialises"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::Template;

    fn template(change: impl FnOnce(&mut Value)) -> Template {
        let mut value = json!({
            "metadata": {"creationTimestamp": null, "labels": {"app": "web"}},
            "spec": {"containers": [{
                "name": "app", "image": "registry.example/web:1",
                "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
                "env": [{"name": "SIZE", "value": "1024Mi"}],
            }], "terminationGracePeriodSeconds": 30}
        });
        change(&mut value);
        Template::new(&value)
    }

    #[test]
    fn what_go_calls_semantically_equal_is_equal() {
        let base = template(|_| ());
        type Change = fn(&mut Value);
        let equal: [(&str, Change); 8] = [
            ("the hash label", |t| t["metadata"]["labels"]["pod-template-hash"] = json!("abc")),
            ("an empty map", |t| t["metadata"]["annotations"] = json!({})),
            ("a null", |t| t["spec"]["nodeSelector"] = json!(null)),
            ("an empty list", |t| t["spec"]["tolerations"] = json!([])),
            ("quantities by value", |t| {
                t["spec"]["containers"][0]["resources"]["requests"] =
                    json!({"memory": "1024Mi", "cpu": "0.5"});
            }),
            ("empty limits", |t| t["spec"]["containers"][0]["resources"]["limits"] = json!({})),
            ("no creation time", |t| {
                drop(t["metadata"].as_object_mut().unwrap().remove("creationTimestamp"));
            }),
            ("empty requests and limits of another container's resources", |t| {
                t["spec"]["containers"][0]["resources"]["claims"] = json!([]);
            }),
        ];
        for (what, change) in equal {
            assert_eq!(base.canonical(), template(change).canonical(), "{what}");
        }
        let resources = |value: Value| template(|t| t["spec"]["containers"][0]["resources"] = value);
        assert_eq!(resources(json!({})), resources(json!({"limits": {}, "requests": null})));
        assert_eq!(resources(json!({})), resources(Value::Null));
    }

    #[test]
    fn content_counts_also_where_we_do_not_know_the_field() {
        let base = template(|_| ());
        type Change = fn(&mut Value);
        let different: [(&str, Change); 10] = [
            ("an image", |t| t["spec"]["containers"][0]["image"] = json!("registry.example/web:2")),
            ("a label", |t| t["metadata"]["labels"]["tier"] = json!("front")),
            ("an annotation", |t| t["metadata"]["annotations"] = json!({"restartedAt": "now"})),
            ("a quantity", |t| t["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("501m")),
            ("a field of a newer API", |t| t["spec"]["fieldOfTheFuture"] = json!(true)),
            ("an empty structure", |t| t["spec"]["containers"][0]["securityContext"] = json!({})),
            ("a zero behind a pointer", |t| t["spec"]["terminationGracePeriodSeconds"] = json!(0)),
            ("text that looks like a quantity", |t| {
                t["spec"]["containers"][0]["env"][0]["value"] = json!("1Gi");
            }),
            ("the hash label of something else", |t| {
                t["spec"]["nodeSelector"] = json!({"pod-template-hash": "abc"});
            }),
            ("a false behind a pointer", |t| t["spec"]["automountServiceAccountToken"] = json!(false)),
        ];
        for (what, change) in different {
            assert_ne!(base.canonical(), template(change).canonical(), "{what}");
        }
        let selects = |value: Value| template(|t| t["spec"]["term"] = json!({"namespaceSelector": value}));
        assert_ne!(selects(json!({})), selects(Value::Null), "every namespace is not no namespace");
        let labelled = |value: &str| template(|t| t["metadata"]["labels"]["limits"] = json!(value));
        assert_ne!(labelled("1000m"), labelled("1"), "a label is never a quantity");
    }

    #[test]
    fn the_canonical_text_is_readable() {
        expect_test::expect![[r#"{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"env":[{"name":"SIZE","value":"1024Mi"}],"image":"registry.example/web:1","name":"app","resources":{"requests":{"cpu":"5e-1","memory":"1073741824e0"}}}],"terminationGracePeriodSeconds":30}}"#]].assert_eq(template(|_| ()).canonical());
    }
}
