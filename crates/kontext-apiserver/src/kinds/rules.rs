//! How writes of each kind behave: restated from the registry strategies of Kubernetes 1.36.

/// What bumps `metadata.generation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The kind has no generation.
    None,
    /// Set to 1 at creation and never moved by an update.
    Fixed,
    /// Moves with the spec.
    Spec,
    /// There is none until the spec changes; from then on it moves with the spec (CSIDriver).
    ChangedSpec,
    /// Moves with the spec and with annotations (Deployment).
    SpecAndAnnotations,
    /// Moves with the field `template` (PodTemplate).
    Template,
    /// Moves with the field `webhooks` (webhook configurations).
    Webhooks,
    /// Moves with anything outside metadata (custom resources).
    Content,
    /// Moves with anything outside metadata, and with labels (EndpointSlice).
    ContentAndLabels,
}

/// What a write to `/status` may change in the metadata besides annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusMetadata {
    /// Everything an ordinary update may change.
    Kept,
    /// Labels are put back to what is stored (Deployment).
    LabelsReset,
    /// Owner references are put back to what is stored (Pod).
    OwnersReset,
    /// All metadata is put back to what is stored (custom resources).
    Reset,
}

/// What a delete without a propagation policy does with dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// The garbage collector deletes them.
    Background,
    /// They are orphaned (Job and ReplicationController, for compatibility with old clients).
    Orphan,
    /// The kind takes no part in garbage collection (Event).
    Unsupported,
}

/// Which names are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// Lower case letters, digits, `-` and `.`, at most 253 characters.
    Subdomain,
    /// Lower case letters, digits and `-`, at most 63 characters.
    Label,
    /// Anything that fits one segment of a path (RBAC).
    PathSegment,
}

/// How writes of a kind behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) generation: Generation,
    /// Main writes leave the status alone, and `/status` leaves the rest alone.
    pub(crate) status_split: bool,
    pub(crate) status_metadata: StatusMetadata,
    /// An update without a resourceVersion overwrites whatever is there.
    pub(crate) unconditional_update: bool,
    /// A PUT to a name that does not exist creates it.
    pub(crate) create_on_update: bool,
    /// A delete answers with the object, not with a Status.
    pub(crate) returns_deleted: bool,
    pub(crate) propagation: Propagation,
    /// Deletion goes through a grace period (Pod).
    pub(crate) graceful: bool,
    pub(crate) names: NameRule,
    /// What every client of the kind is told.
    pub(crate) deprecation: Option<&'static str>,
}

impl Rules {
    /// The rules of custom resources, with the status as a subresource or without.
    pub(crate) fn custom(status: bool) -> Self {
        Self {
            generation: Generation::Content,
            status_split: status,
            status_metadata: StatusMetadata::Reset,
            unconditional_update: false,
            ..Self::of("", "")
        }
    }

    /// The rules of the kind stored under this group and plural name.
    pub(crate) fn of(group: &str, plural: &str) -> Self {
        let mut rules = Self {
            generation: Generation::None,
            status_split: false,
            status_metadata: StatusMetadata::Kept,
            unconditional_update: true,
            create_on_update: false,
            returns_deleted: false,
            propagation: Propagation::Background,
            graceful: false,
            names: NameRule::Subdomain,
            deprecation: None,
        };
        match (group, plural) {
            ("", "pods") => {
                rules.generation = Generation::Spec;
                rules.status_split = true;
                rules.status_metadata = StatusMetadata::OwnersReset;
                rules.returns_deleted = true;
                rules.graceful = true;
            }
            ("", "services") => {
                rules.status_split = true;
                rules.create_on_update = true;
                rules.returns_deleted = true;
                rules.names = NameRule::Label;
            }
            ("", "namespaces") => {
                rules.status_split = true;
                rules.returns_deleted = true;
                rules.names = NameRule::Label;
            }
            ("", "nodes") => rules.status_split = true,
            ("", "persistentvolumes" | "persistentvolumeclaims" | "resourcequotas") => {
                rules.status_split = true;
                rules.returns_deleted = true;
            }
            ("", "replicationcontrollers") => {
                rules.generation = Generation::Spec;
                rules.status_split = true;
                rules.propagation = Propagation::Orphan;
            }
            ("", "podtemplates") => {
                rules.generation = Generation::Template;
                rules.returns_deleted = true;
            }
            ("", "serviceaccounts") => rules.returns_deleted = true,
            ("", "events") => {
                rules.create_on_update = true;
                rules.propagation = Propagation::Unsupported;
            }
            ("", "limitranges") => rules.create_on_update = true,
            ("", "endpoints") => {
                rules.create_on_update = true;
                rules.deprecation =
                    Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
            }
            ("apps", "deployments") => {
                rules.generation = Generation::SpecAndAnnotations;
                rules.status_split = true;
                rules.status_metadata = StatusMetadata::LabelsReset;
            }
            ("apps", "replicasets" | "statefulsets" | "daemonsets") | ("batch", "cronjobs") => {
                rules.generation = Generation::Spec;
                rules.status_split = true;
            }
            ("batch", "jobs") => {
                rules.generation = Generation::Spec;
                rules.status_split = true;
                rules.propagation = Propagation::Orphan;
            }
            ("policy", "poddisruptionbudgets") => {
                rules.generation = Generation::Spec;
                rules.status_split = true;
                rules.unconditional_update = false;
            }
            ("autoscaling", "horizontalpodautoscalers") => rules.status_split = true,
            ("networking.k8s.io", "ingresses") => {
                rules.generation = Generation::Spec;
                rules.status_split = true;
            }
            ("networking.k8s.io", "networkpolicies" | "ingressclasses") => {
                rules.generation = Generation::Spec;
            }
            ("admissionregistration.k8s.io", _) => {
                rules.generation = Generation::Webhooks;
                rules.unconditional_update = false;
            }
            ("discovery.k8s.io", "endpointslices") => rules.generation = Generation::ContentAndLabels,
            ("scheduling.k8s.io", "priorityclasses") => rules.generation = Generation::Fixed,
            ("apiextensions.k8s.io", _) => {
                rules.generation = Generation::Spec;
                rules.status_split = true;
                rules.unconditional_update = false;
            }
            ("storage.k8s.io", "storageclasses" | "volumeattributesclasses") => rules.returns_deleted = true,
            ("storage.k8s.io", "csidrivers") => {
                rules.generation = Generation::ChangedSpec;
                rules.returns_deleted = true;
                rules.unconditional_update = false;
            }
            ("storage.k8s.io", "csinodes") => {
                rules.returns_deleted = true;
                rules.unconditional_update = false;
            }
            ("storage.k8s.io", "csistoragecapacities") => rules.unconditional_update = false,
            ("storage.k8s.io", "volumeattachments") => {
                rules.status_split = true;
                rules.status_metadata = StatusMetadata::Reset;
                rules.returns_deleted = true;
                rules.unconditional_update = false;
            }
            ("node.k8s.io", "runtimeclasses") => {
                rules.unconditional_update = false;
                rules.create_on_update = true;
            }
            ("coordination.k8s.io", "leases") => {
                rules.unconditional_update = false;
                rules.create_on_update = true;
            }
            ("rbac.authorization.k8s.io", _) => {
                rules.create_on_update = true;
                rules.names = NameRule::PathSegment;
            }
            _ => {}
        }
        rules
    }
}
