//! An apply that would change what others own: the text and the causes of the refusal.

use super::entries::{Identity, Operation};
use super::path;
use super::set::FieldSet;

/// One field with one of its owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The owner as messages name it.
    pub(crate) manager: String,
    /// The path as messages write it.
    pub(crate) field: String,
}

/// The conflicts in the order of the message: by manager, then by path.
pub(super) fn conflicts(mut found: Vec<(Identity, FieldSet)>) -> Vec<Conflict> {
    found.sort_by_key(|(identity, _)| sort_key(identity));
    found
        .iter()
        .flat_map(|(identity, fields)| {
            let manager = shown(identity);
            fields
                .paths()
                .into_iter()
                .map(move |field| Conflict { manager: manager.clone(), field: path::display(&field) })
        })
        .collect()
}

/// The message of a refused apply.
pub(crate) fn message(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", one.manager, one.field);
    }
    let mut lines = Vec::with_capacity(conflicts.len());
    let mut last = None;
    for conflict in conflicts {
        if last != Some(&conflict.manager) {
            lines.push(format!("conflicts with {}:", conflict.manager));
            last = Some(&conflict.manager);
        }
        lines.push(format!("- {}", conflict.field));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// Managers are sorted by their written identity.
fn sort_key(identity: &Identity) -> (String, Operation, String, String) {
    (
        format!("{:?}", identity.manager),
        identity.operation,
        identity.api_version.clone(),
        identity.subresource.clone(),
    )
}

fn shown(identity: &Identity) -> String {
    let mut text = format!("{:?}", identity.manager);
    if !identity.subresource.is_empty() {
        text.push_str(&format!(" with subresource {:?}", identity.subresource));
    }
    if identity.operation == Operation::Update {
        text.push_str(&format!(" using {}", identity.api_version));
    }
    text
}
