//! Label and field selectors, with the server's syntax and messages.

mod field;
mod label;
mod lexer;

pub(crate) use field::FieldSelector;
pub(crate) use label::LabelSelector;
