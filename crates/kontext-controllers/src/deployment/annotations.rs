use std::collections::BTreeSet;

use crate::model::{Annotations, ReplicaSet};

/// On a ReplicaSet and its Deployment: which revision of the template it is.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// On a ReplicaSet: revisions it was before, comma-separated.
pub const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// On a ReplicaSet: size of the Deployment when it was last scaled.
pub const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
/// On a ReplicaSet: that size plus surge.
pub const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
/// On a Deployment: roll back to this revision; 0 is the one before.
pub const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Which of a Deployment's annotations are copied to its new ReplicaSet: all but upstream's six and the keys that carry
/// context. A stamp explains the write it came with; copied down it would pass for the ReplicaSet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationRules {
    skipped: BTreeSet<String>,
}

impl Default for AnnotationRules {
    fn default() -> Self {
        Self::new(kontext::Keys::default().all())
    }
}

impl AnnotationRules {
    /// The rules where `keys` are the ones that carry context.
    #[must_use]
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let fixed = [LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, ROLLBACK_TO];
        Self { skipped: fixed.into_iter().chain(keys).map(str::to_owned).collect() }
    }

    /// Whether this annotation is copied.
    #[must_use]
    pub fn copies(&self, key: &str) -> bool {
        !self.skipped.contains(key)
    }

    /// The annotations of `from` that are copied and differ in `to`. Annotations that only `to` has stay.
    pub(super) fn missing(&self, from: &Annotations, to: &Annotations) -> Annotations {
        from.iter()
            .filter(|(key, value)| self.copies(key) && to.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// A rollback's annotations: those of the ReplicaSet, and of the Deployment only the ones that are never copied.
    pub(super) fn rolled_back(&self, deployment: &Annotations, target: &Annotations) -> Annotations {
        let kept = deployment.iter().filter(|(key, _)| !self.copies(key));
        let back = target.iter().filter(|(key, _)| self.copies(key));
        kept.chain(back).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// A number in an annotation, if it is one and not negative.
pub(super) fn number(set: &ReplicaSet, key: &str) -> Option<i32> {
    let text = set.annotations.get(key)?;
    text.parse().ok().filter(|number| *number >= 0 && !text.starts_with('+'))
}

/// The annotations that remember the wanted size, as they should be.
pub(super) fn sizes(desired: i32, surge: i32) -> Annotations {
    [(DESIRED_REPLICAS, desired), (MAX_REPLICAS, desired.saturating_add(surge))]
        .into_iter()
        .map(|(key, number)| (key.to_owned(), number.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn map(pairs: &[(&str, &str)]) -> Annotations {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn bookkeeping_and_trace_keys_are_never_copied() {
        let rules = AnnotationRules::new(kontext::Keys::with_prefix("trace.example.com/").all());
        for key in [
            "kubectl.kubernetes.io/last-applied-configuration",
            "deployment.kubernetes.io/revision",
            "deployment.kubernetes.io/revision-history",
            "deployment.kubernetes.io/desired-replicas",
            "deployment.kubernetes.io/max-replicas",
            "deprecated.deployment.rollback.to",
            "trace.example.com/traceparent",
            "trace.example.com/tracestate",
            "trace.example.com/baggage",
            "kontext.dev/cause",
        ] {
            assert!(!rules.copies(key), "{key}");
        }
        assert!(rules.copies("team") && rules.copies("tracing.k8s.io/traceparent"));
        assert!(!AnnotationRules::default().copies("tracing.k8s.io/traceparent"));
    }

    #[test]
    fn copying_sets_what_differs_and_a_rollback_brings_the_old_ones_back() {
        let rules = AnnotationRules::default();
        let deployment = map(&[("team", "a"), ("same", "1"), (REVISION, "9"), ("kontext.dev/cause", "{}")]);
        let set = map(&[("same", "1"), ("own", "x"), (REVISION, "2")]);
        assert_eq!(rules.missing(&deployment, &set), map(&[("team", "a")]));
        assert_eq!(
            rules.rolled_back(&deployment, &set),
            map(&[("same", "1"), ("own", "x"), (REVISION, "9"), ("kontext.dev/cause", "{}")])
        );
    }

    #[test]
    fn only_plain_numbers_that_are_not_negative_count() {
        let mut set = fixtures::replica_set("web", 1);
        for (text, expected) in
            [("5", Some(5)), ("0", Some(0)), ("-1", None), ("+1", None), ("x", None), ("2147483648", None)]
        {
            set.annotations = map(&[(DESIRED_REPLICAS, text)]);
            assert_eq!(number(&set, DESIRED_REPLICAS), expected, "{text:?}");
        }
        assert_eq!(number(&set, MAX_REPLICAS), None);
    }
}
