//! Which pods go first when there are too many.
//!
//! The rules are upstream's (Kubernetes 1.36, `ActivePodsWithRanks` with LogarithmicScaleDown and PodDeletionCost); the
//! first one that tells two pods apart decides. One thing differs: where two ready pods have been ready for about the same
//! time (same power of two) but not since the same instant, upstream goes to the UID at once, while it looks at restarts
//! and age if the instants are equal. That makes its order circular for some triples. Here restarts, age and then the
//! UID decide in both cases, so that the order is total.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use jiff::Timestamp;

use crate::model::{Phase, Pod, Text};

/// Why one pod goes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// It is on no node yet.
    Unassigned,
    /// Pending before unknown before running.
    Phase,
    /// It is not ready.
    NotReady,
    /// Its deletion cost is lower.
    DeletionCost,
    /// Its node has more related pods.
    CrowdedNode,
    /// It has been ready for a shorter time.
    ReadyTime,
    /// Its containers restarted more often.
    Restarts,
    /// It is younger.
    Age,
    /// Nothing but the UID tells them apart.
    Uid,
}

impl Rule {
    /// In words, for a reason.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unassigned => "not yet on a node first",
            Self::Phase => "not yet running first",
            Self::NotReady => "not ready first",
            Self::DeletionCost => "lowest deletion cost first",
            Self::CrowdedNode => "from the node with most of its pods first",
            Self::ReadyTime => "ready for the shortest time first",
            Self::Restarts => "most restarts first",
            Self::Age => "youngest first",
            Self::Uid => "alike, chosen by uid",
        }
    }
}

/// A pod's place in the order; smaller goes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    assigned: bool,
    phase: Phase,
    ready: bool,
    cost: i32,
    neighbours: Reverse<usize>,
    ready_for: Option<i8>,
    restarts: Reverse<(i32, i32)>,
    age: Option<i8>,
    uid: &'a str,
}

impl<'a> Rank<'a> {
    fn of(pod: &'a Pod, neighbours: &Neighbours, now: Timestamp) -> Self {
        let phase = match pod.phase {
            known @ (Phase::Pending | Phase::Unknown | Phase::Running) => known,
            Phase::Succeeded | Phase::Failed => Phase::Pending,
        };
        Self {
            assigned: pod.node.is_some(),
            phase,
            ready: pod.ready,
            cost: pod.deletion_cost,
            neighbours: Reverse(neighbours.on(pod.node.as_deref())),
            ready_for: if pod.ready { pod.ready_changed.map(|since| power_of_two(since, now)) } else { None },
            restarts: Reverse((pod.restarts, pod.sidecar_restarts)),
            age: pod.meta.created.map(|created| power_of_two(created, now)),
            uid: &pod.meta.uid,
        }
    }

    fn deciding(&self, other: &Self) -> Rule {
        let rules = [
            (self.assigned != other.assigned, Rule::Unassigned),
            (self.phase != other.phase, Rule::Phase),
            (self.ready != other.ready, Rule::NotReady),
            (self.cost != other.cost, Rule::DeletionCost),
            (self.neighbours != other.neighbours, Rule::CrowdedNode),
            (self.ready_for != other.ready_for, Rule::ReadyTime),
            (self.restarts != other.restarts, Rule::Restarts),
            (self.age != other.age, Rule::Age),
        ];
        rules.into_iter().find_map(|(differs, rule)| differs.then_some(rule)).unwrap_or(Rule::Uid)
    }
}

/// Binary logarithm of a time span in nanoseconds, rounded down; −1 for none. Makes pods of a similar age equal, so
/// that victims spread over them.
fn power_of_two(since: Timestamp, now: Timestamp) -> i8 {
    let nanoseconds = now.duration_since(since).as_nanos();
    match u128::try_from(nanoseconds) {
        Ok(span @ 1..) => i8::try_from(span.ilog2()).expect("invariant: at most 127"),
        _ => -1,
    }
}

/// How many related pods run on each node. Related are the active pods of all ReplicaSets with the same controller:
/// a Deployment's old and new pods should spread over nodes together.
#[derive(Clone, Debug, Default)]
pub struct Neighbours(HashMap<Text, usize>);

impl Neighbours {
    /// Counts the active ones among the related pods. The caller passes each pod once.
    #[must_use]
    pub fn count<'a>(related: impl IntoIterator<Item = &'a Pod>) -> Self {
        let mut counts = HashMap::new();
        for node in related.into_iter().filter(|pod| pod.is_active()).filter_map(|pod| pod.node.as_ref()) {
            *counts.entry(Text::clone(node)).or_default() += 1;
        }
        Self(counts)
    }

    fn on(&self, node: Option<&str>) -> usize {
        // Unbound pods differ by the first rule already; among themselves their number says nothing.
        node.and_then(|node| self.0.get(node)).copied().unwrap_or(0)
    }
}

/// A pod picked for deletion, and what told it apart from the first pod that stays (`None`: all go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// The pod.
    pub pod: Arc<Pod>,
    /// The rule that decided.
    pub rule: Option<Rule>,
}

/// Picks `count` pods to delete, first victim first. As upstream, all pods in the given order if none stays.
#[must_use]
pub fn victims(pods: &[Arc<Pod>], count: usize, neighbours: &Neighbours, now: Timestamp) -> Vec<Victim> {
    if count >= pods.len() {
        return pods.iter().map(|pod| Victim { pod: Arc::clone(pod), rule: None }).collect();
    }
    let mut ranked: Vec<_> = pods.iter().map(|pod| (Rank::of(pod, neighbours, now), pod)).collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0));
    let first_to_stay = &ranked[count].0;
    (ranked[..count].iter())
        .map(|(rank, pod)| Victim { pod: Arc::clone(pod), rule: Some(rank.deciding(first_to_stay)) })
        .collect()
}

#[cfg(test)]
mod tests;
