//! SIGINT and SIGTERM.

use std::io;

use tokio_util::sync::CancellationToken;

/// Cancels the token at the first SIGINT or SIGTERM, and ends the process at the second, in whatever state it is.
///
/// Call it inside a tokio runtime.
pub(crate) fn stop() -> io::Result<CancellationToken> {
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let first = stop.clone();
    tokio::spawn(async move {
        let signal = signals.next().await;
        tracing::info!(signal = signal.name, "stopping; once more ends at once");
        first.cancel();
        let signal = signals.next().await;
        std::process::exit(128 + signal.number);
    });
    Ok(stop)
}

struct Signal {
    name: &'static str,
    number: i32,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal { name: "SIGINT", number: 2 },
            Some(()) = self.terminate.recv() => Signal { name: "SIGTERM", number: 15 },
            // The runtime is going down.
            else => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal { name: "Ctrl-C", number: 2 }
    }
}
