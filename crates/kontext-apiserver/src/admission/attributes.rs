//! What admission is told about a request.

use serde_json::{Value, json};

use crate::service::User;
use crate::service::route::Target;

/// What a request does, as rules and reviews name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

impl Operation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// Group, version and kind of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Kind {
    /// What the objects of a request's door are: the kind itself, or that of the subresource.
    pub(crate) fn of(target: &Target) -> Self {
        let resource = &target.resource;
        match resource.subresource(&target.subresource) {
            Some(door) => {
                Self { group: door.group.clone(), version: door.version.clone(), kind: door.kind.clone() }
            }
            None => Self {
                group: resource.group.clone(),
                version: resource.version.clone(),
                kind: resource.kind.clone(),
            },
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({"group": self.group, "version": self.version, "kind": self.kind})
    }
}

/// A request as webhooks hear of it.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'a> {
    pub(crate) operation: Operation,
    pub(crate) target: &'a Target,
    pub(crate) kind: Kind,
    /// Empty where the name is generated, and for each object of a deleted collection.
    pub(crate) name: String,
    /// For requests about a namespace its own name.
    pub(crate) namespace: String,
    pub(crate) user: &'a User,
    /// `CreateOptions`, `UpdateOptions` or `DeleteOptions`.
    pub(crate) options: Value,
    pub(crate) dry_run: bool,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(
        operation: Operation,
        target: &'a Target,
        name: &str,
        user: &'a User,
        options: Value,
        dry_run: bool,
    ) -> Self {
        let namespace = if target.is_namespace() && !name.is_empty() { name } else { &target.namespace };
        Self {
            operation,
            target,
            kind: Kind::of(target),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            user,
            options,
            dry_run,
        }
    }

    /// Configurations of admission are never subject to admission by webhooks.
    pub(super) fn is_exempt(&self) -> bool {
        self.kind.group == "admissionregistration.k8s.io"
            && matches!(
                self.kind.kind.as_str(),
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration"
            )
    }
}
