//! A map that forgets what was not used for longest.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::Hash,
};

/// At most `capacity` values; every look at one makes it the most recent.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    capacity: usize,
    uses: u64,
    values: HashMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
}

impl<K: Clone + Eq + Hash, V> Lru<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, uses: 0, values: HashMap::new(), order: BTreeMap::new() }
    }

    /// The value of `key`, made where there is none, in place of the one not used for longest where it is full.
    pub(super) fn or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if self.values.len() >= self.capacity
            && !self.values.contains_key(&key)
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.values.remove(&oldest);
        }
        self.uses += 1;
        match self.values.entry(key) {
            Entry::Occupied(entry) => {
                let entry = entry.into_mut();
                let before = std::mem::replace(&mut entry.0, self.uses);
                if let Some(key) = self.order.remove(&before) {
                    self.order.insert(self.uses, key);
                }
                &mut entry.1
            }
            Entry::Vacant(entry) => {
                self.order.insert(self.uses, entry.key().clone());
                &mut entry.insert((self.uses, make())).1
            }
        }
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_forgets_what_was_not_used_for_longest() {
        let mut map = Lru::new(2);
        *map.or_insert_with("a", || 0) = 1;
        *map.or_insert_with("b", || 0) = 2;
        assert_eq!(*map.or_insert_with("a", || 0), 1);
        assert_eq!(*map.or_insert_with("c", || 3), 3);
        assert_eq!(*map.or_insert_with("a", || 0), 1, "used after b");
        assert_eq!(*map.or_insert_with("b", || 9), 9, "was forgotten");
        assert_eq!(map.values().count(), 2);
        assert_eq!(map.order.len(), 2);
    }
}
