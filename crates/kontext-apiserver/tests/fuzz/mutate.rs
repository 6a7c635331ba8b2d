//! Wrong in every way that a client can be wrong, from valid beginnings.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

/// Changes a document in up to four places.
pub(crate) fn document(random: &mut SmallRng, document: &mut Value) {
    for _ in 0..random.random_range(0..4) {
        let mut pointers = Vec::new();
        collect(document, String::new(), &mut pointers);
        let Some(pointer) = pointers.choose(random) else { return };
        let Some(node) = document.pointer_mut(pointer) else { return };
        match random.random_range(0..8) {
            0..=3 => *node = odd(random),
            4 => *node = Value::Array(vec![node.take()]),
            5 => {
                if let Value::Object(map) = node {
                    map.insert(name(random), odd(random));
                }
            }
            6 => {
                let gone = match node {
                    Value::Object(map) => map.keys().next().cloned(),
                    _ => None,
                };
                if let (Some(gone), Value::Object(map)) = (gone, node) {
                    map.remove(&gone);
                }
            }
            _ => {
                if let Value::Array(items) = node
                    && let Some(first) = items.first().cloned()
                {
                    items.push(first);
                }
            }
        }
    }
}

fn collect(node: &Value, pointer: String, pointers: &mut Vec<String>) {
    match node {
        Value::Object(map) => {
            for (key, value) in map {
                collect(value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), pointers);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{pointer}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

/// A value that is likely to be wrong where it stands.
pub(crate) fn odd(random: &mut SmallRng) -> Value {
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    match random.random_range(0..22) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(0),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => json!(1.5),
        7 => json!(1e300),
        8 => json!(""),
        9 => json!("x".repeat(300)),
        10 => json!("\u{0}\u{1b}[31m\u{202e}\n"),
        11 => json!("Ünïcödé"),
        12 => json!("25%"),
        13 => json!("-0.000000001Ki"),
        14 => json!("2026-13-45T99:99:99Z"),
        15 => json!([]),
        16 => json!({}),
        17 => json!([null]),
        18 => {
            json!({"$patch": "replace", "$retainKeys": ["x"], "$setElementOrder/containers": [{"name": "z"}]})
        }
        19 => json!({"": {"": [{}]}}),
        20 => deep(random.random_range(1..150)),
        _ => json!(name(random)),
    }
}

fn name(random: &mut SmallRng) -> String {
    const NAMES: &[&str] = &[
        "name",
        "a",
        "$patch",
        "$deleteFromPrimitiveList/finalizers",
        "metadata",
        "kind",
        "a/b/c",
        "",
        "spec",
        "é",
        ".",
    ];
    (*NAMES.choose(random).expect("there are names")).to_owned()
}

/// The text of a document, now and then broken: cut, a byte changed, a key twice, or far too deep.
pub(crate) fn text(random: &mut SmallRng, document: &Value) -> Vec<u8> {
    let mut text = document.to_string().into_bytes();
    match random.random_range(0..40) {
        0 => text.truncate(random.random_range(0..=text.len())),
        1 if !text.is_empty() => {
            let place = random.random_range(0..text.len());
            text[place] = random.random();
        }
        2 if text.first() == Some(&b'{') => {
            text.splice(1..1, br#""kind":"ConfigMap","kind":1,"metadata":{"name":"twice"},"#.iter().copied());
        }
        3 => text = [b"[".repeat(100_000), text].concat(),
        4 => text.splice(0..0, [0xef, 0xbb, 0xbf]).for_each(drop),
        5 => text = b"--- \n&a [*a, *a]\n".to_vec(),
        _ => {}
    }
    text
}

/// A JSON patch that is often wrong.
pub(crate) fn json_patch(random: &mut SmallRng, target: &Value) -> Value {
    let mut pointers =
        vec!["/nowhere/at/all".to_owned(), "no slash".to_owned(), "/metadata/labels/-".to_owned()];
    collect(target, String::new(), &mut pointers);
    let mut operations = Vec::new();
    for _ in 0..random.random_range(0..4) {
        const KINDS: &[&str] = &["add", "remove", "replace", "move", "copy", "test", "jump"];
        let mut operation = Map::new();
        operation.insert("op".into(), json!(KINDS.choose(random)));
        operation.insert("path".into(), json!(pointers.choose(random)));
        operation.insert("from".into(), json!(pointers.choose(random)));
        operation.insert("value".into(), odd(random));
        operations.push(Value::Object(operation));
    }
    let mut patch = Value::Array(operations);
    if random.random_ratio(1, 10) {
        document(random, &mut patch);
    }
    patch
}

/// Up to three parameters that the API knows, with values that it may not know.
pub(crate) fn query(random: &mut SmallRng) -> String {
    const PARAMETERS: &[&str] = &[
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "force",
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "labelSelector",
        "fieldSelector",
        "watch",
        "allowWatchBookmarks",
        "sendInitialEvents",
        "propagationPolicy",
        "gracePeriodSeconds",
        "orphanDependents",
        "pretty",
        "includeObject",
        "timeoutSeconds",
        "ignoreStoreReadErrorWithClusterBreakingPotential",
    ];
    const VALUES: &[&str] = &[
        "",
        "true",
        "false",
        "1",
        "0",
        "-1",
        "99999999999999999999",
        "All",
        "Strict",
        "Warn",
        "Exact",
        "NotOlderThan",
        "Background",
        "Foreground",
        "Orphan",
        "a%3Db",
        "a%20in%20(b%2Cc)%2C!d",
        "a%20in%20(",
        "metadata.name%3Dw",
        "spec.nodeName!%3Dx",
        "%00",
        "%C3%A9",
        "%ff",
        "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NywibmV4dCI6MX0",
        "None",
        "tester",
        "x",
    ];
    let mut pairs = Vec::new();
    for _ in 0..random.random_range(0..4) {
        let (name, value) = (PARAMETERS.choose(random), VALUES.choose(random));
        pairs.push(format!("{}={}", name.expect("parameters"), value.expect("values")));
    }
    pairs.join("&")
}
