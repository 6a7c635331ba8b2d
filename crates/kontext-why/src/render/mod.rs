//! Chains as text for people and as JSON for programs. Nothing is printed here.

mod clock;
mod line;
#[cfg(test)]
mod tests;
mod text;

pub use text::{TextOptions, text};

use crate::model::Chain;

/// The chain as an indented JSON document; the fields are those of [`Chain`], documented there.
///
/// # Errors
///
/// None in practice: every field of a chain can be written as JSON.
pub fn json(chain: &Chain) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(chain)
}
