//! The Events the loops send: reasons and texts as upstream has them, since people and tools match on them.

/// An Event about the object whose loop sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Normal or warning.
    pub severity: Severity,
    /// One word in CamelCase.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// The type of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `Normal`.
    Normal,
    /// `Warning`.
    Warning,
}

impl Severity {
    /// As it stands in an Event's `type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

impl Event {
    pub(crate) fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Normal, reason, message: message.into() }
    }

    pub(crate) fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, reason, message: message.into() }
    }

    /// A pod was created.
    #[must_use]
    pub fn pod_created(name: &str) -> Self {
        Self::normal("SuccessfulCreate", format!("Created pod: {name}"))
    }

    /// A pod could not be created. Not sent when the namespace is being deleted.
    #[must_use]
    pub fn pod_not_created(error: &str) -> Self {
        Self::warning("FailedCreate", format!("Error creating: {error}"))
    }

    /// A pod was deleted.
    #[must_use]
    pub fn pod_deleted(name: &str) -> Self {
        Self::normal("SuccessfulDelete", format!("Deleted pod: {name}"))
    }

    /// A pod could not be deleted. Not sent when it was gone already.
    #[must_use]
    pub fn pod_not_deleted(error: &str) -> Self {
        Self::warning("FailedDelete", format!("Error deleting: {error}"))
    }

    /// A ReplicaSet got another size.
    #[must_use]
    pub fn scaled(name: &str, from: i32, to: i32) -> Self {
        let way = if to > from { "up" } else { "down" };
        Self::normal("ScalingReplicaSet", format!("Scaled {way} replica set {name} from {from} to {to}"))
    }
}
