//! Operations on values of a known type: the merge, comparison and pruning of structured merge diff, on JSON.

mod compare;
mod items;
mod validate;

pub(crate) use compare::Comparison;
pub(crate) use validate::{Duplicates, validate};
