//! `cargo xtask test`: the tests of the whole workspace.

use anyhow::Result;
use clap::Args;

use crate::control_plane;
use crate::run::{cargo, step};

#[derive(Args)]
pub(crate) struct Test {
    /// Leave out every test on the real control plane: for machines without Go
    #[arg(long)]
    no_control_plane: bool,
    /// Arguments for `cargo test`, such as `-p kontext-why` or a part of a test's name
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Test {
    pub(crate) fn run(&self) -> Result<()> {
        if self.no_control_plane {
            // Before and after: what comes between is long, and the end is what people read.
            eprintln!("{LOUD}");
            let result = tests(&self.arguments, "0");
            eprintln!("{LOUD}");
            return result;
        }
        control_plane::built()?;
        tests(&self.arguments, "1")
    }
}

const LOUD: &str = "
*** --no-control-plane: NOTHING IS TESTED ON A REAL API SERVER, only on the in-memory one. ***
";

/// All tests, with the real control plane required.
pub(crate) fn with_control_plane() -> Result<()> {
    tests(&[], "1")
}

fn tests(arguments: &[String], required: &str) -> Result<()> {
    let mut command = cargo(&["test", "--locked", "--no-fail-fast"]);
    if !arguments.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        command.arg("--workspace");
    }
    step("tests", command.args(arguments).env("KONTEXT_REQUIRE_CONTROL_PLANE", required))
}
