//! Developer commands of the workspace: `cargo xtask COMMAND`.
//!
//! One file per command. Each does its work by running the tool that does it (cargo, go), shows what it runs, and
//! stops at the first that fails.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

#[path = "../../crates/kontext-testbed/src/assets.rs"]
#[allow(
    unreachable_pub,
    dead_code,
    reason = "shared with kontext-testbed, where all of it is public and used"
)]
mod assets;
mod bench_apiserver;
mod bench_manager;
mod ci;
mod control_plane;
mod differential;
mod kinds;
mod run;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Developer commands of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Xtask {
    /// Build etcd, kube-apiserver, kube-controller-manager and kubectl into the cache; print where they are
    ControlPlane(control_plane::ControlPlane),
    /// Run all tests, on the in-memory server and on the real control plane
    Test(test::Test),
    /// Compare our API server with the real one under the same load
    #[command(name = "bench-apiserver")]
    BenchApiServer(bench_apiserver::BenchApiServer),
    /// Compare what our manager and upstream's cost, on the real API server
    BenchManager(bench_manager::BenchManager),
    /// Send random requests to the real API server and to the in-memory one; show where the answers differ
    Differential(differential::Differential),
    /// Write the API server's table of built-in kinds from a real one's discovery; compare its table of types
    Kinds(kinds::Kinds),
    /// Run everything that must hold for a change: format, lints, documentation, tests
    Ci(ci::Ci),
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::ControlPlane(command) => command.run(),
        Xtask::Test(command) => command.run(),
        Xtask::BenchApiServer(command) => command.run(),
        Xtask::BenchManager(command) => command.run(),
        Xtask::Differential(command) => command.run(),
        Xtask::Kinds(command) => command.run(),
        Xtask::Ci(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not as a returned error: that would come with a backtrace, which helps nobody here.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
