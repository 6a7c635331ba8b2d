//! What was measured, as text.

use std::fmt;
use std::time::Duration;

use crate::load::Watched;
use crate::side::Side;

/// One server's turn. Memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) start: Duration,
    pub(crate) empty: u64,
    pub(crate) create: Duration,
    pub(crate) full: u64,
    pub(crate) list: Duration,
    pub(crate) update: Duration,
    pub(crate) watch: Watched,
    pub(crate) end: u64,
    pub(crate) cpu: Cpu,
}

/// The server's processor time in each phase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub(crate) create: Duration,
    pub(crate) list: Duration,
    pub(crate) update: Duration,
    pub(crate) watch: Duration,
}

/// A figure: its name, its unit, how to read it from a sample.
type Figure = (&'static str, &'static str, fn(&Sample) -> f64);

const FIGURES: [Figure; 14] = [
    ("start to first answer", "ms", |s| milliseconds(s.start)),
    ("memory when empty", "MB", |s| megabytes(s.empty)),
    ("create all pods", "ms", |s| milliseconds(s.create)),
    ("create all pods: processor", "ms", |s| milliseconds(s.cpu.create)),
    ("memory with the pods", "MB", |s| megabytes(s.full)),
    ("list all pods", "ms", |s| milliseconds(s.list)),
    ("list, all times: processor", "ms", |s| milliseconds(s.cpu.list)),
    ("patch pods", "ms", |s| milliseconds(s.update)),
    ("patch pods: processor", "ms", |s| milliseconds(s.cpu.update)),
    ("watch: all delivered", "ms", |s| milliseconds(s.watch.wall)),
    ("watch: processor", "ms", |s| milliseconds(s.cpu.watch)),
    ("watch: delivery, median", "ms", |s| milliseconds(s.watch.p50)),
    ("watch: delivery, p99", "ms", |s| milliseconds(s.watch.p99)),
    ("memory at the end", "MB", |s| megabytes(s.end)),
];

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[allow(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl fmt::Display for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, unit, read)) in FIGURES.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(out, "{comma}{name} {:.1} {unit}", read(self))?;
        }
        Ok(())
    }
}

/// The medians, and how many times the first side's each is of the others'.
pub(crate) fn table(sides: &[Side], samples: &[(Side, Sample)]) -> String {
    let mut out = format!("{:<28}", "median");
    for side in sides {
        out.push_str(&format!("{:>14}", side.name()));
    }
    out.push_str("   first / last\n");
    for (name, unit, read) in FIGURES {
        out.push_str(&format!("{:<28}", format!("{name}, {unit}")));
        let medians: Vec<f64> = sides.iter().map(|side| median(*side, samples, read)).collect();
        for median in &medians {
            out.push_str(&format!("{median:>14.1}"));
        }
        if let (Some(first), Some(last)) = (medians.first(), medians.last()) {
            out.push_str(&format!("{:>13.1}x", first / last));
        }
        out.push('\n');
    }
    out
}

fn median(side: Side, samples: &[(Side, Sample)], read: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().filter(|(s, _)| *s == side).map(|(_, s)| read(s)).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
