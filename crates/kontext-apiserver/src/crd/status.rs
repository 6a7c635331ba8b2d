//! What becomes of a definition: which names it gets, and when it is established. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition::is_true;
use crate::object;

/// Keeps a deleted definition until its objects are gone.
pub(super) const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// A condition of a definition, by its type.
pub(super) fn condition<'a>(definition: &'a Value, kind: &str) -> Option<&'a Value> {
    definition["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// One condition to set.
pub(super) struct Condition {
    pub(super) kind: &'static str,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// Sets a condition; its time moves with its status.
pub(super) fn set_condition(definition: &mut Value, condition: &Condition, now: &str) {
    let mut new = json!({
        "type": condition.kind, "status": condition.status, "lastTransitionTime": now,
        "reason": condition.reason, "message": condition.message,
    });
    // As observed: at which generation a condition was set is left to those that report one.
    let status = object::child(definition, "status");
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else { return };
    match conditions.iter_mut().find(|other| other["type"] == condition.kind) {
        Some(old) => {
            if old["status"] == new["status"] {
                new["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}

/// The definition with the next step of its way to being served, or `None` where it has arrived. `others` are all
/// definitions of the same group but this one.
pub(super) fn next(definition: &Value, others: &[&Value], now: &str) -> Option<Value> {
    let mut new = definition.clone();
    accept_names(&mut new, others, now);
    if new != *definition {
        return Some(new);
    }
    if is_true(definition, "NamesAccepted") && !is_true(definition, "Established") {
        let established = Condition {
            kind: "Established",
            status: "True",
            reason: "InitialNamesAccepted",
            message: "the initial names have been accepted".to_owned(),
        };
        set_condition(&mut new, &established, now);
        return Some(new);
    }
    None
}

fn accept_names(definition: &mut Value, others: &[&Value], now: &str) {
    let requested = definition["spec"]["names"].clone();
    let mut accepted = definition["status"]["acceptedNames"].clone();
    if requested == accepted {
        return;
    }
    let taken = |fields: &[&str]| -> BTreeSet<String> {
        let names = others.iter().flat_map(|other| {
            fields.iter().flat_map(|field| match &other["status"]["acceptedNames"][*field] {
                Value::String(name) => vec![name.clone()],
                Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            })
        });
        names.collect()
    };
    let resources = taken(&["plural", "singular", "shortNames"]);
    let kinds = taken(&["kind", "listKind"]);
    let in_use = |name: &Value, taken: &BTreeSet<String>| {
        name.as_str().filter(|name| taken.contains(*name)).map(|name| format!("{name:?} is already in use"))
    };
    let mut conflict: Option<(&'static str, String)> = None;
    for (field, taken, reason) in [
        ("plural", &resources, "PluralConflict"),
        ("singular", &resources, "SingularConflict"),
        ("shortNames", &resources, "ShortNamesConflict"),
        ("kind", &kinds, "KindConflict"),
        ("listKind", &kinds, "ListKindConflict"),
    ] {
        let wanted = &requested[field];
        let problem = match wanted {
            Value::Array(names) => {
                let ours = accepted[field].as_array().cloned().unwrap_or_default();
                let problems: Vec<String> = names
                    .iter()
                    .filter(|name| !ours.contains(name))
                    .filter_map(|name| in_use(name, taken))
                    .collect();
                match problems.as_slice() {
                    [] => None,
                    [one] => Some(one.clone()),
                    many => Some(format!("[{}]", many.join(", "))),
                }
            }
            wanted if *wanted == accepted[field] => None,
            wanted => in_use(wanted, taken),
        };
        match problem {
            Some(problem) => conflict = Some((reason, problem)),
            None => put(&mut accepted, field, wanted),
        }
    }
    put(&mut accepted, "categories", &requested["categories"]);
    object::child(definition, "status").insert("acceptedNames".to_owned(), accepted);
    let (status, reason, message) = match conflict {
        Some((reason, message)) => ("False", reason, message),
        None => ("True", "NoConflicts", "no conflicts found".to_owned()),
    };
    let accepted = status == "True";
    set_condition(definition, &Condition { kind: "NamesAccepted", status, reason, message }, now);
    if !is_true(definition, "Established") {
        let (reason, message) = if accepted {
            ("Installing", "the initial names have been accepted")
        } else {
            ("NotAccepted", "not all names are accepted")
        };
        if accepted || condition(definition, "Established").is_none() {
            let condition =
                Condition { kind: "Established", status: "False", reason, message: message.to_owned() };
            set_condition(definition, &condition, now);
        }
    }
}

fn put(names: &mut Value, field: &str, value: &Value) {
    let Some(names) = names.as_object_mut() else { return };
    if value.is_null() {
        names.remove(field);
    } else {
        names.insert(field.to_owned(), value.clone());
    }
}

/// Marks a definition for deletion: it stays until its objects are gone.
pub(crate) fn mark_terminating(definition: &mut Value, now: &str) {
    let metadata = object::metadata(definition);
    metadata.entry("deletionTimestamp").or_insert_with(|| json!(now));
    let mut finalizers = object::finalizers(definition);
    if !finalizers.iter().any(|finalizer| finalizer == CLEANUP_FINALIZER) {
        finalizers.push(CLEANUP_FINALIZER.to_owned());
        object::set_finalizers(definition, &finalizers);
    }
    let pending = Condition {
        kind: "Terminating",
        status: "True",
        reason: "InstanceDeletionPending",
        message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
            .to_owned(),
    };
    set_condition(definition, &pending, now);
}

/// How the deletion of a definition's objects stands.
pub(super) fn set_terminating(definition: &mut Value, done: Option<(&'static str, &str)>, now: &str) {
    let (status, reason, message) = match done {
        None => ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"),
        Some((reason, message)) => ("False", reason, message),
    };
    let condition = Condition { kind: "Terminating", status, reason, message: message.to_owned() };
    set_condition(definition, &condition, now);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(plural: &str, kind: &str) -> Value {
        json!({"spec": {"group": "e.com", "names": {
            "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List"), "shortNames": ["w"]}},
            "status": {"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": ["v1"]}})
    }

    fn conditions(definition: &Value) -> Vec<String> {
        let text = |c: &Value, key: &str| c[key].as_str().unwrap_or_default().to_owned();
        definition["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|c| {
                format!(
                    "{}={} {}: {}",
                    text(c, "type"),
                    text(c, "status"),
                    text(c, "reason"),
                    text(c, "message")
                )
            })
            .collect()
    }

    #[test]
    fn names_are_accepted_before_a_definition_is_established() {
        let first = next(&definition("widgets", "Widget"), &[], "t1").unwrap();
        assert_eq!(
            conditions(&first),
            [
                "NamesAccepted=True NoConflicts: no conflicts found",
                "Established=False Installing: the initial names have been accepted"
            ]
        );
        let second = next(&first, &[], "t2").unwrap();
        assert_eq!(
            conditions(&second)[1],
            "Established=True InitialNamesAccepted: the initial names have been accepted"
        );
        assert_eq!(second["status"]["conditions"][0]["lastTransitionTime"], "t1");
        assert_eq!(second["status"]["acceptedNames"], second["spec"]["names"]);
        assert!(next(&second, &[], "t3").is_none());
    }

    #[test]
    fn a_name_that_is_taken_is_not_accepted() {
        let other = next(&definition("widgets", "Widget"), &[], "t1").unwrap();
        let late = next(&definition("widgetz", "Widget"), &[&other], "t2").unwrap();
        assert_eq!(
            conditions(&late),
            [
                r#"NamesAccepted=False ListKindConflict: "WidgetList" is already in use"#,
                "Established=False NotAccepted: not all names are accepted"
            ]
        );
        assert_eq!(late["status"]["acceptedNames"]["plural"], "widgetz");
        assert_eq!(late["status"]["acceptedNames"]["kind"], "");
        assert!(next(&late, &[&other], "t3").is_none());
    }
}
