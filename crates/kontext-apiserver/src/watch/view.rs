//! What a change is to somebody who sees only a part of the objects.

use std::sync::Arc;

use crate::store::{Change, ChangeKind, Key, Stored};

/// The event that a watcher with this selection gets: an object that moves into the selection was added, one that moves
/// out was deleted. What is shown of a deleted one is the last state that was selected, at the version of the change.
pub(super) fn view(
    change: &Change,
    selects: impl Fn(&Key, &Stored) -> bool,
) -> Option<(ChangeKind, &Arc<Stored>)> {
    let before = change.previous.as_ref().filter(|stored| selects(&change.key, stored));
    let after = change.kind != ChangeKind::Deleted && selects(&change.key, &change.object);
    match (before, after) {
        (None, false) => None,
        (None, true) => Some((ChangeKind::Added, &change.object)),
        (Some(_), true) => Some((ChangeKind::Modified, &change.object)),
        (Some(_), false) if change.kind == ChangeKind::Deleted => Some((ChangeKind::Deleted, &change.object)),
        (Some(last), false) => Some((ChangeKind::Deleted, last)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::kinds::TableId;
    use crate::store::Store;

    const TABLE: TableId = TableId(0);

    fn selected(_: &Key, stored: &Stored) -> bool {
        stored.label("tier") == Some("front")
    }

    /// Writes an object with or without the label, or removes it.
    fn write(store: &Store, name: &str, front: Option<bool>) {
        let key = Key::new("ns", name);
        let object = |front: bool| {
            let labels = if front { json!({"tier": "front"}) } else { json!({"tier": "back"}) };
            json!({"metadata": {"name": name, "labels": labels}})
        };
        match (store.find(TABLE, &key), front) {
            (None, Some(front)) => drop(store.insert(TABLE, key, object(front)).unwrap()),
            (Some(old), Some(front)) => drop(store.replace(TABLE, &key, &old, object(front)).unwrap()),
            (Some(old), None) => drop(store.remove(TABLE, &key, &old, old.value()).unwrap()),
            (None, None) => {}
        }
    }

    proptest! {
        #[test]
        fn what_a_watcher_knows_is_what_a_list_with_its_selector_shows(
            writes in prop::collection::vec((0_usize..4, prop::option::weighted(0.8, any::<bool>())), 1..50),
        ) {
            let store = Store::new(1, 1000);
            let mut known: BTreeMap<String, u64> = BTreeMap::new();
            let mut cursor = store.revision();
            for (name, front) in writes {
                write(&store, ["a", "b", "c", "d"][name], front);
                let (changes, seen) = store.changes(TABLE, cursor, 10).unwrap();
                cursor = seen;
                for change in &changes {
                    let Some((kind, shown)) = view(change, selected) else { continue };
                    let name = change.key.name().to_owned();
                    prop_assert!(selected(&change.key, shown) , "only what is selected is shown");
                    let before = match kind {
                        ChangeKind::Deleted => known.remove(&name),
                        _ => known.insert(name, shown.revision()),
                    };
                    prop_assert_eq!(before.is_none(), kind == ChangeKind::Added);
                }
                let list = store.snapshot(TABLE, "", None, None).unwrap();
                let listed: BTreeMap<String, u64> = list
                    .objects
                    .iter()
                    .filter(|(key, stored)| selected(key, stored))
                    .map(|(key, stored)| (key.name().to_owned(), stored.revision()))
                    .collect();
                prop_assert_eq!(&known, &listed);
            }
        }
    }
}
