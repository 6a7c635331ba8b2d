//! Ownership after a create, an update or a patch: what the write added or changed becomes its manager's and nobody
//! else's, what it removed is nobody's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::entries::{self, Entries, Entry, Identity};
use super::set::FieldSet;
use super::typed::Comparison;
use super::untracked;
use super::versions::Versions;

/// Moves ownership for a write of `identity` that turns `old` into `new`, both in the request's version. The time of
/// the manager's entry is set if it comes to own something.
pub(super) fn update(
    versions: &Versions,
    old: &Value,
    new: &Value,
    entries: Entries,
    identity: &Identity,
    now: Timestamp,
) -> Entries {
    let changes = versions.own.compare(old, new);
    let own = changes.modified.union(&changes.added).difference(&untracked());
    let mut entries = give_up(versions, old, new, entries, changes, None);
    if !own.is_empty() {
        let entry = entries.entry(identity.clone()).or_insert_with(|| Entry {
            fields: FieldSet::default(),
            api_version: versions.own.api_version.clone(),
            time: None,
        });
        entry.fields = entry.fields.union(&own);
        entry.time = Some(entries::whole_seconds(now));
    }
    entries.retain(|_, entry| !entry.fields.is_empty());
    entries
}

/// The fields of others that a write changes, by their owners.
pub(super) fn conflicts(
    versions: &Versions,
    old: &Value,
    new: &Value,
    entries: &Entries,
    writer: &Identity,
) -> Vec<(Identity, FieldSet)> {
    let mut comparisons = Comparisons { versions, old, new, known: BTreeMap::new() };
    let mut found = Vec::new();
    for (identity, entry) in entries.iter().filter(|(identity, _)| *identity != writer) {
        let Some(changes) = comparisons.of(&entry.api_version) else { continue };
        let taken = entry.fields.intersection(&changes.modified.union(&changes.added));
        if !taken.is_empty() {
            found.push((identity.clone(), taken));
        }
    }
    found
}

/// Takes what changed or went from everybody but `except`. Entries in versions that are not served go.
pub(super) fn give_up(
    versions: &Versions,
    old: &Value,
    new: &Value,
    entries: Entries,
    changes: Comparison,
    except: Option<&Identity>,
) -> Entries {
    let known = BTreeMap::from([(versions.own.api_version.clone(), changes)]);
    let mut comparisons = Comparisons { versions, old, new, known };
    entries
        .into_iter()
        .filter_map(|(identity, mut entry)| {
            if except == Some(&identity) {
                return Some((identity, entry));
            }
            let changes = comparisons.of(&entry.api_version)?;
            entry.fields = entry
                .fields
                .difference(&changes.modified)
                .difference(&changes.added)
                .difference(&changes.removed);
            Some((identity, entry))
        })
        .collect()
}

/// The same two objects compared in each version that somebody owns fields in, once.
struct Comparisons<'a> {
    versions: &'a Versions,
    old: &'a Value,
    new: &'a Value,
    known: BTreeMap<String, Comparison>,
}

impl Comparisons<'_> {
    fn of(&mut self, api_version: &str) -> Option<&Comparison> {
        if !self.known.contains_key(api_version) {
            let version = self.versions.named(api_version)?;
            let own = &self.versions.own;
            let changes = version.compare(&own.convert(self.old, version), &own.convert(self.new, version));
            self.known.insert(api_version.to_owned(), changes);
        }
        self.known.get(api_version)
    }
}
