//! What the metadata of every object must look like, whatever its kind.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names;
use crate::error::{Cause, forbidden_field, invalid_value, required};
use crate::kinds::Resource;
use crate::managed_fields;
use crate::object;

/// Keys and values of all annotations together, in bytes (inclusive).
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Finalizers without a domain that the API has always known.
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", ORPHAN, FOREGROUND];

/// Everything that is wrong with an object's metadata.
pub(super) fn validate(resource: &Resource, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let metadata = &new["metadata"];
    if let Some(prefix) = metadata["generateName"].as_str().filter(|p| !p.is_empty()) {
        for error in names::generate_name(resource.rules.names, prefix) {
            causes.push(invalid_value("metadata.generateName", quoted(prefix), &error));
        }
    }
    let name = object::name(new);
    if name.is_empty() {
        causes.push(required("metadata.name", "name or generateName is required"));
    } else {
        for error in names::name(resource.rules.names, name) {
            causes.push(invalid_value("metadata.name", quoted(name), &error));
        }
    }
    if !resource.namespaced && !object::namespace(new).is_empty() {
        causes.push(forbidden_field("metadata.namespace", "not allowed on this type"));
    }
    labels(&metadata["labels"], &mut causes);
    annotations(&metadata["annotations"], &mut causes);
    owner_references(&metadata["ownerReferences"], &mut causes);
    finalizers(resource, new, &mut causes);
    if let Some(entries) = metadata.get("managedFields").filter(|v| !v.is_null())
        && let Err(why) = managed_fields::validate(entries)
    {
        causes.push(invalid_value("metadata.managedFields", entries, &why));
    }
    causes
}

/// What an update may not do to metadata.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if object::is_deleting(old) {
        let before: BTreeSet<String> = object::finalizers(old).into_iter().collect();
        let after: BTreeSet<String> = object::finalizers(new).into_iter().collect();
        let added: Vec<String> = after.difference(&before).map(|f| quoted(f)).collect();
        if !added.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.join(", ")
            );
            causes.push(forbidden_field("metadata.finalizers", &why));
        }
    }
    let grace = |object: &Value| object["metadata"].get("deletionGracePeriodSeconds").cloned();
    if let Some(given) = grace(new).filter(|given| !given.is_null())
        && Some(&given) != grace(old).as_ref()
    {
        causes.push(invalid_value("metadata.deletionGracePeriodSeconds", given, "field is immutable"));
    }
    for (field, path) in
        [("name", "metadata.name"), ("namespace", "metadata.namespace"), ("uid", "metadata.uid")]
    {
        let value = object::text(new, &["metadata", field]);
        if value != object::text(old, &["metadata", field]) {
            causes.push(invalid_value(path, quoted(value), "field is immutable"));
        }
    }
    // Only a deletion sets these.
    for (field, path) in [
        ("deletionTimestamp", "metadata.deletionTimestamp"),
        ("deletionGracePeriodSeconds", "metadata.deletionGracePeriodSeconds"),
    ] {
        let value = &new["metadata"][field];
        if value != &old["metadata"][field] {
            causes.push(invalid_value(path, value, "field is immutable"));
        }
    }
    causes
}

fn labels(labels: &Value, causes: &mut Vec<Cause>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        for error in names::qualified_name(key) {
            causes.push(invalid_value("metadata.labels", quoted(key), &error));
        }
        let value = value.as_str().unwrap_or_default();
        for error in names::label_value(value) {
            causes.push(invalid_value("metadata.labels", quoted(value), &error));
        }
    }
}

fn annotations(annotations: &Value, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        for error in names::qualified_name(&key.to_lowercase()) {
            causes.push(invalid_value("metadata.annotations", quoted(key), &error));
        }
    }
    if size > ANNOTATIONS_LIMIT {
        causes.push(Cause {
            reason: "FieldValueTooLong".to_owned(),
            message: format!("Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"),
            field: "metadata.annotations".to_owned(),
        });
    }
}

fn owner_references(references: &Value, causes: &mut Vec<Cause>) {
    let mut controller: Option<String> = None;
    for reference in references.as_array().into_iter().flatten() {
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        for (field, why) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(field).is_empty() {
                causes.push(invalid_value(&format!("metadata.ownerReferences.{field}"), "\"\"", why));
            }
        }
        if text("kind") == "Event" && text("apiVersion") == "v1" {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            causes.push(invalid_value("metadata.ownerReferences", reference, why));
        }
        if reference["controller"] == true {
            let this = format!("{}/{}", text("kind"), text("name"));
            match &controller {
                None => controller = Some(this),
                Some(first) => {
                    let why = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                    );
                    causes.push(invalid_value("metadata.ownerReferences", references, &why));
                }
            }
        }
    }
}

fn finalizers(resource: &Resource, new: &Value, causes: &mut Vec<Cause>) {
    let finalizers = object::finalizers(new);
    for (index, finalizer) in finalizers.iter().enumerate() {
        for error in names::qualified_name(finalizer) {
            causes.push(invalid_value("metadata.finalizers", quoted(finalizer), &error));
        }
        // Custom resources and their definitions are warned of such names, not refused.
        let lenient = resource.custom.is_some() || resource.is_definition();
        if !lenient && !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer.as_str()) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(invalid_value(&format!("metadata.finalizers[{index}]"), quoted(finalizer), why));
        }
    }
    if [ORPHAN, FOREGROUND].iter().all(|f| finalizers.iter().any(|g| g == f)) {
        let why = format!("finalizer {ORPHAN} and {FOREGROUND} cannot be both set");
        causes.push(invalid_value("metadata.finalizers", serde_json::json!(finalizers), &why));
    }
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::Registry;

    fn problems(metadata: &Value) -> Vec<String> {
        let registry = Registry::built_in();
        let resource = registry.find("apps", "v1", "deployments").unwrap();
        let causes = validate(resource, &json!({"metadata": metadata}));
        causes.into_iter().map(|c| format!("{} {}", c.field, c.reason)).collect()
    }

    #[test]
    fn the_limit_of_annotations_is_inclusive() {
        let fits = "x".repeat(ANNOTATIONS_LIMIT - 1);
        assert!(problems(&json!({"name": "a", "annotations": {"k": fits}})).is_empty());
        let over = "x".repeat(ANNOTATIONS_LIMIT);
        assert_eq!(
            problems(&json!({"name": "a", "annotations": {"k": over}})),
            ["metadata.annotations FieldValueTooLong"]
        );
    }

    #[test]
    fn an_upper_case_prefix_is_fine_for_an_annotation_and_not_for_a_label() {
        assert!(problems(&json!({"name": "a", "annotations": {"Kontext.dev/cause": ""}})).is_empty());
        assert_eq!(
            problems(&json!({"name": "a", "labels": {"Kontext.dev/cause": ""}})),
            ["metadata.labels FieldValueInvalid"]
        );
    }

    #[test]
    fn two_controllers_are_one_too_many() {
        let owner = |name: &str| json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": "u", "controller": true});
        assert_eq!(
            problems(&json!({"name": "a", "ownerReferences": [owner("x"), owner("y")]})),
            ["metadata.ownerReferences FieldValueInvalid"]
        );
    }

    #[test]
    fn a_deleting_object_takes_no_new_finalizer() {
        let old = json!({"metadata": {"deletionTimestamp": "t", "finalizers": ["a.b/c", "a.b/d"]}});
        assert!(
            validate_update(&json!({"metadata": {"deletionTimestamp": "t", "finalizers": ["a.b/c"]}}), &old)
                .is_empty()
        );
        let causes =
            validate_update(&json!({"metadata": {"deletionTimestamp": "t", "finalizers": ["a.b/e"]}}), &old);
        assert_eq!(causes[0].field, "metadata.finalizers");
    }
}
