//! Fault injection: what clients must survive, on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use parking_lot::Mutex;

use crate::error::ApiError;
use crate::record::RequestRecord;

/// What happens to a request that a [`Rule`] matches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The request is answered with this status (429, 500, 503, 504, or any other) and not carried out.
    /// [`Rule::retry_after`] adds the header.
    Status(u16),
    /// The request waits, and is then carried out.
    Delay(Duration),
    /// The request is carried out, and the client sees a broken connection.
    CommitThenReset,
    /// The client sees a broken connection, and nothing is done.
    ResetBeforeCommit,
    /// Every running watch of the request's resource is cut; the request itself is carried out.
    DropWatches,
}

type Predicate = Arc<dyn Fn(&RequestRecord) -> bool + Send + Sync>;

/// Which requests meet with which fault, and how often.
///
/// ```
/// use kontext_apiserver::{Fault, Rule};
///
/// let rule = Rule::new(Fault::CommitThenReset).verb("create").resource("pods").times(1);
/// # let _ = rule;
/// ```
#[derive(Clone)]
pub struct Rule {
    fault: Fault,
    verb: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    user: Option<String>,
    name: Option<String>,
    predicate: Option<Predicate>,
    times: u64,
    skip: u64,
    retry_after: Option<u64>,
}

impl Rule {
    /// A fault for every request, once. Narrow it down with the other methods.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            verb: None,
            resource: None,
            subresource: None,
            user: None,
            name: None,
            predicate: None,
            times: 1,
            skip: 0,
            retry_after: None,
        }
    }

    /// Only requests with this verb (`create`, `list`, ...).
    #[must_use]
    pub fn verb(mut self, verb: impl Into<String>) -> Self {
        self.verb = Some(verb.into());
        self
    }

    /// Only requests for this resource, by its plural name. Without [`Rule::subresource`], subresources too.
    #[must_use]
    pub fn resource(mut self, plural: impl Into<String>) -> Self {
        self.resource = Some(plural.into());
        self
    }

    /// Only requests for this subresource; the empty name means the object itself.
    #[must_use]
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = Some(name.into());
        self
    }

    /// Only requests of this user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Only requests for the object of this name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only requests for which this holds. The record has no answer yet.
    #[must_use]
    pub fn when(mut self, predicate: impl Fn(&RequestRecord) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    /// Strikes this many times, and never again.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes at every match.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Lets this many matches pass first.
    #[must_use]
    pub fn after(mut self, matches: u64) -> Self {
        self.skip = matches;
        self
    }

    /// Asks the client to wait this many seconds (`Retry-After`); for [`Fault::Status`] only.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    fn matches(&self, record: &RequestRecord) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.verb, &record.verb)
            && fits(&self.resource, &record.resource)
            && fits(&self.subresource, &record.subresource)
            && fits(&self.user, &record.user)
            && fits(&self.name, &record.name)
            && self.predicate.as_ref().is_none_or(|holds| holds(record))
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("fault", &self.fault).field("times", &self.times).finish_non_exhaustive()
    }
}

/// Tells how often a rule has struck.
#[derive(Clone, Debug)]
pub struct RuleHandle(Arc<AtomicU64>);

impl RuleHandle {
    /// How often the rule has struck so far.
    pub fn strikes(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The faults that are in force.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Armed>>,
}

struct Armed {
    rule: Rule,
    seen: u64,
    strikes: Arc<AtomicU64>,
}

/// A fault that strikes a request now.
pub(crate) enum Strike {
    Status(ApiError),
    Delay(Duration),
    CommitThenReset,
    ResetBeforeCommit,
    DropWatches,
}

impl Faults {
    /// Puts a rule into force, behind those that are there.
    pub fn add(&self, rule: Rule) -> RuleHandle {
        let strikes = Arc::new(AtomicU64::new(0));
        self.rules.lock().push(Armed { rule, seen: 0, strikes: strikes.clone() });
        RuleHandle(strikes)
    }

    /// Puts all rules out of force.
    pub fn clear(&self) {
        self.rules.lock().clear();
    }

    /// The faults that this request meets with, in order.
    pub(crate) fn strike(&self, record: &RequestRecord) -> Vec<Strike> {
        let mut rules = self.rules.lock();
        let mut strikes = Vec::new();
        for armed in rules.iter_mut().filter(|armed| armed.rule.matches(record)) {
            armed.seen += 1;
            let struck = armed.strikes.load(Ordering::SeqCst);
            if armed.seen <= armed.rule.skip || struck >= armed.rule.times {
                continue;
            }
            armed.strikes.store(struck + 1, Ordering::SeqCst);
            strikes.push(strike(&armed.rule));
        }
        strikes
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults").field("rules", &self.rules.lock().len()).finish()
    }
}

fn strike(rule: &Rule) -> Strike {
    match &rule.fault {
        Fault::Status(code) => {
            let error = status_error(*code);
            Strike::Status(match rule.retry_after {
                Some(seconds) => error.retry_after(seconds),
                None => error,
            })
        }
        Fault::Delay(duration) => Strike::Delay(*duration),
        Fault::CommitThenReset => Strike::CommitThenReset,
        Fault::ResetBeforeCommit => Strike::ResetBeforeCommit,
        Fault::DropWatches => Strike::DropWatches,
    }
}

/// The Status that the real server answers with at this code.
fn status_error(code: u16) -> ApiError {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (reason, message) = match status.as_u16() {
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden: injected fault"),
        404 => ("NotFound", "the server could not find the requested resource"),
        409 => ("Conflict", "the server reported a conflict"),
        410 => ("Expired", "the resourceVersion is too old"),
        429 => (
            "TooManyRequests",
            "The server has received too many requests and has asked us to try again later",
        ),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request",
        ),
        _ => ("InternalError", "Internal error occurred: injected fault"),
    };
    ApiError::new(status, reason, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(verb: &str) -> RequestRecord {
        RequestRecord { verb: verb.to_owned(), resource: "pods".to_owned(), ..RequestRecord::default() }
    }

    #[test]
    fn a_rule_strikes_as_often_as_it_says_and_only_what_it_names() {
        let faults = Faults::default();
        let handle = faults.add(Rule::new(Fault::ResetBeforeCommit).verb("create").after(1).times(2));
        let struck: Vec<usize> = ["create", "get", "create", "create", "create"]
            .iter()
            .map(|v| faults.strike(&record(v)).len())
            .collect();
        assert_eq!(struck, [0, 0, 1, 1, 0]);
        assert_eq!(handle.strikes(), 2);
    }
}
