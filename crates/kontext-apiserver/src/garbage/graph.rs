//! Who owns whom, and what follows from it. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::kinds::TableId;

/// Which object: uids are unique over all kinds and times.
pub(super) type Key = String;

/// The finalizer of an owner whose dependents go first.
const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an owner whose dependents shall stay.
const ORPHAN: &str = "orphan";

/// How an object names its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: Key,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) controller: bool,
    pub(super) blocks: bool,
}

/// One object, as far as collecting is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) uid: Key,
    pub(super) table: TableId,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) owners: Vec<Owner>,
    pub(super) finalizers: Vec<String>,
    pub(super) deleting: bool,
    /// A namespace has no owner and holds everything in it.
    pub(super) is_namespace: bool,
}

impl Node {
    fn waits_for_dependents(&self) -> bool {
        self.deleting && self.finalizers.iter().any(|f| f == FOREGROUND)
    }

    fn orphans_dependents(&self) -> bool {
        self.deleting && self.finalizers.iter().any(|f| f == ORPHAN)
    }

    /// How its own dependents shall go when it is deleted: as was asked for before, or in the background.
    fn policy(&self) -> Policy {
        if self.finalizers.iter().any(|f| f == ORPHAN) {
            Policy::Orphan
        } else if self.finalizers.iter().any(|f| f == FOREGROUND) {
            Policy::Foreground
        } else {
            Policy::Background
        }
    }
}

/// The `propagationPolicy` of a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Background,
    Foreground,
    Orphan,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Delete {
        node: Node,
        policy: Policy,
    },
    /// These owners are no longer named.
    DropOwners {
        node: Node,
        uids: Vec<Key>,
    },
    /// The owner does not block the deletion of this owner any more, so that a circle ends.
    Unblock {
        node: Node,
    },
    DropFinalizer {
        node: Node,
        finalizer: &'static str,
    },
    EndNamespace {
        node: Node,
    },
}

/// All objects and their ties.
#[derive(Default)]
pub(super) struct Graph {
    nodes: BTreeMap<Key, Node>,
    dependents: HashMap<Key, BTreeSet<Key>>,
}

impl Graph {
    pub(super) fn node(&self, key: &Key) -> Option<&Node> {
        self.nodes.get(key)
    }

    /// Takes in an object as it is now; returns what must be looked at.
    pub(super) fn apply(&mut self, node: Node) -> Vec<Key> {
        let key = node.uid.clone();
        let before = self.nodes.insert(key.clone(), node.clone());
        if before.as_ref() == Some(&node) {
            return Vec::new();
        }
        let mut touched = vec![key.clone()];
        for owner in before.iter().flat_map(|b| &b.owners) {
            if !node.owners.iter().any(|o| o.uid == owner.uid) {
                self.untie(&owner.uid, &key);
                touched.push(owner.uid.clone());
            }
        }
        for owner in &node.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(key.clone());
            touched.push(owner.uid.clone());
        }
        if node.deleting && (node.waits_for_dependents() || node.orphans_dependents()) {
            touched.extend(self.dependents_of(&key).map(|d| d.uid.clone()));
        }
        touched
    }

    /// Forgets an object that is gone; returns what must be looked at.
    pub(super) fn remove(&mut self, key: &Key) -> Vec<Key> {
        let mut touched: Vec<Key> = self.dependents.get(key).into_iter().flatten().cloned().collect();
        if let Some(gone) = self.nodes.remove(key) {
            for owner in gone.owners {
                self.untie(&owner.uid, key);
                touched.push(owner.uid);
            }
        }
        touched
    }

    /// Forgets the objects of a resource that are in no list of it any more.
    pub(super) fn remove_all_but(&mut self, table: TableId, listed: &[Node]) -> Vec<Key> {
        let there: BTreeSet<&Key> = listed.iter().map(|node| &node.uid).collect();
        let gone: Vec<Key> = self
            .nodes
            .values()
            .filter(|node| node.table == table && !there.contains(&node.uid))
            .map(|node| node.uid.clone())
            .collect();
        gone.iter().flat_map(|key| self.remove(key)).collect()
    }

    fn untie(&mut self, owner: &Key, dependent: &Key) {
        if let Some(dependents) = self.dependents.get_mut(owner) {
            dependents.remove(dependent);
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }

    fn dependents_of(&self, key: &Key) -> impl Iterator<Item = &Node> {
        self.dependents.get(key).into_iter().flatten().filter_map(|uid| self.nodes.get(uid))
    }

    /// What an object calls for. `absent` are the owners that do not exist.
    pub(super) fn decide(&self, key: &Key, absent: &BTreeSet<Key>) -> Vec<Action> {
        let Some(node) = self.nodes.get(key) else { return Vec::new() };
        if node.is_namespace && node.deleting {
            return vec![Action::EndNamespace { node: node.clone() }];
        }
        if node.orphans_dependents() {
            return self.orphan(node);
        }
        if node.waits_for_dependents() {
            let blocked = self.dependents_of(key).any(|d| d.owners.iter().any(|o| o.uid == *key && o.blocks));
            return if blocked { Vec::new() } else { vec![drop_finalizer(node, FOREGROUND)] };
        }
        if node.deleting || node.owners.is_empty() {
            return Vec::new();
        }
        self.for_owners(node, absent)
    }

    fn orphan(&self, node: &Node) -> Vec<Action> {
        let ties: Vec<Action> = self
            .dependents_of(&node.uid)
            .map(|d| Action::DropOwners { node: d.clone(), uids: vec![node.uid.clone()] })
            .collect();
        // The finalizer goes when nobody is tied any more.
        if ties.is_empty() { vec![drop_finalizer(node, ORPHAN)] } else { ties }
    }

    fn for_owners(&self, node: &Node, absent: &BTreeSet<Key>) -> Vec<Action> {
        let waiting = |owner: &&Owner| self.nodes.get(&owner.uid).is_some_and(Node::waits_for_dependents);
        let (gone, there): (Vec<&Owner>, Vec<&Owner>) =
            node.owners.iter().partition(|o| absent.contains(&o.uid));
        let (waiting, solid): (Vec<&Owner>, Vec<&Owner>) = there.into_iter().partition(waiting);
        if !solid.is_empty() {
            let uids: Vec<Key> = gone.iter().chain(&waiting).map(|o| o.uid.clone()).collect();
            return if uids.is_empty() {
                Vec::new()
            } else {
                vec![Action::DropOwners { node: node.clone(), uids }]
            };
        }
        if !waiting.is_empty() && self.dependents_of(&node.uid).next().is_some() {
            let circle = self.dependents_of(&node.uid).any(Node::waits_for_dependents);
            let mut actions = Vec::new();
            if circle {
                actions.push(Action::Unblock { node: node.clone() });
            }
            actions.push(Action::Delete { node: node.clone(), policy: Policy::Foreground });
            return actions;
        }
        vec![Action::Delete { node: node.clone(), policy: node.policy() }]
    }
}

fn drop_finalizer(node: &Node, finalizer: &'static str) -> Action {
    Action::DropFinalizer { node: node.clone(), finalizer }
}

#[cfg(test)]
mod tests;
