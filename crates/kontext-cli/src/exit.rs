//! How the process ends.

use std::{error::Error, fmt, future::Future, process::ExitCode};

use crate::output;

/// Ended by Ctrl-C before it was done: 128 + SIGINT, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// An error that comes with its own exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn with_code(code: u8, message: impl Into<String>) -> anyhow::Error {
        Self { code, message: message.into() }.into()
    }

    /// An error that the log has told already.
    pub(crate) fn logged() -> anyhow::Error {
        Self::with_code(1, "")
    }

    /// Flags that do not go together: exit code 2, as for those that cannot be parsed.
    pub(crate) fn usage(message: impl fmt::Display) -> anyhow::Error {
        Self::with_code(2, message.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// Help and version go to stdout and end with 0; wrong usage goes to stderr and ends with 2.
pub(crate) fn parsing(error: &clap::Error) -> ExitCode {
    // Nobody reads: nothing to be done about it.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Runs a command to its end on a runtime of its own, and reports its error.
pub(crate) fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&anyhow::Error::new(error).context("cannot start the tokio runtime")),
    };
    let code = runtime.block_on(command).unwrap_or_else(|error| report(&error));
    // Tasks that hang in a system call must not keep the process.
    runtime.shutdown_background();
    code
}

fn report(error: &anyhow::Error) -> ExitCode {
    // `kontext why … | head` closes the pipe: that is no failure of ours to talk about.
    if error.chain().any(output::is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    let failure = error.downcast_ref::<Failure>();
    if failure.is_none_or(|failure| !failure.message.is_empty()) {
        output::complain(&describe(error));
    }
    ExitCode::from(failure.map_or(1, |failure| failure.code))
}

/// The error and its causes; a cause that the message before it tells already is left out.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn an_error_tells_each_of_its_causes_once() {
        let error = Err::<(), _>(anyhow!("no such file"))
            .context("cannot read x: no such file")
            .context("cannot start");
        assert_eq!(describe(&error.expect_err("an error")), "cannot start: cannot read x: no such file");
    }
}
