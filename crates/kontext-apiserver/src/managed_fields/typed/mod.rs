//! Operations on values of a known type: the merge, comparison and pruning of structured merge diff, on JSON.
//!
//! All of them recurse with the depth of the value, which the parsers of JSON (128 levels) and YAML bound.

mod compare;
mod fields;
mod items;
mod merge;
mod remove;
mod validate;

pub(crate) use compare::Comparison;
pub(crate) use fields::field_set;
pub(crate) use merge::merge;
pub(crate) use remove::remove;
pub(crate) use validate::{Duplicates, validate};
