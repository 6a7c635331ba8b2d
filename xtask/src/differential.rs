//! `cargo xtask differential`: random requests to the real API server and to the in-memory one.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::control_plane;
use crate::run::{cargo, step, target_folder};

#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Differential {
    /// Options of the command: `--help` tells them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Differential {
    pub(crate) fn run(&self) -> Result<()> {
        control_plane::built()?;
        let mut build = cargo(&["build", "--locked", "-p", "kontext-testbed", "--example", "differential"]);
        step("build the comparison", &mut build)?;
        let mut play = Command::new(target_folder()?.join("debug/examples/differential"));
        step("differential", play.args(&self.arguments))
    }
}
