//! Pod templates: comparing them, naming them, making pods from them.
//!
//! A Deployment recognises its new ReplicaSet by an equal template, so equality is the real contract; the hash only
//! makes a name. Templates are compared as JSON trees rather than as typed structs: a field that this version does not
//! know counts as content, where a typed struct would drop it and take two different templates for equal.

mod canonical;
mod hash;
mod pod;
mod quantity;

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

pub use hash::pod_template_hash;
pub use pod::{PodTemplateError, generate_name, owner_reference, pod_from_template};

use crate::model::{Labels, Text, intern};

/// Label that sets the pods of one template apart from those of another; not part of the template's content.
pub const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// A pod template in canonical form. Equal templates share one text, so comparing is cheap and many ReplicaSets with
/// the same template cost little.
#[derive(Clone, PartialEq, Eq)]
pub struct Template(Text);

impl Template {
    /// The canonical form of a template's JSON tree.
    #[must_use]
    pub fn new(template: &Value) -> Self {
        Self(intern(&canonical::canonical(template)))
    }

    /// The canonical text: equal exactly if the templates are equal.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.0
    }

    pub(crate) fn parse(raw: Option<&RawValue>) -> serde_json::Result<(Self, Labels)> {
        let Some(raw) = raw else { return Ok((Self::new(&Value::Null), Labels::default())) };
        let labels = serde_json::from_str::<WithLabels>(raw.get())?;
        let labels = labels.metadata.and_then(|metadata| metadata.labels).unwrap_or_default();
        Ok((Self::new(&serde_json::from_str(raw.get())?), labels))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({})", pod_template_hash(self, None))
    }
}

#[derive(Deserialize)]
struct WithLabels {
    metadata: Option<OnlyLabels>,
}

#[derive(Deserialize)]
struct OnlyLabels {
    labels: Option<Labels>,
}
