//! Puts annotations into the JSON of an object without building a tree.
//!
//! One scan over the bytes finds what a write has to know of the object and where its annotations stand; then the
//! body is copied around the insertion. Every byte that is not ours stays as it is.

mod edit;
mod json_patch;
mod scan;

pub(crate) use edit::{Edit, splice};
pub(crate) use json_patch::append;
pub(crate) use scan::{Place, Scanned, scan};

use thiserror::Error;

/// A body that cannot be spliced.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpliceError {
    /// It is not JSON of the form that the splice needs.
    #[error("the body is not a JSON object")]
    Form,
    /// A key that the splice needs stands twice, and readers differ in which one they take.
    #[error("a key stands twice")]
    Duplicate,
}

#[cfg(test)]
mod tests;
