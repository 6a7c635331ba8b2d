//! The stale-cache guard (KEP-5647): a loop does not act on a cache that is older than its own last write.
//!
//! It closes the gap that expectations leave open when they expire. After each successful write the shell records the
//! resourceVersion it got; at the start of a reconcile the cache must have caught up. Deletes are not recorded, as they
//! return no version that the cache will reach.

use std::{cmp::Ordering, collections::HashMap};

use thiserror::Error;

use crate::model::{ResourceVersion, Text};

/// What each owner wrote last. A plain value: the shell holds the lock.
#[derive(Debug, Default)]
pub struct StaleGuard {
    owners: HashMap<Text, Record>,
}

#[derive(Debug)]
struct Record {
    uid: Text,
    /// Highest version written, by resource (`pods`, `replicasets`).
    written: Vec<(&'static str, ResourceVersion)>,
}

/// The cache of a resource is older than our last write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the cache of {resource} is at resource version {seen}, older than our last write {written}")]
pub struct Stale {
    /// Plural name of the resource.
    pub resource: &'static str,
    /// What we wrote.
    pub written: ResourceVersion,
    /// How far the cache is.
    pub seen: ResourceVersion,
}

impl StaleGuard {
    /// Records a successful write made for an owner. Another UID under the same key is another object.
    pub fn wrote(&mut self, owner: &Text, uid: &Text, resource: &'static str, version: &ResourceVersion) {
        let fresh = || Record { uid: Text::clone(uid), written: Vec::new() };
        let record = self.owners.entry(Text::clone(owner)).or_insert_with(fresh);
        if record.uid != *uid {
            *record = fresh();
        }
        match record.written.iter_mut().find(|(name, _)| *name == resource) {
            // What does not compare is no reason to wait: the newer information wins only if it is really newer.
            Some((_, highest)) => {
                if version.compare(highest) == Some(Ordering::Greater) {
                    *highest = version.clone();
                }
            }
            None => record.written.push((resource, version.clone())),
        }
    }

    /// Has every cache caught up? `seen` gives the version a resource's cache has reached. If so, the record is dropped.
    pub fn check(
        &mut self,
        owner: &str,
        seen: impl Fn(&'static str) -> Option<ResourceVersion>,
    ) -> Result<(), Stale> {
        let Some(record) = self.owners.get(owner) else { return Ok(()) };
        for (resource, written) in &record.written {
            if let Some(seen) = seen(resource)
                && seen.compare(written) == Some(Ordering::Less)
            {
                return Err(Stale { resource, written: written.clone(), seen });
            }
        }
        self.owners.remove(owner);
        Ok(())
    }

    /// The owner is gone. A record of another UID stays: it belongs to the object that came after.
    pub fn forget(&mut self, owner: &str, uid: Option<&str>) {
        if self.owners.get(owner).is_some_and(|record| uid.is_none_or(|uid| *record.uid == *uid)) {
            self.owners.remove(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rv(text: &str) -> ResourceVersion {
        ResourceVersion::new(text)
    }

    fn wrote(guard: &mut StaleGuard, uid: &str, resource: &'static str, version: &str) {
        guard.wrote(&Text::from("shop/web"), &Text::from(uid), resource, &rv(version));
    }

    fn check(guard: &mut StaleGuard, pods: &str, sets: &str) -> Result<(), String> {
        let seen = |resource| Some(rv(if resource == "pods" { pods } else { sets }));
        guard.check("shop/web", seen).map_err(|stale| stale.to_string())
    }

    #[test]
    fn every_cache_must_reach_the_highest_version_written() {
        let mut guard = StaleGuard::default();
        wrote(&mut guard, "u", "pods", "99");
        wrote(&mut guard, "u", "pods", "101");
        wrote(&mut guard, "u", "pods", "100");
        wrote(&mut guard, "u", "replicasets", "102");
        expect_test::expect![[r#"
            Err(
                "the cache of pods is at resource version 100, older than our last write 101",
            )
        "#]]
        .assert_debug_eq(&check(&mut guard, "100", "102"));
        assert!(check(&mut guard, "101", "99").is_err());
        assert_eq!(check(&mut guard, "101", "102"), Ok(()));
        assert_eq!(check(&mut guard, "1", "1"), Ok(()), "the record was dropped");
    }

    #[test]
    fn a_new_uid_starts_a_new_record() {
        let mut guard = StaleGuard::default();
        wrote(&mut guard, "old", "pods", "500");
        wrote(&mut guard, "new", "pods", "300");
        assert_eq!(check(&mut guard, "300", "0"), Ok(()));
    }

    #[test]
    fn forgetting_one_uid_keeps_the_record_of_its_namesake() {
        let mut guard = StaleGuard::default();
        wrote(&mut guard, "new", "pods", "300");
        guard.forget("shop/web", Some("old"));
        assert!(check(&mut guard, "299", "0").is_err());
        guard.forget("shop/web", Some("new"));
        assert_eq!(check(&mut guard, "299", "0"), Ok(()));
        wrote(&mut guard, "new", "pods", "300");
        guard.forget("shop/web", None);
        assert_eq!(check(&mut guard, "299", "0"), Ok(()));
    }

    #[test]
    fn versions_that_do_not_compare_hold_nothing_up() {
        let mut guard = StaleGuard::default();
        wrote(&mut guard, "u", "pods", "abc");
        assert_eq!(check(&mut guard, "1", "1"), Ok(()));
        wrote(&mut guard, "u", "pods", "5");
        assert_eq!(guard.check("shop/web", |_| None), Ok(()), "a cache that knows no version");
    }
}
