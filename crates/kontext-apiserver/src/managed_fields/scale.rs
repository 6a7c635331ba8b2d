//! Ownership of the number of replicas, which is one field under two names: in the object itself and in its Scale.

use serde_json::Value;

use super::entries::{self, Entries, Entry};
use super::path::PathElement;
use super::set::FieldSet;
use super::{Versions, managed_fields, set_managed_fields};

/// The version that Scale objects are served in.
const SCALE_VERSION: &str = "autoscaling/v1";

fn path_of(names: &[&str]) -> Vec<PathElement> {
    names.iter().map(|name| PathElement::field(name)).collect()
}

fn replicas_in_scale() -> FieldSet {
    let mut set = FieldSet::default();
    set.insert(&path_of(&["spec", "replicas"]));
    set
}

fn decoded(object: &Value) -> Entries {
    managed_fields(object).and_then(|list| entries::decode(list).ok()).unwrap_or_default()
}

/// Gives a Scale the entries of those who own the replicas of its object.
pub(crate) fn give_scale_its_owners(
    scale: &mut Value,
    parent: &Value,
    versions: &Versions,
    replicas: &[&str],
) {
    let path = path_of(replicas);
    let owners = decoded(parent)
        .into_iter()
        .filter(|(_, entry)| versions.named(&entry.api_version).is_some() && entry.fields.contains(&path))
        .map(|(identity, entry)| {
            let entry = Entry {
                fields: replicas_in_scale(),
                api_version: SCALE_VERSION.to_owned(),
                time: entry.time,
            };
            (identity, entry)
        })
        .collect();
    set_managed_fields(scale, &owners);
}

/// Takes the entries of a Scale that was written back into its object. Entries of updaters lose their time on the way.
pub(crate) fn take_owners_from_scale(
    parent: &mut Value,
    scale: &Value,
    versions: &Versions,
    replicas: &[&str],
) {
    let path = path_of(replicas);
    let mut in_parent = FieldSet::default();
    in_parent.insert(&path);
    let before = decoded(parent);
    let mut of_scale = decoded(scale);
    let mut after = Entries::new();
    for (identity, mut entry) in before.clone() {
        if versions.named(&entry.api_version).is_none() {
            continue;
        }
        if entry.fields.contains(&path) && of_scale.remove(&identity).is_none() {
            entry.fields = entry.fields.difference(&in_parent);
        }
        if !entry.fields.is_empty() {
            after.insert(identity, entry);
        }
    }
    for (identity, entry) in of_scale {
        if entry.fields.contains(&path_of(&["spec", "replicas"])) {
            let time = before.get(&identity).and_then(|known| known.time.clone());
            let api_version = versions.own.api_version.clone();
            after.insert(identity, Entry { fields: in_parent.clone(), api_version, time });
        }
    }
    set_managed_fields(parent, &after);
}
