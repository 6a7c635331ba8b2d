use std::sync::Arc;

use crate::{
    claim::{Claim, claim},
    model::{Pod, ReplicaSet, Selector},
};

/// A ReplicaSet's pods, sorted by what is to happen with them.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Active pods that are the ReplicaSet's already.
    pub kept: Vec<Arc<Pod>>,
    /// Active orphans to adopt, with the reason; once adopted they count as kept.
    pub adopt: Vec<(Arc<Pod>, &'static str)>,
    /// Active pods to release, with the reason.
    pub release: Vec<(Arc<Pod>, &'static str)>,
    /// How many of its pods are being deleted.
    pub terminating: usize,
}

/// Sorts the candidates: the ReplicaSet's own pods and the namespace's orphans.
#[must_use]
pub fn sort_candidates(
    set: &ReplicaSet,
    selector: &Selector,
    candidates: impl IntoIterator<Item = Arc<Pod>>,
) -> Candidates {
    let mut sorted = Candidates::default();
    for pod in candidates {
        if pod.is_terminating() {
            let ours = pod.meta.is_controlled_by(&set.meta.uid) && selector.matches(&pod.meta.labels);
            sorted.terminating += usize::from(ours);
        } else if pod.is_active() {
            match claim(&set.meta, selector, &pod.meta) {
                Claim::Ignore => {}
                Claim::Keep => sorted.kept.push(pod),
                Claim::Adopt(reason) => sorted.adopt.push((pod, reason)),
                Claim::Release(reason) => sorted.release.push((pod, reason)),
            }
        }
    }
    sorted
}
