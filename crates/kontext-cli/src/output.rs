//! Writing to stdout and stderr.

use std::{
    error::Error,
    io::{self, IsTerminal, Write},
};

/// Writes to stdout, whole and at once.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes an error to stderr.
pub(crate) fn complain(message: &str) {
    // There is no other place to complain to.
    let _ = writeln!(io::stderr(), "error: {message}");
}

/// Whether whoever read stdout is gone.
pub(crate) fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// What stdout is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Whether it is a terminal.
    pub(crate) is: bool,
    /// Whether to use colour.
    pub(crate) colour: bool,
    /// Its columns; `None` if it is none.
    pub(crate) width: Option<usize>,
}

impl Terminal {
    pub(crate) fn stdout() -> Self {
        let is = io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        // https://no-color.org: any value but the empty one.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self { is, colour: is && !plain, width: width.filter(|_| is) }
    }
}
