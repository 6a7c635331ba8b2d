//! Figures and their table.

use std::fmt;

use crate::manager::Side;

/// What one phase cost.
#[derive(Clone, Copy)]
pub(crate) struct Phase {
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    /// The most that was resident since the manager's start.
    pub(crate) peak_mib: f64,
}

/// What one manager's turn cost.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) start: Phase,
    pub(crate) create: Phase,
    pub(crate) delete: Phase,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6.2} s wall {:>5.2} s CPU {:>6.1} MiB",
            self.wall_seconds, self.cpu_seconds, self.peak_mib
        )
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "start {} | create {} | to zero {}", self.start, self.create, self.delete)
    }
}

type Figure = fn(&Phase) -> f64;
type PhaseOf = fn(&Sample) -> Phase;

const FIGURES: [(&str, Figure); 3] = [
    ("CPU s", |phase| phase.cpu_seconds),
    ("peak MiB", |phase| phase.peak_mib),
    ("wall s", |phase| phase.wall_seconds),
];

/// The medians of each side, and what part of the first side's they are.
pub(crate) fn table(sides: &[Side], samples: &[(Side, Sample)], pods: usize) -> String {
    let mut text = format!("{:<16} {:<9}", "medians", "");
    for (index, side) in sides.iter().enumerate() {
        text.push_str(&format!(" {:>12}", side.name()));
        if index > 0 {
            text.push_str(&format!(" {:>6}", "ratio"));
        }
    }
    let phases: [(&str, PhaseOf); 3] = [
        ("start, warm up", |sample| sample.start),
        ("create", |sample| sample.create),
        ("scale to zero", |sample| sample.delete),
    ];
    for (name, phase) in phases {
        for (unit, figure) in FIGURES {
            text.push_str(&line(name, unit, sides, samples, |sample| figure(&phase(sample))));
        }
        if name != phases[0].0 {
            let rate = |sample: &Sample| pods as f64 / phase(sample).wall_seconds;
            text.push_str(&line(name, "pods/s", sides, samples, rate));
        }
    }
    text.push('\n');
    text
}

fn line(
    phase: &str,
    unit: &str,
    sides: &[Side],
    samples: &[(Side, Sample)],
    figure: impl Fn(&Sample) -> f64,
) -> String {
    let of = |side: &Side| {
        median(samples.iter().filter(|(whose, _)| whose == side).map(|(_, sample)| figure(sample)).collect())
    };
    let mut text = format!("\n{phase:<16} {unit:<9}");
    let mut first = None;
    for side in sides {
        let value = of(side);
        text.push_str(&format!(" {value:>12.2}"));
        match first {
            None => first = Some(value),
            Some(first) => text.push_str(&format!(" {:>6.2}", value / first)),
        }
    }
    text
}

/// The middle one; the mean of the two in the middle where they are even; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}
