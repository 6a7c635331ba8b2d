//! Which fields a write changed: paths always, values only where they are known to be harmless.

mod between;
mod path;

use std::fmt;

pub use between::{DiffOptions, between};
pub use path::{FieldPath, Segment};

/// Changes shown of one write; the rest is counted.
pub const MAX_SHOWN: usize = 8;

/// One changed field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where: `spec.template.spec.containers[app].image`.
    pub path: FieldPath,
    /// What was and what is, only for fields that never hold secrets (replicas, image, paused, …).
    pub values: Option<(Box<str>, Box<str>)>,
}

impl Change {
    /// A change of which the path alone is told.
    pub fn of(path: FieldPath) -> Self {
        Self { path, values: None }
    }

    /// A change with both values; for use where the field is known to be harmless.
    pub fn from_to(path: FieldPath, from: impl Into<Box<str>>, to: impl Into<Box<str>>) -> Self {
        Self { path, values: Some((from.into(), to.into())) }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.values {
            Some((from, to)) => write!(f, "{}: {from} -> {}", self.path, what_differs(from, to)),
            None => write!(f, "{}", self.path),
        }
    }
}

/// Of two images that differ in the tag alone, the tag: `registry.example/web:1 -> :2`.
fn what_differs<'a>(from: &str, to: &'a str) -> &'a str {
    match (from.rsplit_once(':'), to.rsplit_once(':')) {
        (Some((before, _)), Some((same, _))) if before == same && !same.is_empty() => &to[same.len()..],
        _ => to,
    }
}

/// The changed fields of one write: at most [`MAX_SHOWN`], and how many more there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The first changed fields, spec before metadata before status.
    pub shown: Vec<Change>,
    /// How many more fields changed.
    pub more: u32,
}

impl Changes {
    /// No field changed.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Adds a change, or counts it once the bound is reached.
    pub fn push(&mut self, change: Change) {
        if self.shown.len() < MAX_SHOWN {
            self.shown.push(change);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Whether every change lies under `status`.
    pub fn is_status_only(&self) -> bool {
        !self.shown.is_empty() && self.shown.iter().all(|change| change.path.is_status())
    }

    /// Whether some change lies under `spec` or another field of intent: neither metadata nor status.
    pub fn touches_spec(&self) -> bool {
        self.shown.iter().any(|change| !change.path.is_status() && !change.path.is_metadata())
    }
}

impl FromIterator<Change> for Changes {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        let mut collected = Self::default();
        changes.into_iter().for_each(|change| collected.push(change));
        collected
    }
}
