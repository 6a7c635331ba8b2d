//! `cargo xtask ci`: everything that must hold for a change.

use std::fmt::Write;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::run::{cargo, step};
use crate::{control_plane, test};

#[derive(Args)]
pub(crate) struct Ci {}

impl Ci {
    /// Runs every check, also after one that failed: a change is best told all that is wrong with it at once. The
    /// tests come last, so that their closing lines end the output.
    pub(crate) fn run(&self) -> Result<()> {
        let started = Instant::now();
        let mut failed = String::new();
        for (name, check) in CHECKS {
            if let Err(error) = check() {
                eprintln!("==> {name}: FAILED\n{error:#}");
                let _ = write!(failed, " {name};");
            }
        }
        if !failed.is_empty() {
            bail!("failed:{failed}");
        }
        println!("==> all checks passed in {:.0} s", started.elapsed().as_secs_f32());
        Ok(())
    }
}

type Check = fn() -> Result<()>;

const CHECKS: [(&str, Check); 5] = [
    ("format", || step("format", &mut cargo(&["fmt", "--all", "--check"]))),
    ("control plane", || control_plane::built().map(drop)),
    ("lints", || {
        step(
            "lints",
            &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        )
    }),
    ("documentation", || {
        // Broken links of documentation are warnings of rustdoc.
        let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
        step("documentation", command.env("RUSTDOCFLAGS", "-D warnings"))
    }),
    ("tests", test::with_control_plane),
];
