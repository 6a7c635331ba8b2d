//! Field ownership: `metadata.managedFields` after a create, update or patch.
//!
//! The rules are those of Kubernetes' structured merge diff for updates: what this write added or changed becomes its
//! manager's and nobody else's, what it removed is nobody's. Call order in the server, as upstream's: decode, default
//! ([`crate::defaults::apply_defaults`]), track (here), then admission and the create strategy
//! ([`crate::defaults::prepare_create`]): what those add is owned by nobody.

mod apply;
#[cfg(test)]
mod apply_tests;
mod cap;
mod conflict;
mod entries;
mod last_applied;
mod path;
mod reset;
mod scale;
mod set;
mod typed;
mod update;
mod versions;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::Value;

use crate::schema;
use entries::{Entries, Identity, Operation};
use path::PathElement;
use set::FieldSet;
use typed::Duplicates;

pub(crate) use apply::{ApplyError, apply};
pub(crate) use conflict::{Conflict, message as conflict_message};
pub(crate) use scale::{give_scale_its_owners, take_owners_from_scale};
pub(crate) use versions::Versions;

/// Who writes: the field manager, the version it writes in, and the subresource it writes through.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) manager: String,
    pub(crate) subresource: Option<String>,
    pub(crate) versions: Versions,
    /// The managedFields that come with the object are final: an apply made them.
    pub(crate) tracked: bool,
}

/// Brings `new`'s managedFields up to date with the write that turns `old` (none: a create) into `new`. Both are objects
/// in the version of the request.
pub(crate) fn track_update(old: Option<&Value>, new: &mut Value, writer: &Writer, now: Timestamp) {
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
    if typed::validate(&writer.versions.own.of, new, Duplicates::Allowed).is_err() {
        return;
    }
    let blank;
    let old = match old {
        Some(old) => old,
        None => {
            blank = schema::blank(new);
            &blank
        }
    };
    let identity = Identity {
        manager: if writer.manager.is_empty() { "unknown".to_owned() } else { writer.manager.clone() },
        operation: Operation::Update,
        api_version: writer.versions.own.api_version.clone(),
        subresource: subresource.to_owned(),
    };
    let entries = update::update(&writer.versions, old, new, entries, &identity, now);
    set_managed_fields(new, &cap::cap_updaters(entries));
}

/// Replaces an object's entries; none at all remove the field.
fn set_managed_fields(object: &mut Value, entries: &Entries) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), entries::encode(entries));
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
