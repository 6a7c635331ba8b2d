//! What a watch asks for.

use std::time::Duration;

use crate::error::{ApiError, Cause};
use crate::service::Call;
use crate::service::read::resource_version;

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With what is there now, as ADDED events, and then the changes.
    State {
        /// A bookmark says where the state ends.
        announce_end: bool,
        /// The state must not be older than this.
        at_least: u64,
    },
    /// With the changes after this version.
    After(u64),
    /// With the changes from now on.
    Now,
}

/// Longer than any test, and short enough to be added to a clock: a hundred years, in seconds.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60;

/// The parameters of a watch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) start: Start,
    pub(super) bookmarks: bool,
    pub(super) timeout: Duration,
}

/// Without a timeout of its own a watch ends after this long; the real server takes 30 to 60 minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(45 * 60);

impl Options {
    pub(super) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let version = resource_version(call)?;
        let initial =
            call.query.values("sendInitialEvents").next().map(|_| call.query.flag("sendInitialEvents"));
        let token = call.query.value("continue").is_some();
        validate(initial.is_some(), call.query.value("resourceVersionMatch"), token)?;
        let bookmarks = call.query.flag("allowWatchBookmarks");
        let start = match (initial, version) {
            (Some(true), version) => {
                Start::State { announce_end: bookmarks, at_least: version.unwrap_or_default() }
            }
            (Some(false), None | Some(0)) => Start::Now,
            (None, None | Some(0)) => Start::State { announce_end: false, at_least: 0 },
            (_, Some(version)) => Start::After(version),
        };
        // One below zero is none.
        let seconds: Option<i64> = call.query.number("timeoutSeconds")?;
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
        let timeout = seconds.map_or(DEFAULT_TIMEOUT, |seconds| Duration::from_secs(seconds.min(LONGEST)));
        Ok(Self { start, bookmarks, timeout })
    }
}

fn validate(initial_events: bool, rule: Option<&str>, token: bool) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    let mut wrong = |reason: &str, message: &str| {
        causes.push(Cause {
            reason: reason.to_owned(),
            message: message.to_owned(),
            field: "resourceVersionMatch".to_owned(),
        });
    };
    const FORBIDDEN: &str = "FieldValueForbidden";
    let fresh = rule == Some("NotOlderThan");
    if initial_events && !fresh {
        let why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        wrong(FORBIDDEN, why);
    }
    if let Some(rule) = rule {
        if !initial_events {
            let why =
                "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            wrong(FORBIDDEN, why);
        }
        if !fresh {
            let why = format!("Unsupported value: {rule:?}: supported values: \"NotOlderThan\"");
            wrong("FieldValueNotSupported", &why);
        }
        if token {
            wrong(FORBIDDEN, "Forbidden: resourceVersionMatch is forbidden when continue is provided");
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &causes))
}
