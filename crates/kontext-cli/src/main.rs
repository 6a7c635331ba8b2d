//! `kontext`: see `kontext --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kontext_cli::kontext(std::env::args_os())
}
