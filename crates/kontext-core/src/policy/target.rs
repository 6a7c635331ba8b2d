//! What is written, as far as a request tells, and whether it may bear a stamp.

use super::Policy;
use crate::stamp::Name;

/// The verb of a write that has a body of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// POST to the collection.
    Create,
    /// PUT.
    Update,
    /// PATCH of any type.
    Patch,
}

/// What raises `metadata.generation` of a kind (tried on kube-apiserver 1.36).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationRule {
    /// The kind has no generation.
    None,
    /// Changes of the spec only.
    Spec,
    /// Changes of the spec and of annotations.
    SpecAndAnnotations,
    /// Changes of the spec and of labels.
    SpecAndLabels,
}

impl GenerationRule {
    /// The rule of a kind; custom resources count changes outside metadata.
    pub fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("apps", "Deployment") => Self::SpecAndAnnotations,
            ("discovery.k8s.io", "EndpointSlice") => Self::SpecAndLabels,
            (
                "",
                "Service"
                | "ConfigMap"
                | "Secret"
                | "Namespace"
                | "Node"
                | "PersistentVolumeClaim"
                | "PersistentVolume"
                | "Event"
                | "ServiceAccount"
                | "Endpoints"
                | "LimitRange"
                | "ResourceQuota"
                | "PodTemplate",
            )
            | ("coordination.k8s.io", "Lease")
            | ("autoscaling", "HorizontalPodAutoscaler")
            | ("rbac.authorization.k8s.io", _)
            | ("events.k8s.io", "Event")
            | ("apps", "ControllerRevision") => Self::None,
            _ => Self::Spec,
        }
    }
}

/// One write, as far as its request tells.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// API group; empty for core.
    pub group: &'a str,
    /// Kind, from the body.
    pub kind: &'a str,
    /// `status`, `scale`, `binding`, …
    pub subresource: Option<&'a str>,
    /// `None` for cluster-scoped objects.
    pub namespace: Option<&'a str>,
    /// Whole name, or the front of it.
    pub name: Name,
    /// Uid where known.
    pub uid: Option<&'a str>,
    /// The verb.
    pub write: WriteKind,
    /// Whether the server is asked not to store it.
    pub dry_run: bool,
    /// The field manager that the server will record.
    pub manager: Option<&'a str>,
}

/// Why a write goes without a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unstamped {
    /// Propagation or stamping is switched off.
    Off,
    /// No action was bound to the request.
    NoAction,
    /// A subresource: status is not intent.
    Subresource,
    /// The server will not store it.
    DryRun,
    /// The kind never bears stamps, or the policy excludes it or its namespace.
    Excluded,
    /// The content stays as it is, so the live stamp stays too.
    Unchanged,
    /// The chain has too many hops; it may be a loop.
    TooManyHops,
    /// The stamp, or the annotations together with it, would be too long.
    TooLarge,
    /// The body is not understood.
    Body,
    /// What the write changes is not known: the object could not be read, or may be another by now.
    Unknown,
}

impl Unstamped {
    /// The word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NoAction => "no_action",
            Self::Subresource => "subresource",
            Self::DryRun => "dry_run",
            Self::Excluded => "excluded",
            Self::Unchanged => "unchanged",
            Self::TooManyHops => "too_many_hops",
            Self::TooLarge => "too_large",
            Self::Body => "body",
            Self::Unknown => "unknown",
        }
    }
}

impl Policy {
    /// Whether this write may bear a stamp at all; what it changes is decided afterwards.
    ///
    /// # Errors
    ///
    /// The reason why it may not.
    pub fn may_stamp(&self, target: &Target<'_>) -> Result<(), Unstamped> {
        if !self.is_on() || !self.stamps {
            return Err(Unstamped::Off);
        }
        if target.subresource.is_some() {
            return Err(Unstamped::Subresource);
        }
        if target.dry_run {
            return Err(Unstamped::DryRun);
        }
        // Leases change every few seconds and mean nothing; a review is a question, not an object.
        let never =
            matches!(target.group, "coordination.k8s.io" | "authentication.k8s.io" | "authorization.k8s.io");
        // Events repeat: only the first occurrence, the create, explains anything.
        let repeated = target.kind == "Event" && target.write != WriteKind::Create;
        let excluded = self.excluded_kinds.contains(target.kind)
            || target.namespace.is_some_and(|namespace| self.excluded_namespaces.contains(namespace));
        if never || repeated || excluded { Err(Unstamped::Excluded) } else { Ok(()) }
    }
}
