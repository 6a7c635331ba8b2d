mod model;

use serde_json::json;

use super::*;

const TABLE: TableId = TableId(0);

fn store() -> Store {
    Store::new(2, 4)
}

fn add(store: &Store, namespace: &str, name: &str) -> Arc<Stored> {
    let object = json!({"metadata": {"name": name, "namespace": namespace}});
    store.insert(TABLE, Key::new(namespace, name), object).unwrap()
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.objects.iter().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn a_write_based_on_an_older_object_is_refused() {
    let store = store();
    let key = Key::new("ns", "a");
    let first = add(&store, "ns", "a");
    store.replace(TABLE, &key, &first, json!({"metadata": {"x": 1}})).unwrap();
    assert!(store.replace(TABLE, &key, &first, json!({})).is_err());
    assert!(store.remove(TABLE, &key, &first, json!({})).is_err());
}

#[test]
fn a_snapshot_of_an_earlier_version_shows_what_was_there() {
    let store = store();
    let a = add(&store, "ns", "a");
    let b = add(&store, "ns", "b");
    let then = store.revision();
    store.remove(TABLE, &Key::new("ns", "a"), &a, json!({})).unwrap();
    store.replace(TABLE, &Key::new("ns", "b"), &b, json!({"metadata": {"new": true}})).unwrap();
    add(&store, "ns", "c");
    let earlier = store.snapshot(TABLE, "ns", Some(then), None).unwrap();
    assert_eq!(names(&earlier), ["ns/a", "ns/b"]);
    assert!(earlier.objects[1].1.value()["metadata"].get("new").is_none());
    assert_eq!(names(&store.snapshot(TABLE, "ns", None, None).unwrap()), ["ns/b", "ns/c"]);
}

#[test]
fn a_namespace_is_not_mixed_up_with_one_whose_name_it_begins() {
    let store = store();
    for (namespace, name) in [("a", "x"), ("a-b", "x"), ("ab", "x")] {
        add(&store, namespace, name);
    }
    assert_eq!(names(&store.snapshot(TABLE, "a", None, None).unwrap()), ["a/x"]);
    assert_eq!(names(&store.snapshot(TABLE, "", None, None).unwrap()), ["a-b/x", "a/x", "ab/x"]);
    let after = Key::new("a-b", "x");
    assert_eq!(names(&store.snapshot(TABLE, "", None, Some(&after)).unwrap()), ["a/x", "ab/x"]);
    assert_eq!(names(&store.snapshot(TABLE, "a", None, Some(&after)).unwrap()), ["a/x"]);
}

#[test]
fn the_history_forgets_the_oldest_changes_and_says_so() {
    let store = store();
    let start = store.revision();
    for name in ["a", "b", "c", "d", "e"] {
        add(&store, "ns", name);
    }
    assert!(store.changes(TABLE, start, 100).is_err());
    let (changes, seen) = store.changes(TABLE, start + 1, 100).unwrap();
    assert_eq!((changes.len(), seen), (4, store.revision()));
    assert!(matches!(store.snapshot(TABLE, "", Some(start), None), Err(SnapshotError::Expired)));
}

#[test]
fn a_full_batch_of_changes_moves_the_cursor_only_to_its_end() {
    let store = store();
    let start = store.revision();
    add(&store, "ns", "a");
    add(&store, "ns", "b");
    let (changes, seen) = store.changes(TABLE, start, 1).unwrap();
    assert_eq!((changes.len(), seen), (1, start + 1));
}

#[test]
fn a_version_of_the_future_is_refused() {
    assert!(matches!(store().snapshot(TABLE, "", Some(99), None), Err(SnapshotError::Future(1))));
}

#[test]
fn compaction_ends_earlier_cursors_and_spares_those_that_have_seen_everything() {
    let store = store();
    let start = store.revision();
    add(&store, "ns", "a");
    let seen = store.revision();
    store.insert(TableId(1), Key::new("", "elsewhere"), json!({})).unwrap();
    store.compact();
    assert!(store.changes(TABLE, start, 1).is_err());
    assert!(store.changes(TABLE, seen, 1).is_ok());
    assert!(store.reaches(TABLE, seen).is_err(), "nobody starts from before a compaction");
    assert!(store.reaches(TABLE, store.revision()).is_ok());
}

#[test]
fn a_watch_starts_at_the_first_change_that_is_remembered_or_later() {
    let store = store();
    let start = store.revision();
    assert!(store.reaches(TABLE, start).is_ok());
    for name in ["a", "b", "c", "d", "e"] {
        store.insert(TableId(1), Key::new("", name), json!({})).unwrap();
        add(&store, "ns", name);
    }
    // The write of "b" is the first that is remembered, at version 5; one elsewhere was just before it.
    assert_eq!(store.reaches(TABLE, start + 2).unwrap_err().compacted, start + 3);
    assert!(store.reaches(TABLE, start + 3).is_ok());
}

#[test]
fn large_states_are_forgotten_sooner() {
    let mut history = history::History::default();
    let limit = history::Limit { changes: 100, bytes: 3000 };
    for revision in 1..=5 {
        let draft = Draft::of(json!({"text": "x".repeat(900)}));
        let object = Stored::new(draft, ChangeKind::Added, revision);
        let key = Key::new("", &revision.to_string());
        history.push(Change { kind: ChangeKind::Added, key, object, previous: None }, limit);
    }
    assert!(history.after(1, 10).is_err());
    assert_eq!(history.after(2, 10).unwrap().len(), 3);
}

#[test]
fn a_table_can_come_later() {
    let store = store();
    let table = store.add_table();
    let key = Key::new("", "a");
    store.insert(table, key.clone(), json!({"metadata": {"name": "a"}})).unwrap();
    assert!(store.find(table, &key).is_some() && store.find(TABLE, &key).is_none());
}
