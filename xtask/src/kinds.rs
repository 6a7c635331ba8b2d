//! `cargo xtask kinds`: the table of built-in kinds, from a real API server's discovery.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::control_plane;
use crate::run::{cargo, step, target_folder};

#[derive(Args)]
pub(crate) struct Kinds {
    /// Write nothing; show how the checked-in table differs from what would be written
    #[arg(long)]
    check: bool,
}

impl Kinds {
    pub(crate) fn run(&self) -> Result<()> {
        control_plane::built()?;
        let mut build = cargo(&["build", "--locked", "-p", "kontext-testbed", "--example", "kinds"]);
        step("build what reads the server", &mut build)?;
        let mut read = Command::new(target_folder()?.join("debug/examples/kinds"));
        step("kinds", read.args(self.check.then_some("--check")))
    }
}
