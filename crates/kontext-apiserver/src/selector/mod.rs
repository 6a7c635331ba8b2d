//! Label and field selectors, with the server's syntax and messages.

mod field;
mod label;
mod lexer;
mod object;

pub(crate) use field::FieldSelector;
pub(crate) use label::LabelSelector;
pub(crate) use object::object_matches;
