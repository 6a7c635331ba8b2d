//! `cargo xtask bench-manager`: what our manager costs beside upstream's, on the real API server.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::control_plane;
use crate::run::{cargo, step};

#[derive(Args)]
pub(crate) struct BenchManager {
    /// Pods to create, then to delete
    #[arg(long, default_value_t = 1000)]
    pods: u32,
    /// Deployments that they come from
    #[arg(long, default_value_t = 4)]
    deployments: u32,
    /// Requests a second in the long run, for each loop
    #[arg(long, default_value_t = 500.0)]
    kube_api_qps: f32,
    /// Requests at once, for each loop
    #[arg(long, default_value_t = 1000)]
    kube_api_burst: u32,
    /// Rounds that count, after one to warm up
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Who takes turns; ratios are to the first
    #[arg(long, value_name = "LIST", default_value = "upstream,kontext,kontext-off")]
    sides: String,
    /// Measure this binary in place of the one built here
    #[arg(long, value_name = "FILE")]
    kontext: Option<std::path::PathBuf>,
}

impl BenchManager {
    pub(crate) fn run(&self) -> Result<()> {
        control_plane::built()?;
        let folder = crate::run::target_folder()?;
        // What measures is not measured, and shares its dependencies with the tests.
        let mut build = cargo(&["build", "--locked", "-p", "kontext-testbed", "--example", "bench-manager"]);
        step("build the benchmark", &mut build)?;
        let kontext = match &self.kontext {
            Some(given) => given.clone(),
            None => {
                let mut build = cargo(&["build", "--release", "--locked"]);
                build.args(["-p", "kontext-cli", "--bin", "kontext"]);
                step("build kontext", &mut build)?;
                folder.join("release/kontext")
            }
        };
        let kontext = kontext.canonicalize().with_context(|| format!("find {}", kontext.display()))?;
        let mut bench = Command::new(folder.join("debug/examples/bench-manager"));
        bench.arg(kontext);
        bench.args([self.pods, self.deployments].map(|number| number.to_string()));
        bench.args([self.kube_api_qps.to_string(), self.kube_api_burst.to_string()]);
        bench.args([&self.rounds.to_string(), &self.sides]);
        step("bench-manager", &mut bench)
    }
}
