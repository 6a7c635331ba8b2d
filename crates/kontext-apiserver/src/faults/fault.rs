//! What can go wrong.

use std::fmt;
use std::time::Duration;

use kube::core::Status;

/// What happens to a request that a [`Rule`](super::Rule) matches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The request is answered with this HTTP status (429, 500, 503, 504, 409, or any other), in a `Status` such as
    /// the real server sends at that code, and not carried out. [`Rule::retry_after`](super::Rule::retry_after) adds
    /// the header.
    Status(u16),
    /// The request is answered with this `Status`, under its code (500 if it has none), and not carried out.
    Answer(Box<Status>),
    /// The request waits, and is then carried out.
    Delay(Duration),
    /// The request is carried out, and the client sees a broken connection: it cannot know what became of a write.
    CommitThenReset,
    /// The request is carried out, and answered with this HTTP status nevertheless, as a 504 may be.
    CommitThenStatus(u16),
    /// The client sees a broken connection, and nothing is done.
    ResetBeforeCommit,
    /// Every running watch of the request's resource is cut; the request itself is carried out.
    DropWatches,
    /// The watch is cut after this many events; bookmarks count. Strikes watches only.
    ResetWatchAfter(u64),
    /// Each event of the watch comes this much later: informers lag behind. Strikes watches only.
    DelayEvents(Duration),
    /// A get or list shows what was stored before the kind's latest so many writes, or as far back as the history
    /// reaches. The answer has that state's resourceVersion, so that a watch goes on from there. Lists that ask for a
    /// certain state get it, those that ask for one not older than a version get none older. Strikes `get` (of objects
    /// and their status) and `list` only.
    StaleRead(u64),
    /// The history is forgotten before the request is carried out: watches and chunked lists that start from earlier
    /// get `410 Expired`.
    Compact,
    /// The request is carried out; the connection breaks in the middle of the answer. Strikes no watches.
    TruncatedBody,
    /// The request is carried out; in the place of the answer's JSON comes an HTML page, as from a broken proxy.
    /// Strikes no watches.
    GarbageBody,
}

impl Fault {
    /// Whether the fault means anything to such requests.
    pub(super) fn concerns(&self, verb: &str, subresource: &str) -> bool {
        match self {
            Self::ResetWatchAfter(_) | Self::DelayEvents(_) => verb == "watch",
            Self::StaleRead(_) => matches!((verb, subresource), ("get", "" | "status") | ("list", _)),
            Self::TruncatedBody | Self::GarbageBody => verb != "watch",
            _ => true,
        }
    }
}

/// As `--fault` and [`Rule`](super::Rule)'s `FromStr` take it; an [`Fault::Answer`] shows its code.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "{code}"),
            Self::Answer(status) => write!(f, "{}", status.code),
            Self::Delay(delay) => write!(f, "delay={delay:?}"),
            Self::CommitThenReset => f.write_str("commit-then-reset"),
            Self::CommitThenStatus(code) => write!(f, "commit-then={code}"),
            Self::ResetBeforeCommit => f.write_str("reset"),
            Self::DropWatches => f.write_str("drop-watches"),
            Self::ResetWatchAfter(events) => write!(f, "reset-watch-after={events}"),
            Self::DelayEvents(delay) => write!(f, "delay-events={delay:?}"),
            Self::StaleRead(writes) => write!(f, "stale={writes}"),
            Self::Compact => f.write_str("compact"),
            Self::TruncatedBody => f.write_str("truncated-body"),
            Self::GarbageBody => f.write_str("garbage-body"),
        }
    }
}
