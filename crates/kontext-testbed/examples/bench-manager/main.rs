//! What `cargo xtask bench-manager` runs: many pods created and deleted on the real API server by upstream's manager
//! and by ours in turn, each time on a server of its own.
//!
//! ```text
//! round: for each manager { fresh etcd + kube-apiserver -> manager -> warm up -> create -> scale to zero }
//! ```
//!
//! No kubelet runs: what is measured is the two loops. The first round is thrown away; the others' medians are told.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod load;
mod manager;
mod report;

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Result};
use kontext_testbed::RealServer;

use load::Load;
use manager::Side;
use report::Sample;

/// What the benchmark is told, in this order.
struct Plan {
    kontext: PathBuf,
    load: Load,
    limits: Limits,
    rounds: usize,
    sides: Vec<Side>,
}

/// The budget of requests of each loop.
#[derive(Clone, Copy)]
struct Limits {
    qps: f32,
    burst: u32,
}

const USAGE: &str = "usage: bench-manager KONTEXT PODS DEPLOYMENTS QPS BURST ROUNDS SIDE,SIDE,... \
                     (cargo xtask bench-manager gives them)";

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
            kontext: next(given, "KONTEXT")?,
            load: Load { pods: next(given, "PODS")?, deployments: next(given, "DEPLOYMENTS")? },
            limits: Limits { qps: next(given, "QPS")?, burst: next(given, "BURST")? },
            rounds: next(given, "ROUNDS")?,
            sides: next::<String>(given, "SIDES")?.split(',').map(Side::parse).collect::<Result<_>>()?,
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    let load = &plan.load;
    load.check()?;
    println!(
        "{} pods from {} Deployments, {} requests/s, burst {} for each loop; {} rounds after one to warm up",
        load.pods, load.deployments, plan.limits.qps, plan.limits.burst, plan.rounds
    );
    let mut samples = Vec::new();
    for round in 0..=plan.rounds {
        for side in &plan.sides {
            let sample =
                run(&plan, *side).await.with_context(|| format!("round {round} of {}", side.name()))?;
            let note = if round == 0 { "warm-up" } else { "counts" };
            println!("round {round} ({note})  {:<18} {sample}", side.name());
            if round > 0 {
                samples.push((*side, sample));
            }
        }
    }
    println!("\n{}", report::table(&plan.sides, &samples, load.pods));
    Ok(())
}

/// One manager's turn.
async fn run(plan: &Plan, side: Side) -> Result<Sample> {
    let server = RealServer::builder().start().await?;
    let world = load::World::new(&server, plan.load).await?;
    let manager = side.start(&server, &plan.kontext, plan.limits)?;
    let phases = async {
        let start = manager.measure(world.warm_up()).await?;
        let create = manager.measure(world.create()).await?;
        let delete = manager.measure(world.scale_to_zero()).await?;
        anyhow::Ok(Sample { start, create, delete })
    };
    let sample = phases.await.with_context(|| manager.process().log_tail(20))?;
    manager.end().await?;
    Ok(sample)
}
