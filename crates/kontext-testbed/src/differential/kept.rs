//! Differences that are kept on purpose. Each has its reason, and a script that shows that it is still there.

use super::compare::Difference;
use super::play::Answer;

/// A difference that is kept.
#[derive(Debug)]
pub struct Kept {
    /// What it is called; `tests/differential/kept/NAME.jsonl` shows it.
    pub name: &'static str,
    /// Why it is kept.
    pub why: &'static str,
    /// Whether a difference between these two answers is this one.
    pub is: fn(&Difference, &Answer, &Answer) -> bool,
}

/// All of them.
pub const ALL: &[Kept] = &[];

/// The kept difference that this one is.
pub(super) fn kept(difference: &Difference, real: &Answer, ours: &Answer) -> Option<&'static Kept> {
    ALL.iter().find(|kept| (kept.is)(difference, real, ours))
}
