//! The path of a field inside an object.

use std::fmt;

use crate::text::harmless;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A field of an object: `.replicas`.
    Field(Box<str>),
    /// An entry of a list, by the value of its key field: `[app]`; the key field is kept to find it in managedFields.
    Item {
        /// The field that tells the entries apart: `name`, `type`, `uid`.
        key: Box<str>,
        /// Its value.
        value: Box<str>,
    },
    /// An entry of a list without a key field, by position: `[2]`.
    Index(usize),
}

/// The path of a field: `spec.template.spec.containers[app].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// A path of plain field names: `FieldPath::of(["spec", "replicas"])`.
    pub fn of<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        Self(fields.into_iter().map(|field| Segment::Field(field.into())).collect())
    }

    /// This path and one step more.
    #[must_use]
    pub fn then(&self, segment: Segment) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment);
        Self(segments)
    }

    /// This path and one field more.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.then(Segment::Field(name.into()))
    }

    /// The steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    fn starts_with(&self, name: &str) -> bool {
        matches!(self.0.first(), Some(Segment::Field(first)) if &**first == name)
    }

    /// Under `status`.
    pub fn is_status(&self) -> bool {
        self.starts_with("status")
    }

    /// Under `metadata`.
    pub fn is_metadata(&self) -> bool {
        self.starts_with("metadata")
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                // A key with dots or slashes, as annotations have, reads better in brackets.
                Segment::Field(name) if name.contains(['.', '/']) => write!(f, "[{}]", harmless(name))?,
                Segment::Field(name) if index == 0 => write!(f, "{}", harmless(name))?,
                Segment::Field(name) => write!(f, ".{}", harmless(name))?,
                Segment::Item { value, .. } => write!(f, "[{}]", harmless(value))?,
                Segment::Index(at) => write!(f, "[{at}]")?,
            }
        }
        Ok(())
    }
}
