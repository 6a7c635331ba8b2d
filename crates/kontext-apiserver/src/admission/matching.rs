//! Whether a webhook is asked about a request, and in which version of the resource.

use std::sync::Arc;

use serde_json::Value;

use super::attributes::{Attributes, Kind};
use super::hook::{Hook, Rule};
use crate::kinds::{Registry, Resource};
use crate::selector;

/// How a webhook sees a request: as it was made, or as one for an equivalent resource.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(super) resource: Arc<Resource>,
    pub(super) kind: Kind,
}

/// Whether the selector of objects takes the old or the new object.
pub(super) fn selects_object(hook: &Hook, object: Option<&Value>, old: Option<&Value>) -> bool {
    if is_empty(&hook.object_selector) {
        return true;
    }
    let takes =
        |object: &Value| selector::object_matches(&hook.object_selector, &object["metadata"]["labels"]);
    object.is_some_and(takes) || old.is_some_and(takes)
}

/// Whether the selector of namespaces needs labels to decide about this request; if not, it takes it.
pub(super) fn asks_for_namespace(hook: &Hook, attributes: &Attributes<'_>) -> bool {
    let in_namespace = !attributes.namespace.is_empty() || attributes.target.resource.plural == "namespaces";
    in_namespace && !is_empty(&hook.namespace_selector)
}

pub(super) fn selects_namespace(hook: &Hook, labels: &Value) -> bool {
    selector::object_matches(&hook.namespace_selector, labels)
}

fn is_empty(selector: &Value) -> bool {
    let none = |field: &str| match &selector[field] {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => true,
    };
    none("matchLabels") && none("matchExpressions")
}

/// Finds the version that a webhook has rules for: the request's own first, then, if the webhook wants that, another
/// version of the same objects.
pub(super) fn invocation(
    hook: &Hook,
    attributes: &Attributes<'_>,
    registry: &Registry,
) -> Option<Invocation> {
    let asked = &attributes.target.resource;
    if hook.rules.iter().any(|rule| matches(rule, attributes, asked)) {
        return Some(Invocation { resource: asked.clone(), kind: attributes.kind.clone() });
    }
    if !hook.equivalent {
        return None;
    }
    let others: Vec<&Arc<Resource>> = registry
        .resources()
        .iter()
        .filter(|other| other.table == asked.table && !Arc::ptr_eq(other, asked))
        .filter(|other| {
            attributes.target.subresource.is_empty()
                || other.subresource(&attributes.target.subresource).is_some()
        })
        .collect();
    // Earlier rules first.
    hook.rules.iter().find_map(|rule| {
        let other = others.iter().find(|other| matches(rule, attributes, other))?;
        let kind = match other.subresource(&attributes.target.subresource) {
            Some(door) => {
                Kind { group: door.group.clone(), version: door.version.clone(), kind: door.kind.clone() }
            }
            None => {
                Kind { group: other.group.clone(), version: other.version.clone(), kind: other.kind.clone() }
            }
        };
        Some(Invocation { resource: (*other).clone(), kind })
    })
}

fn matches(rule: &Rule, attributes: &Attributes<'_>, resource: &Resource) -> bool {
    let listed = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
    in_scope(rule, attributes)
        && listed(&rule.operations, attributes.operation.as_str())
        && listed(&rule.groups, &resource.group)
        && listed(&rule.versions, &resource.version)
        && rule.resources.iter().any(|item| {
            let (plural, subresource) = item.split_once('/').unwrap_or((item, ""));
            (plural == "*" || plural == resource.plural)
                && (subresource == "*" || subresource == attributes.target.subresource)
        })
}

/// Namespaces themselves count as cluster-scoped.
fn in_scope(rule: &Rule, attributes: &Attributes<'_>) -> bool {
    let is_namespace = attributes.target.is_namespace();
    match rule.scope.as_str() {
        "Namespaced" => !is_namespace && !attributes.namespace.is_empty(),
        "Cluster" => is_namespace || attributes.namespace.is_empty(),
        _ => true,
    }
}
