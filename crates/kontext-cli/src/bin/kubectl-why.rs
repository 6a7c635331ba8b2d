//! The kubectl plugin: `kubectl why pod/web-7d4b9-x2x8k`, the same as `kontext why`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kontext_cli::kubectl_why(std::env::args_os())
}
