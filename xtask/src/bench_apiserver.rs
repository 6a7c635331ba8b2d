//! `cargo xtask bench-apiserver`: what our API server does beside the real one, under the same load.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::control_plane;
use crate::run::{cargo, step};

#[derive(Args)]
pub(crate) struct BenchApiServer {
    /// Pods to create
    #[arg(long, default_value_t = 10_000)]
    pods: u32,
    /// Lists of all of them
    #[arg(long, default_value_t = 5)]
    lists: u32,
    /// Patches of them
    #[arg(long, default_value_t = 5_000)]
    updates: u32,
    /// Watchers of one kind, each on a connection of its own
    #[arg(long, default_value_t = 1_000)]
    watchers: u32,
    /// Patches that they see
    #[arg(long, default_value_t = 1_000)]
    events: u32,
    /// Rounds that count, after one to warm up
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Who takes turns; ratios are of the first to the last
    #[arg(long, value_name = "LIST", default_value = "real,kontext")]
    sides: String,
    /// Measure this command in place of the binary built here
    #[arg(long, value_name = "COMMAND")]
    kontext: Option<String>,
}

impl BenchApiServer {
    pub(crate) fn run(&self) -> Result<()> {
        control_plane::built()?;
        let folder = crate::run::target_folder()?;
        // The client is optimised too: it shares the processors with what it measures.
        let mut build = cargo(&["build", "--release", "--locked"]);
        build.args(["-p", "kontext-testbed", "--example", "bench-apiserver"]);
        step("build the benchmark", &mut build)?;
        let kontext = match &self.kontext {
            Some(given) => given.clone(),
            None => {
                let mut build = cargo(&["build", "--release", "--locked"]);
                build.args(["-p", "kontext-cli", "--bin", "kontext"]);
                step("build kontext", &mut build)?;
                let binary = folder.join("release/kontext");
                let binary = binary.canonicalize().with_context(|| format!("find {}", binary.display()))?;
                format!("{} apiserver", binary.display())
            }
        };
        let mut bench = Command::new(folder.join("release/examples/bench-apiserver"));
        bench.arg(kontext);
        let numbers = [self.pods, self.lists, self.updates, self.watchers, self.events, self.rounds];
        bench.args(numbers.map(|number| number.to_string()));
        bench.arg(&self.sides);
        step("bench-apiserver", &mut bench)
    }
}
