//! Field ownership: `metadata.managedFields` after a create, update or patch.
//!
//! The rules are those of Kubernetes' structured merge diff for updates: what this write added or changed becomes its
//! manager's and nobody else's, what it removed is nobody's. Call order in the server, as upstream's: decode, default
//! ([`crate::defaults::apply_defaults`]), track (here), then admission and the create strategy
//! ([`crate::defaults::prepare_create`]): what those add is owned by nobody.

mod cap;
mod entries;
mod path;
mod set;
mod typed;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::schema::{self, MergeType};
use entries::{Entries, Entry, Identity, Operation};
use path::PathElement;
use set::FieldSet;
use typed::{Comparison, Duplicates};

/// Who writes: the field manager, the version it writes in, and the subresource it writes through.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) manager: String,
    pub(crate) api_version: String,
    pub(crate) subresource: Option<String>,
}

/// Brings `new`'s managedFields up to date with the write that turns `old` (none: a create) into `new`. Both are objects
/// of the type.
pub(crate) fn track_update(
    of: &MergeType,
    old: Option<&Value>,
    new: &mut Value,
    writer: &Writer,
    now: Timestamp,
) {
    let subresource = writer.subresource.as_deref().unwrap_or_default();
    let entries = starting_entries(old, new, subresource);
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    // An object that is there and has no entries is not tracked (somebody reset them).
    if old.is_some() && entries.is_empty() {
        return;
    }
    // Nor is one that does not fit its type: an element of a list without its keys, for example.
    if typed::validate(of, new, Duplicates::Allowed).is_err() {
        return;
    }
    let entries = cap::cap_updaters(update(of, old, new, entries, writer, now));
    if let (false, Some(metadata)) =
        (entries.is_empty(), new.get_mut("metadata").and_then(Value::as_object_mut))
    {
        metadata.insert("managedFields".to_owned(), entries::encode(&entries));
    }
}

/// Whether a list that somebody sent is valid; the server refuses a write with an invalid one.
pub(crate) fn validate(managed_fields: &Value) -> Result<(), String> {
    entries::decode(managed_fields).map(|_| ())
}

fn managed_fields(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields").filter(|list| !list.is_null())
}

/// The client's own entries if it sent valid ones, else the live ones. An empty list, or one empty entry, resets.
fn starting_entries(old: Option<&Value>, new: &Value, subresource: &str) -> Entries {
    let live =
        || old.and_then(managed_fields).and_then(|list| entries::decode(list).ok()).unwrap_or_default();
    if !subresource.is_empty() {
        return live();
    }
    let Some(sent) = managed_fields(new) else { return live() };
    let is_empty_entry = |item: &Value| item.as_object().is_some_and(serde_json::Map::is_empty);
    match sent.as_array().map(Vec::as_slice) {
        Some([]) => return Entries::new(),
        Some([only]) if is_empty_entry(only) => return Entries::new(),
        _ => {}
    }
    match entries::decode(sent) {
        Ok(entries) if !entries.is_empty() => entries,
        _ => live(),
    }
}

fn update(
    of: &MergeType,
    old: Option<&Value>,
    new: &Value,
    mut entries: Entries,
    writer: &Writer,
    now: Timestamp,
) -> Entries {
    let blank;
    let old = match old {
        Some(old) => old,
        None => {
            blank = schema::blank(new);
            &blank
        }
    };
    let subresource = writer.subresource.as_deref().unwrap_or_default();
    let has_status = of.as_map().is_some_and(|(map, _)| map.declares("status"));
    let changes = if subresource == "scale" {
        // The Scale object is tracked on its own: not at all while nobody owns its replicas.
        let replicas = |set: &FieldSet| !set.only(&replicas_path()).is_empty();
        if !entries.values().any(|entry| replicas(&entry.fields)) {
            return entries;
        }
        scale_changes(old, new)
    } else {
        Comparison::of(of, old, new).map(|set| tracked(set, has_status, subresource))
    };

    let taken = changes.modified.union(&changes.added);
    for entry in entries.values_mut() {
        entry.fields = entry.fields.difference(&taken).difference(&changes.removed);
    }
    let own = taken.difference(&untracked());
    if !own.is_empty() {
        let manager = if writer.manager.is_empty() { "unknown" } else { &writer.manager };
        let identity = Identity {
            manager: manager.to_owned(),
            operation: Operation::Update,
            api_version: writer.api_version.clone(),
            subresource: subresource.to_owned(),
        };
        // An entry made through /scale is translated from the Scale object, where times are lost.
        let time = (subresource != "scale").then(|| entries::whole_seconds(now));
        let entry = entries.entry(identity).or_insert_with(|| Entry {
            fields: FieldSet::default(),
            api_version: writer.api_version.clone(),
            time: None,
        });
        entry.fields = entry.fields.union(&own);
        entry.time = time;
    }
    entries.retain(|_, entry| !entry.fields.is_empty());
    entries
}

fn replicas_path() -> [PathElement; 2] {
    [PathElement::field("spec"), PathElement::field("replicas")]
}

/// A Scale leaves replicas out when they are 0.
fn scale_changes(old: &Value, new: &Value) -> Comparison {
    let scale = |object: &Value| match object.pointer("/spec/replicas").and_then(Value::as_i64) {
        None | Some(0) => json!({"spec": {}}),
        Some(replicas) => json!({"spec": {"replicas": replicas}}),
    };
    Comparison::of(&MergeType::deduced(), &scale(old), &scale(new)).map(|set| set.only(&replicas_path()))
}

/// What a write through a subresource can own at all.
fn tracked(set: FieldSet, has_status: bool, subresource: &str) -> FieldSet {
    match subresource {
        "" if has_status => set.without(&[PathElement::field("status")]),
        "status" if has_status => set.without(&[PathElement::field("spec")]),
        _ => set,
    }
}

/// Fields that belong to the server.
fn untracked() -> FieldSet {
    let mut set = FieldSet::default();
    for name in ["apiVersion", "kind", "metadata"] {
        set.insert(&[PathElement::field(name)]);
    }
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        set.insert(&[PathElement::field("metadata"), PathElement::field(name)]);
    }
    set
}
