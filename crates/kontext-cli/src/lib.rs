//! The command line of kontext, as a library, so that tests can drive it: [`kontext()`] and [`kubectl_why`] are the two
//! binaries' whole `main`.
//!
//! | command | module |
//! |---|---|
//! | `kontext controller-manager` | [`manager`] |
//! | `kontext why`, `kubectl why` | [`why`] |
//! | `kontext apiserver` | [`apiserver`] |
//! | `kontext demo` | [`demo`] |
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted; those of `why` are
//! [`kontext_why::WhyError::exit_code`]'s.

mod access;
pub mod apiserver;
pub mod demo;
mod duration;
mod exit;
pub mod manager;
mod output;
mod signals;
pub mod telemetry;
pub mod why;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

/// Says why Kubernetes controllers did what they did.
///
/// Try `kontext demo`: it needs no cluster.
#[derive(Debug, Parser)]
#[command(name = "kontext", version, max_term_width = 100)]
struct Kontext {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Options),
    Why(why::Options),
    ControllerManager(Box<manager::Options>),
    Apiserver(apiserver::Options),
}

/// `kubectl why`
#[derive(Debug, Parser)]
#[command(name = "kubectl-why", bin_name = "kubectl why", version, max_term_width = 100)]
struct KubectlWhy {
    #[command(flatten)]
    options: why::Options,
}

/// The binary `kontext`.
pub fn kontext(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Kontext::try_parse_from(arguments) {
        Err(error) => exit::parsing(&error),
        Ok(Kontext { command }) => match command {
            Command::Demo(options) => exit::block_on(demo::run(options)),
            Command::Why(options) => exit::block_on(why::run(options)),
            Command::ControllerManager(options) => exit::block_on(manager::run(*options)),
            Command::Apiserver(options) => exit::block_on(apiserver::run(options)),
        },
    }
}

/// The binary `kubectl-why`.
pub fn kubectl_why(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match KubectlWhy::try_parse_from(arguments) {
        Err(error) => exit::parsing(&error),
        Ok(parsed) => exit::block_on(why::run(parsed.options)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_lines_are_consistent() {
        Kontext::command().debug_assert();
        KubectlWhy::command().debug_assert();
    }
}
