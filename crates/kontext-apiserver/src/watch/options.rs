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
        let initial = call.query.value("sendInitialEvents").map(|_| call.query.flag("sendInitialEvents"));
        let rule = call.query.value("resourceVersionMatch");
        match (initial, rule) {
            (Some(_), Some("NotOlderThan")) | (None, None) => {}
            (Some(_), None) => {
                return refuse(
                    "FieldValueForbidden",
                    "resourceVersionMatch",
                    "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                );
            }
            (None, Some(_)) => {
                return refuse(
                    "FieldValueForbidden",
                    "resourceVersionMatch",
                    "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                );
            }
            (Some(_), Some(other)) => {
                let message = format!("Unsupported value: {other:?}: supported values: \"NotOlderThan\"");
                return refuse("FieldValueNotSupported", "resourceVersionMatch", &message);
            }
        }
        let bookmarks = call.query.flag("allowWatchBookmarks");
        let start = match (initial, version) {
            (Some(true), version) => {
                Start::State { announce_end: bookmarks, at_least: version.unwrap_or_default() }
            }
            (Some(false), None | Some(0)) => Start::Now,
            (None, None | Some(0)) => Start::State { announce_end: false, at_least: 0 },
            (_, Some(version)) => Start::After(version),
        };
        let seconds: Option<u64> = call.query.number("timeoutSeconds")?;
        let timeout = seconds.filter(|s| *s > 0).map_or(DEFAULT_TIMEOUT, Duration::from_secs);
        Ok(Self { start, bookmarks, timeout })
    }
}

fn refuse<T>(reason: &str, field: &str, message: &str) -> Result<T, ApiError> {
    let cause = Cause { reason: reason.to_owned(), message: message.to_owned(), field: field.to_owned() };
    Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &[cause]))
}
