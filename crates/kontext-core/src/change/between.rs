//! The difference between the previous and the new object, as field paths.

use serde_json::{Map, Value};

use super::{Change, Changes, FieldPath, Segment};

/// Fields whose values may be told: they hold numbers, switches, names of images and phases, never data.
const TOLD: &[&str] = &[
    "replicas",
    "image",
    "paused",
    "suspend",
    "minReadySeconds",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
    "parallelism",
    "completions",
    "maxSurge",
    "maxUnavailable",
    "phase",
    "nodeName",
    "readyReplicas",
    "availableReplicas",
    "updatedReplicas",
    "unavailableReplicas",
    "fullyLabeledReplicas",
    "terminatingReplicas",
    "observedGeneration",
];

/// Below these, nothing is told whatever its name: they hold what users put in.
const NEVER_TOLD: &[&str] = &[
    "env",
    "envFrom",
    "args",
    "command",
    "data",
    "stringData",
    "binaryData",
    "annotations",
    "labels",
    "annotation",
];

/// `metadata` fields that say nothing of intent: the server or the machinery writes them.
const BOOKKEEPING: &[&str] = &[
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
    "deletionGracePeriodSeconds",
];

/// Longest value that is told, in bytes.
const MAX_VALUE: usize = 96;

/// What a comparison leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiffOptions<'a> {
    /// Annotation keys that are not content: the ones kontext itself writes.
    pub ignored_annotations: &'a [&'a str],
}

/// The fields in which `new` differs from `old`, spec first, then metadata, then status.
///
/// `null`, an absent field and an empty map or list are the same. Lists whose entries have unique names, types
/// or uids are compared by those, all others by position. `kubectl`'s last-applied copy is left out: it repeats the rest.
pub fn between(old: &Value, new: &Value, options: DiffOptions<'_>) -> Changes {
    let mut found = Vec::new();
    let empty = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    compare_maps(&FieldPath::default(), old, new, options, &mut found);
    found.sort_by_key(|change| (change.path.is_status(), change.path.is_metadata()));
    found.into_iter().collect()
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.values().all(|value| is_nothing(Some(value))),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}

fn is_left_out(path: &FieldPath, key: &str, options: DiffOptions<'_>) -> bool {
    let names: Vec<&str> = path
        .segments()
        .iter()
        .filter_map(|segment| if let Segment::Field(name) = segment { Some(&**name) } else { None })
        .collect();
    match names.as_slice() {
        [] => key == "apiVersion" || key == "kind",
        ["metadata"] => BOOKKEEPING.contains(&key),
        ["metadata", "annotations"] => {
            key == "kubectl.kubernetes.io/last-applied-configuration"
                || options.ignored_annotations.contains(&key)
        }
        _ => false,
    }
}

fn compare_maps(
    path: &FieldPath,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    options: DiffOptions<'_>,
    found: &mut Vec<Change>,
) {
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    for key in keys.filter(|key| !is_left_out(path, key, options)) {
        compare(&path.field(key), old.get(key), new.get(key), options, found);
    }
}

fn compare(
    path: &FieldPath,
    old: Option<&Value>,
    new: Option<&Value>,
    options: DiffOptions<'_>,
    found: &mut Vec<Change>,
) {
    if old == new || (is_nothing(old) && is_nothing(new)) {
        return;
    }
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => compare_maps(path, old, new, options, found),
        (Some(Value::Array(old)), Some(Value::Array(new))) => compare_lists(path, old, new, options, found),
        (Some(Value::Object(only)), None) | (None, Some(Value::Object(only))) if is_map_of_keys(path) => {
            // A first annotation or label: tell the key, and leave out what is no content.
            let empty = Map::new();
            let (old, new) = if old.is_some() { (only, &empty) } else { (&empty, only) };
            compare_maps(path, old, new, options, found);
        }
        _ => found.push(told(path, old, new)),
    }
}

/// Annotations and labels, the object's own or a template's: their keys tell more than that there are some.
fn is_map_of_keys(path: &FieldPath) -> bool {
    let is_one = |segment: &Segment| matches!(segment, Segment::Field(name) if matches!(&**name, "annotations" | "labels"));
    path.is_metadata() || path.segments().last().is_some_and(is_one)
}

fn compare_lists(
    path: &FieldPath,
    old: &[Value],
    new: &[Value],
    options: DiffOptions<'_>,
    found: &mut Vec<Change>,
) {
    let key = ["name", "type", "uid"].into_iter().find(|key| is_key_of(old, key) && is_key_of(new, key));
    if let Some(key) = key {
        let entry = |list: &[Value], value: &str| list.iter().position(|item| item[key] == value);
        for item in old {
            let value = item[key].as_str().unwrap_or_default();
            let path = path.then(Segment::Item { key: key.into(), value: value.into() });
            compare(&path, Some(item), entry(new, value).map(|at| &new[at]), options, found);
        }
        for item in new {
            let value = item[key].as_str().unwrap_or_default();
            if entry(old, value).is_none() {
                let path = path.then(Segment::Item { key: key.into(), value: value.into() });
                compare(&path, None, Some(item), options, found);
            }
        }
    } else if old.len() == new.len() {
        for (at, (old, new)) in old.iter().zip(new).enumerate() {
            compare(&path.then(Segment::Index(at)), Some(old), Some(new), options, found);
        }
    } else {
        found.push(Change::of(path.clone()));
    }
}

/// Whether `key` tells the entries of `list` apart.
fn is_key_of(list: &[Value], key: &str) -> bool {
    let mut seen: Vec<&str> = Vec::with_capacity(list.len());
    list.iter().all(|item| match item.get(key).and_then(Value::as_str) {
        Some(value) if !seen.contains(&value) => {
            seen.push(value);
            true
        }
        _ => false,
    })
}

fn told(path: &FieldPath, old: Option<&Value>, new: Option<&Value>) -> Change {
    match may_be_told(path).then(|| Some((scalar(old)?, scalar(new)?))).flatten() {
        Some((from, to)) => Change::from_to(path.clone(), from, to),
        None => Change::of(path.clone()),
    }
}

fn may_be_told(path: &FieldPath) -> bool {
    let mut fields = path.segments().iter().filter_map(|segment| match segment {
        Segment::Field(name) => Some(&**name),
        Segment::Item { .. } | Segment::Index(_) => None,
    });
    fields.clone().next_back().is_some_and(|last| TOLD.contains(&last))
        && matches!(path.segments().last(), Some(Segment::Field(_)))
        && !fields.any(|field| NEVER_TOLD.contains(&field))
}

fn scalar(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some("unset".into()),
        Some(Value::Bool(value)) => Some(value.to_string()),
        Some(Value::Number(value)) => Some(value.to_string()),
        Some(Value::String(value)) if value.len() <= MAX_VALUE => {
            Some(crate::text::harmless(value).into_owned())
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn check(old: &Value, new: &Value, expected: Expect) {
        let options = DiffOptions { ignored_annotations: &["kontext.dev/cause"] };
        let changes = between(old, new, options);
        let mut lines: Vec<String> = changes.shown.iter().map(ToString::to_string).collect();
        if changes.more > 0 {
            lines.push(format!("and {} more", changes.more));
        }
        expected.assert_eq(&lines.join("\n"));
    }

    fn deployment(image: &str, replicas: u32, env: &str) -> Value {
        json!({"metadata": {"resourceVersion": env, "annotations": {"kontext.dev/cause": env, "note": env}}, "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [
                {"name": "log", "image": "log:1"},
                {"name": "app", "image": image, "args": [env], "env": [{"name": "image", "value": env}]},
            ]}},
        }, "status": {"replicas": replicas}})
    }

    #[test]
    fn paths_are_told_and_only_harmless_values() {
        check(
            &deployment("web:1", 3, "a"),
            &deployment("web:2", 5, "secret"),
            expect![[r#"
                spec.replicas: 3 -> 5
                spec.template.spec.containers[app].args[0]
                spec.template.spec.containers[app].env[image].value
                spec.template.spec.containers[app].image: web:1 -> :2
                metadata.annotations.note
                status.replicas: 3 -> 5"#]],
        );
    }

    #[test]
    fn a_field_named_image_below_data_or_environment_is_not_told() {
        let secret = |value: &str| json!({"data": {"image": value}, "spec": {"env": {"replicas": value}}});
        check(
            &secret("a"),
            &secret("b"),
            expect![[r#"
                data.image
                spec.env.replicas"#]],
        );
    }

    #[test]
    fn the_machinery_and_our_own_keys_are_no_content() {
        let old = json!({"metadata": {"annotations": {"kontext.dev/cause": "a"}, "generation": 1}});
        let new = json!({"metadata": {"managedFields": [1], "generation": 2}, "spec": {"selector": {}}});
        check(&old, &new, expect![""]);
    }

    #[test]
    fn entries_are_found_by_name_whatever_their_order() {
        let list = |names: &[(&str, &str)]| {
            let items: Vec<Value> =
                names.iter().map(|(name, image)| json!({"name": name, "image": image})).collect();
            json!({"spec": {"containers": items}})
        };
        check(
            &list(&[("a", "1"), ("b", "1"), ("gone", "1")]),
            &list(&[("b", "2"), ("a", "1"), ("new", "1")]),
            expect![[r#"
                spec.containers[b].image: 1 -> 2
                spec.containers[gone]
                spec.containers[new]"#]],
        );
    }

    #[test]
    fn a_first_annotation_of_a_template_is_told_by_its_key() {
        let annotated = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}}}});
        check(
            &json!({"spec": {"template": {"metadata": {}}}}),
            &annotated,
            expect!["spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]"],
        );
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let many = |value: u32| json!({"spec": (0..20).map(|n| (format!("f{n:02}"), json!(value))).collect::<Map<_, _>>()});
        let changes = between(&many(1), &many(2), DiffOptions::default());
        assert_eq!((changes.shown.len(), changes.more), (8, 12));
    }
}
