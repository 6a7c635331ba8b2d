//! What `cargo xtask bench-apiserver` runs: the same client, the same load, on our API server and on the real one in
//! turn, each time on a server of its own.
//!
//! ```text
//! round: for each side { start -> create pods -> memory -> list -> update -> watch -> stop }
//! ```
//!
//! Everything goes over HTTPS on loopback, HTTP/1.1. The first round is thrown away; the others' medians are told.

#![allow(clippy::print_stdout, reason = "a command line tool talks to its user")]

mod load;
mod objects;
mod report;
mod side;
mod wire;

use std::str::FromStr;

use anyhow::{Context, Result};

use load::Load;
use report::{Cpu, Sample};
use side::{Running, Side};

/// What the benchmark is told, in this order.
struct Plan {
    /// Our server and its arguments, parted by spaces.
    command: String,
    load: Load,
    rounds: usize,
    sides: Vec<Side>,
}

const USAGE: &str = "usage: bench-apiserver COMMAND PODS LISTS UPDATES WATCHERS EVENTS ROUNDS SIDE,SIDE \
                     (cargo xtask bench-apiserver gives them)";

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        fn next<T: FromStr>(arguments: &mut impl Iterator<Item = String>, name: &str) -> Result<T>
        where
            T::Err: std::error::Error + Send + Sync + 'static,
        {
            let text = arguments.next().context(USAGE)?;
            text.parse().with_context(|| format!("{name} {text:?}"))
        }
        let given = &mut arguments;
        Ok(Self {
            command: next(given, "COMMAND")?,
            load: Load {
                pods: next(given, "PODS")?,
                lists: next(given, "LISTS")?,
                updates: next(given, "UPDATES")?,
                watchers: next(given, "WATCHERS")?,
                events: next(given, "EVENTS")?,
            },
            rounds: next(given, "ROUNDS")?,
            sides: next::<String>(given, "SIDES")?.split(',').map(Side::parse).collect::<Result<_>>()?,
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    println!("{}; {} rounds after one to warm up", plan.load, plan.rounds);
    let mut samples = Vec::new();
    for round in 0..=plan.rounds {
        for side in &plan.sides {
            let sample =
                run(&plan, *side).await.with_context(|| format!("round {round} of {}", side.name()))?;
            let note = if round == 0 { "warm-up" } else { "counts" };
            println!("round {round} ({note})  {:<8} {sample}", side.name());
            if round > 0 {
                samples.push((*side, sample));
            }
        }
    }
    println!("\n{}", report::table(&plan.sides, &samples));
    Ok(())
}

/// One server's turn.
async fn run(plan: &Plan, side: Side) -> Result<Sample> {
    let (server, start) = Running::start(side, &plan.command).await?;
    let load = &plan.load;
    let empty = server.resident()?;
    let mut cpu = vec![server.cpu()?];
    let create = load.create(&server).await.context("create pods")?;
    cpu.push(server.cpu()?);
    let full = server.resident()?;
    let list = load.list(&server).await.context("list pods")?;
    cpu.push(server.cpu()?);
    let update = load.update(&server).await.context("update pods")?;
    cpu.push(server.cpu()?);
    let watch = load.watch(&server).await.context("watch")?;
    cpu.push(server.cpu()?);
    let end = server.resident()?;
    let mut phases = cpu.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    let mut cpu = || phases.next().unwrap_or_default();
    let cpu = Cpu { create: cpu(), list: cpu(), update: cpu(), watch: cpu() };
    Ok(Sample { start, empty, create, full, list, update, watch, end, cpu })
}
