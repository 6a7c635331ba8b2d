use serde::Deserialize;
use thiserror::Error;

use super::{Interned, Labels, Text};

/// A label selector (`matchLabels` and `matchExpressions`, all of which must hold).
///
/// What a selector without requirements means depends on who asks: the API's rule is "everything", while the look-up
/// of owners for an orphan treats it as "nothing" ([`Selector::selects_orphan`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Box<[Requirement]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: Text,
    operator: Operator,
    values: Box<[Text]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// Why a selector cannot be used. The loop logs it and waits for the object to change.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// The object has no selector.
    #[error("spec.selector is missing")]
    Missing,
    /// `matchExpressions` names an operator that does not exist.
    #[error(
        "spec.selector.matchExpressions: key {key}: {operator:?} is not one of In, NotIn, Exists, DoesNotExist"
    )]
    Operator {
        /// Label key of the expression.
        key: Text,
        /// What it says.
        operator: Text,
    },
    /// `In` and `NotIn` need values, `Exists` and `DoesNotExist` must not have any.
    #[error("spec.selector.matchExpressions: key {key}: {operator} with {count} values")]
    Values {
        /// Label key of the expression.
        key: Text,
        /// The operator.
        operator: Text,
        /// How many values it has.
        count: usize,
    },
}

impl Selector {
    /// Whether these labels are selected. Without requirements: yes.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }

    /// Whether an object without owner belongs here: as [`Selector::matches`], but a selector without requirements
    /// selects nothing and an object without labels is never selected.
    #[must_use]
    pub fn selects_orphan(&self, labels: &Labels) -> bool {
        !self.is_empty() && !labels.is_empty() && self.matches(labels)
    }

    /// No requirement at all (`{}`).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Requirement {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.value(&self.key);
        let listed = || value.is_some_and(|value| self.values.iter().any(|one| &**one == value));
        match self.operator {
            Operator::In => listed(),
            Operator::NotIn => !listed(),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSelector {
    match_labels: Option<Labels>,
    match_expressions: Option<Vec<WireExpression>>,
}

#[derive(Deserialize)]
struct WireExpression {
    key: Interned,
    operator: Interned,
    values: Option<Vec<Interned>>,
}

pub(super) fn selector(wire: Option<WireSelector>) -> Result<Selector, SelectorError> {
    let wire = wire.ok_or(SelectorError::Missing)?;
    let mut requirements = Vec::new();
    for (key, value) in wire.match_labels.unwrap_or_default().iter() {
        let values = Box::new([super::intern(value)]);
        requirements.push(Requirement { key: super::intern(key), operator: Operator::In, values });
    }
    for expression in wire.match_expressions.unwrap_or_default() {
        requirements.push(requirement(expression)?);
    }
    Ok(Selector(requirements.into_boxed_slice()))
}

fn requirement(wire: WireExpression) -> Result<Requirement, SelectorError> {
    let (key, name) = (wire.key.0, wire.operator.0);
    let values: Box<[Text]> = wire.values.unwrap_or_default().into_iter().map(|value| value.0).collect();
    let operator = match &*name {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => return Err(SelectorError::Operator { key, operator: name }),
    };
    let needs_values = matches!(operator, Operator::In | Operator::NotIn);
    if needs_values == values.is_empty() {
        return Err(SelectorError::Values { key, operator: name, count: values.len() });
    }
    Ok(Requirement { key, operator, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Selector, SelectorError> {
        selector(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn all_requirements_must_hold() {
        let labels: Labels = [("app", "web"), ("tier", "front")].into_iter().collect();
        for (json, selected) in [
            (r#"{"matchLabels":{"app":"web"}}"#, true),
            (r#"{"matchLabels":{"app":"web","tier":"back"}}"#, false),
            (r#"{"matchExpressions":[{"key":"tier","operator":"In","values":["back","front"]}]}"#, true),
            (r#"{"matchExpressions":[{"key":"tier","operator":"NotIn","values":["front"]}]}"#, false),
            (r#"{"matchExpressions":[{"key":"gone","operator":"NotIn","values":["x"]}]}"#, true),
            (r#"{"matchExpressions":[{"key":"app","operator":"Exists"}]}"#, true),
            (r#"{"matchExpressions":[{"key":"app","operator":"DoesNotExist"}]}"#, false),
            (
                r#"{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"gone","operator":"Exists"}]}"#,
                false,
            ),
            ("{}", true),
        ] {
            assert_eq!(parse(json).unwrap().matches(&labels), selected, "{json}");
        }
    }

    #[test]
    fn an_empty_selector_or_an_unlabelled_orphan_finds_no_owner() {
        let labelled: Labels = [("app", "web")].into_iter().collect();
        assert!(!parse("{}").unwrap().selects_orphan(&labelled));
        let negative = parse(r#"{"matchExpressions":[{"key":"gone","operator":"DoesNotExist"}]}"#).unwrap();
        assert!(negative.selects_orphan(&labelled));
        assert!(!negative.selects_orphan(&Labels::default()));
    }

    #[test]
    fn a_broken_selector_says_what_is_wrong() {
        let error = |json: &str| parse(json).unwrap_err().to_string();
        assert_eq!(error("null"), "spec.selector is missing");
        assert_eq!(
            error(r#"{"matchExpressions":[{"key":"a","operator":"Near"}]}"#),
            "spec.selector.matchExpressions: key a: \"Near\" is not one of In, NotIn, Exists, DoesNotExist"
        );
        assert_eq!(
            error(r#"{"matchExpressions":[{"key":"a","operator":"In"}]}"#),
            "spec.selector.matchExpressions: key a: In with 0 values"
        );
    }
}
