use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    expectations::Verdict,
    model::{Pod, ReplicaSet},
    ranking::{Neighbours, Rule, victims},
};

/// Most pods created or deleted in one sync.
pub const BURST: usize = 500;

/// What the loop saw.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The ReplicaSet.
    pub replica_set: &'a ReplicaSet,
    /// Its active pods, adopted ones among them.
    pub active: &'a [Arc<Pod>],
    /// What the expectations said *before* the pods were read.
    pub expectations: Verdict,
    /// Related pods by node; only looked at when pods are deleted.
    pub neighbours: &'a Neighbours,
    /// The one moment this sync computes with.
    pub now: Timestamp,
}

/// What the loop does about it: create, or delete, or neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Pods to create.
    pub creates: usize,
    /// Why, for each create.
    pub create_reason: String,
    /// Pods to delete, all at once.
    pub deletes: Vec<Delete>,
    /// Why nothing was looked at, if so: "waiting for 2 creations".
    pub skipped: Option<String>,
}

/// A pod to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The pod.
    pub pod: Arc<Pod>,
    /// Why it goes: "2 more than 3 wanted; not ready first".
    pub reason: String,
}

/// The ReplicaSet loop's decision (`manageReplicas`): too few pods are created, too many deleted, at most [`BURST`].
#[must_use]
pub fn decide(observed: &Observed<'_>) -> Decision {
    let skip = |why: String| Decision { skipped: Some(why), ..Decision::default() };
    match observed.expectations {
        Verdict::Satisfied => {}
        Verdict::Waiting { creations, deletions } => {
            return skip(match (creations.max(0), deletions.max(0)) {
                (creations, 0) => format!("waiting to see {creations} creations"),
                (0, deletions) => format!("waiting to see {deletions} deletions"),
                (creations, deletions) => {
                    format!("waiting to see {creations} creations and {deletions} deletions")
                }
            });
        }
        Verdict::Uncertain { creates } => return skip(format!("{creates} creates of unknown outcome")),
    }
    if observed.replica_set.meta.is_deleting() {
        return skip("it is being deleted".to_owned());
    }
    let wanted = usize::try_from(observed.replica_set.replicas).unwrap_or(0);
    let have = observed.active.len();
    if have < wanted {
        let missing = wanted - have;
        return Decision {
            creates: missing.min(BURST),
            create_reason: format!("{missing} of {wanted} replicas missing"),
            ..Decision::default()
        };
    }
    let excess = have - wanted;
    let picked = victims(observed.active, excess.min(BURST), observed.neighbours, observed.now);
    let deletes = picked
        .into_iter()
        .map(|victim| Delete { reason: delete_reason(excess, wanted, victim.rule), pod: victim.pod })
        .collect();
    Decision { deletes, ..Decision::default() }
}

fn delete_reason(excess: usize, wanted: usize, rule: Option<Rule>) -> String {
    match rule {
        Some(rule) => format!("{excess} more than {wanted} wanted; {}", rule.as_str()),
        None => format!("{excess} more than {wanted} wanted; all go"),
    }
}

impl Decision {
    /// Nothing to create or delete.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.creates == 0 && self.deletes.is_empty()
    }
}
