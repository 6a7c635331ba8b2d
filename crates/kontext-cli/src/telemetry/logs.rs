//! Which log lines are written, and how.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;

/// Logs go to stderr.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogOptions {
    /// How log lines look
    #[arg(long = "logging-format", alias = "log-format", value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// How much is logged: 0 to 3 what operators need, 4 and 5 what is decided and written, 6 and above everything.
    ///
    /// RUST_LOG, where set, says it in more detail and wins: RUST_LOG=info,kontext::queue=trace
    #[arg(short = 'v', long = "v", value_name = "LEVEL", default_value_t = 2)]
    pub verbosity: u8,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl LogOptions {
    /// What is logged where RUST_LOG says nothing.
    pub(super) fn levels(&self) -> &'static str {
        match self.verbosity {
            0..=3 => "info",
            4..=5 => {
                "info,kontext=debug,kontext_controllers=debug,kontext_core=debug,kontext_cli=debug,kontext_apiserver=debug"
            }
            _ => {
                "debug,kontext=trace,kontext_controllers=trace,kontext_core=trace,kontext_cli=trace,kontext_apiserver=trace"
            }
        }
    }
}

/// The filter of log lines; `rust_log` is the value of RUST_LOG, and wins over `levels`.
pub(super) fn filter(levels: &str, rust_log: Option<&str>) -> anyhow::Result<EnvFilter> {
    let filter = rust_log.filter(|filter| !filter.trim().is_empty()).unwrap_or(levels);
    EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("RUST_LOG is {filter:?}: {error}; write it like RUST_LOG=info,kontext=debug"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(verbosity: u8, rust_log: Option<&str>) -> Result<String, String> {
        let levels = LogOptions { format: Format::Text, verbosity }.levels();
        filter(levels, rust_log).map(|filter| filter.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn rust_log_wins_over_the_level() {
        assert_eq!(told(2, None).as_deref(), Ok("info"));
        assert_eq!(told(9, Some("warn")).as_deref(), Ok("warn"));
        assert_eq!(told(2, Some(" ")).as_deref(), Ok("info"));
        assert!(told(4, None).is_ok_and(|filter| filter.contains("kontext_controllers=debug")));
    }

    #[test]
    fn a_wrong_rust_log_is_told() {
        let error = told(2, Some("kontext=loud")).expect_err("no such level");
        assert!(error.contains("RUST_LOG is \"kontext=loud\""), "{error}");
    }
}
