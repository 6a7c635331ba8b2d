//! At most ten managers that update: beyond that the oldest are merged into `ancient-changes`.

use std::collections::BTreeMap;

use super::entries::{self, Entries, Identity, Operation};

const MOST_UPDATERS: usize = 10;
const BUCKET: &str = "ancient-changes";

pub(super) fn cap_updaters(mut entries: Entries) -> Entries {
    let mut updaters: Vec<Identity> =
        entries.keys().filter(|identity| identity.operation == Operation::Update).cloned().collect();
    let mut count = updaters.len();
    if count <= MOST_UPDATERS {
        return entries;
    }
    updaters.sort_by_key(|identity| {
        let time = entries.get(identity).and_then(|entry| entry.time.clone());
        (entries::seconds(time.as_deref()), identity.clone())
    });
    // One bucket a version; it comes to be when the second entry of that version is merged.
    let mut first_of_version: BTreeMap<String, Identity> = BTreeMap::new();
    for identity in updaters {
        if count <= MOST_UPDATERS {
            break;
        }
        let version = identity.api_version.clone();
        let Some(first) = first_of_version.get(&version) else {
            first_of_version.insert(version, identity);
            continue;
        };
        let bucket = Identity {
            manager: BUCKET.to_owned(),
            operation: Operation::Update,
            api_version: version,
            subresource: String::new(),
        };
        if !entries.contains_key(&bucket)
            && let Some(entry) = entries.remove(first)
        {
            entries.insert(bucket.clone(), entry);
        }
        if let Some(merged) = entries.remove(&identity)
            && let Some(entry) = entries.get_mut(&bucket)
        {
            entry.fields = entry.fields.union(&merged.fields);
            entry.time = merged.time;
        }
        count -= 1;
    }
    entries
}
