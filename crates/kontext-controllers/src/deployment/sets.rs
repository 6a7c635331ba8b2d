use std::sync::Arc;

use crate::model::{Deployment, ReplicaSet};

/// A Deployment's ReplicaSets: the new one and all others.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    pub(super) new: Option<Arc<ReplicaSet>>,
    pub(super) old: Vec<Arc<ReplicaSet>>,
}

/// Whether a ReplicaSet has the Deployment's template. Names and hashes are not compared: a ReplicaSet made by another
/// version or another controller is found too.
#[must_use]
pub fn is_new(deployment: &Deployment, set: &ReplicaSet) -> bool {
    deployment.template == set.template
}

impl Sets {
    /// The new one is the oldest with the Deployment's template; the choice must not change while the cache fills.
    pub(super) fn classify(deployment: &Deployment, sets: &[Arc<ReplicaSet>]) -> Self {
        let new = sets.iter().filter(|set| is_new(deployment, set)).min_by(|a, b| by_age(a, b)).cloned();
        let old = sets
            .iter()
            .filter(|set| new.as_ref().is_none_or(|new| new.meta.uid != set.meta.uid))
            .cloned()
            .collect();
        Self { new, old }
    }

    /// Old ones, then the new one.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<ReplicaSet>> {
        self.old.iter().chain(&self.new)
    }

    /// Pods wanted by all of them.
    pub(super) fn total(&self) -> i32 {
        self.all().map(|set| set.replicas).sum()
    }

    /// Old ones that want pods, oldest first.
    pub(super) fn active_old(&self) -> Vec<Arc<ReplicaSet>> {
        let mut active: Vec<_> = self.old.iter().filter(|set| set.is_active()).cloned().collect();
        active.sort_by(|a, b| by_age(a, b));
        active
    }

    /// The ReplicaSet to scale when nothing rolls: the only active one, or with none active the new one, or without one
    /// the youngest old one. `None` while several are active.
    pub(super) fn active_or_latest(&self) -> Option<&Arc<ReplicaSet>> {
        let mut active = self.all().filter(|set| set.is_active());
        match (active.next(), active.next()) {
            (Some(only), None) => Some(only),
            (Some(_), Some(_)) => None,
            (None, _) => self.new.as_ref().or_else(|| self.old.iter().max_by(|a, b| by_age(a, b))),
        }
    }
}

/// Oldest first, then by name. An object without creation time counts as the oldest.
pub(super) fn by_age(a: &ReplicaSet, b: &ReplicaSet) -> std::cmp::Ordering {
    (a.meta.created, &a.meta.name).cmp(&(b.meta.created, &b.meta.name))
}
