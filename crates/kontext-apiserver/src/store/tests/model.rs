//! The store against a model that keeps every state it was ever in.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const OTHER: TableId = TableId(1);
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(usize),
    Replace(usize),
    Remove(usize),
    WriteElsewhere,
    Compact,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    prop_oneof![
        3 => name.clone().prop_map(Step::Insert),
        4 => name.clone().prop_map(Step::Replace),
        2 => name.prop_map(Step::Remove),
        2 => Just(Step::WriteElsewhere),
        1 => Just(Step::Compact),
    ]
}

/// Names and the versions they are at.
type State = BTreeMap<String, u64>;

fn state(snapshot: &Snapshot) -> State {
    snapshot.objects.iter().map(|(key, stored)| (key.name().to_owned(), stored.revision())).collect()
}

/// Does one step; says whether the table under test was written to.
fn act(store: &Store, step: Step, count: usize) -> bool {
    let object = |name: &str| json!({"metadata": {"name": name}, "count": count});
    match step {
        Step::Insert(index) => {
            store.insert(TABLE, Key::new("ns", NAMES[index]), object(NAMES[index])).is_some()
        }
        Step::Replace(index) | Step::Remove(index) => {
            let key = Key::new("ns", NAMES[index]);
            let Some(old) = store.find(TABLE, &key) else { return false };
            let new = object(NAMES[index]);
            match step {
                Step::Replace(_) => store.replace(TABLE, &key, &old, new).unwrap(),
                _ => store.remove(TABLE, &key, &old, new).unwrap(),
            };
            true
        }
        Step::WriteElsewhere => {
            store.insert(OTHER, Key::new("ns", &format!("x{count}")), object("x")).unwrap();
            false
        }
        Step::Compact => {
            store.compact();
            false
        }
    }
}

proptest! {
    #[test]
    fn every_state_that_is_remembered_is_given_back_and_every_other_refused(
        steps in prop::collection::vec(step(), 1..60),
        limit in 1_usize..12,
    ) {
        let store = Store::new(2, limit);
        // The state after each version, the versions of the table's writes, and where compaction was.
        let mut states = BTreeMap::from([(store.revision(), State::new())]);
        let (mut written, mut compacted) = (Vec::new(), 0);
        for (count, step) in steps.into_iter().enumerate() {
            if act(&store, step, count) {
                written.push(store.revision());
            }
            if let Step::Compact = step {
                compacted = store.revision();
            }
            let now = store.snapshot(TABLE, "ns", None, None).unwrap();
            prop_assert_eq!(now.revision, store.revision());
            states.insert(store.revision(), state(&now));

            let remembered = written.iter().rev().take(limit).filter(|v| **v > compacted).count();
            let forgotten = written.iter().rev().nth(remembered).copied().unwrap_or(0);
            for (version, expected) in &states {
                let known = *version >= forgotten && *version >= compacted;
                match store.snapshot(TABLE, "ns", Some(*version), None) {
                    Ok(snapshot) => {
                        prop_assert!(known, "version {version} is remembered after all");
                        prop_assert_eq!(&state(&snapshot), expected);
                    }
                    Err(error) => prop_assert!(!known, "version {version}: {error:?}"),
                }
                // Who has seen everything up to a version goes on from there, compaction or not.
                match store.changes(TABLE, *version, usize::MAX) {
                    Ok((changes, seen)) => {
                        prop_assert!(*version >= forgotten);
                        prop_assert_eq!(seen, store.revision());
                        prop_assert_eq!(&replay(expected.clone(), &changes), &state(&now));
                    }
                    Err(_) => prop_assert!(*version < forgotten),
                }
            }
        }
    }
}

fn replay(mut state: State, changes: &[Arc<Change>]) -> State {
    for change in changes {
        let name = change.key.name().to_owned();
        let before = match change.kind {
            ChangeKind::Added | ChangeKind::Modified => state.insert(name, change.revision()),
            ChangeKind::Deleted => state.remove(&name),
        };
        assert_eq!(before, change.previous.as_ref().map(|stored| stored.revision()), "{change:?}");
        assert_eq!(before.is_none(), change.kind == ChangeKind::Added);
    }
    state
}
