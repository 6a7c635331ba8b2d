//! Differences and tallies as text for people.

use std::fmt::Write;

use serde_json::Value;

use super::compare::Divergence;
use super::play::Answer;
use super::run::{Played, Tally};

/// The script, and for every step that differs both answers side by side.
pub fn played(played: &Played) -> String {
    let mut out = played.script.to_text();
    for divergence in &played.divergences {
        out.push('\n');
        out.push_str(&one(divergence));
    }
    out
}

/// Both answers to one step, and where they differ.
pub fn one(divergence: &Divergence) -> String {
    let mut out = format!("step {}: {}\n", divergence.step.id, divergence.signature());
    for difference in &divergence.differences {
        let _ = writeln!(out, "  {}", difference.at);
        let _ = writeln!(out, "    real  {}", short(&difference.real));
        let _ = writeln!(out, "    ours  {}", short(&difference.ours));
    }
    let _ = writeln!(out, "  real answered {}", answer(&divergence.real));
    let _ = writeln!(out, "  ours answered {}", answer(&divergence.ours));
    out
}

fn answer(answer: &Answer) -> String {
    format!("{} {}", answer.status, short(&answer.body))
}

fn short(value: &Value) -> String {
    const LIMIT: usize = 2000;
    let text = value.to_string();
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

/// The counts of a run, and its kinds of differences, the most frequent first.
pub fn tally(tally: &Tally) -> String {
    let mut out = format!(
        "{} scripts, {} steps alike, {} different in {} ways; answers by code: {:?}\n",
        tally.scripts,
        tally.clean,
        tally.different(),
        tally.differences.len(),
        tally.codes,
    );
    for (name, count) in &tally.kept {
        let _ = writeln!(out, "kept on purpose: {count} x {name}");
    }
    let mut ways: Vec<_> = tally.differences.iter().collect();
    ways.sort_by_key(|(_, (count, ..))| std::cmp::Reverse(*count));
    for (signature, (count, seed, _)) in ways {
        let _ = writeln!(out, "{count:5} x {signature}   (seed {seed})");
    }
    out
}
