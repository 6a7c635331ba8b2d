//! An apply that would change what others own: the text and the causes of the refusal.

use serde_json::Value;

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

/// Managers are sorted by their identity as it is written in JSON, where what is empty is left out: an entry of a
/// subresource comes before the one of the object itself.
fn sort_key(identity: &Identity) -> String {
    let operation = match identity.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    let mut key =
        format!("{{\"manager\":{},\"operation\":{operation:?}", Value::from(identity.manager.as_str()));
    for (name, value) in [("apiVersion", &identity.api_version), ("subresource", &identity.subresource)] {
        if !value.is_empty() {
            key.push_str(&format!(",{name:?}:{}", Value::from(value.as_str())));
        }
    }
    key.push('}');
    key
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

#[cfg(test)]
mod tests {
    use super::super::path::PathElement;
    use super::*;

    #[test]
    fn the_entry_of_a_subresource_is_told_first() {
        let mut fields = FieldSet::default();
        fields.insert(&[PathElement::field("spec"), PathElement::field("replicas")]);
        let of = |manager: &str, operation, subresource: &str| Identity {
            manager: manager.to_owned(),
            operation,
            api_version: if operation == Operation::Update { "apps/v1".to_owned() } else { String::new() },
            subresource: subresource.to_owned(),
        };
        let found = vec![
            (of("b", Operation::Apply, ""), fields.clone()),
            (of("b", Operation::Apply, "scale"), fields.clone()),
            (of("a", Operation::Update, "status"), fields),
        ];
        expect_test::expect![[r#"
            Apply failed with 3 conflicts: conflicts with "a" with subresource "status" using apps/v1:
            - .spec.replicas
            conflicts with "b" with subresource "scale":
            - .spec.replicas
            conflicts with "b":
            - .spec.replicas"#]]
        .assert_eq(&message(&conflicts(found)));
    }
}
