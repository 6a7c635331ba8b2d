//! Which requests meet with which fault, and how often.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kube::core::Status;

use super::fault::Fault;
use crate::record::RequestRecord;

type Predicate = Arc<dyn Fn(&RequestRecord) -> bool + Send + Sync>;

/// Which requests meet with which fault, and how often: once, unless it says otherwise.
///
/// ```
/// use kontext_apiserver::Rule;
///
/// let first_create = Rule::commit_then_reset().verb("create").resource("pods");
/// let each_tenth_write = Rule::conflict().verbs(["update", "patch"]).user("my-operator").probability(0.1);
/// let read_back: Rule = "409,verb=update|patch,user=my-operator,probability=0.1".parse()?;
/// assert_eq!(each_tenth_write.to_string(), read_back.to_string());
/// # let _ = first_create;
/// # Ok::<(), kontext_apiserver::RuleError>(())
/// ```
#[derive(Clone)]
pub struct Rule {
    pub(super) fault: Fault,
    verbs: Vec<String>,
    group: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    user: Option<String>,
    user_agent: Option<String>,
    field_manager: Option<String>,
    predicate: Option<Predicate>,
    times: Option<u64>,
    pub(super) skip: u64,
    pub(super) probability: Option<f64>,
    pub(super) retry_after: Option<u64>,
}

/// Faults, each for every request, once. Narrow them down with the other methods.
impl Rule {
    /// Any fault.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            verbs: Vec::new(),
            group: None,
            resource: None,
            subresource: None,
            namespace: None,
            name: None,
            user: None,
            user_agent: None,
            field_manager: None,
            predicate: None,
            times: None,
            skip: 0,
            probability: None,
            retry_after: None,
        }
    }

    /// `429 Too Many Requests` with `Retry-After`, as from priority and fairness.
    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        Self::new(Fault::Status(429)).retry_after(retry_after_seconds)
    }

    /// `409 Conflict`, as when somebody else wrote first; for a create `AlreadyExists`.
    pub fn conflict() -> Self {
        Self::new(Fault::Status(409))
    }

    /// `403 Forbidden`, as from missing rights or a quota.
    pub fn forbidden() -> Self {
        Self::new(Fault::Status(403))
    }

    /// `500 Internal Server Error`.
    pub fn internal_error() -> Self {
        Self::new(Fault::Status(500))
    }

    /// `503 Service Unavailable`.
    pub fn unavailable() -> Self {
        Self::new(Fault::Status(503))
    }

    /// `504 Gateway Timeout`; nothing was done. See [`Fault::CommitThenStatus`] for one where it was.
    pub fn timeout() -> Self {
        Self::new(Fault::Status(504))
    }

    /// This `Status`, under its code.
    pub fn answer(status: Status) -> Self {
        Self::new(Fault::Answer(Box::new(status)))
    }

    /// [`Fault::ResetBeforeCommit`].
    pub fn reset() -> Self {
        Self::new(Fault::ResetBeforeCommit)
    }

    /// [`Fault::CommitThenReset`].
    pub fn commit_then_reset() -> Self {
        Self::new(Fault::CommitThenReset)
    }

    /// [`Fault::Delay`].
    pub fn delay(delay: Duration) -> Self {
        Self::new(Fault::Delay(delay))
    }

    /// [`Fault::ResetWatchAfter`].
    pub fn reset_watch_after(events: u64) -> Self {
        Self::new(Fault::ResetWatchAfter(events))
    }

    /// [`Fault::DelayEvents`].
    pub fn delay_events(delay: Duration) -> Self {
        Self::new(Fault::DelayEvents(delay))
    }

    /// [`Fault::StaleRead`].
    pub fn stale_read(writes: u64) -> Self {
        Self::new(Fault::StaleRead(writes))
    }

    /// [`Fault::Compact`].
    pub fn compact() -> Self {
        Self::new(Fault::Compact)
    }
}

/// Which requests.
impl Rule {
    /// Only requests with this verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or
    /// `deletecollection`.
    #[must_use]
    pub fn verb(self, verb: impl Into<String>) -> Self {
        self.verbs([verb])
    }

    /// Only requests with one of these verbs.
    #[must_use]
    pub fn verbs<V: Into<String>>(mut self, verbs: impl IntoIterator<Item = V>) -> Self {
        self.verbs = verbs.into_iter().map(Into::into).collect();
        self
    }

    /// Only requests for resources of this API group; the empty name means the core group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Only requests for this resource, by its plural name: `pods`, or with a subresource `pods/status`, as in RBAC's
    /// rules. Without a subresource, requests for subresources match too.
    #[must_use]
    pub fn resource(mut self, plural: impl Into<String>) -> Self {
        let plural = plural.into();
        match plural.split_once('/') {
            Some((plural, subresource)) => {
                self.resource = Some(plural.to_owned());
                self.subresource = Some(subresource.to_owned());
            }
            None => self.resource = Some(plural),
        }
        self
    }

    /// Only requests for this subresource; the empty name means the object itself.
    #[must_use]
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = Some(name.into());
        self
    }

    /// Only requests with this namespace in their path.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Only requests with this object's name in their path; a create has none there.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only requests of this user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Only requests whose `User-Agent` contains this.
    #[must_use]
    pub fn user_agent(mut self, part: impl Into<String>) -> Self {
        self.user_agent = Some(part.into());
        self
    }

    /// Only writes under this field manager.
    #[must_use]
    pub fn field_manager(mut self, manager: impl Into<String>) -> Self {
        self.field_manager = Some(manager.into());
        self
    }

    /// Only requests for which this holds. The record has no answer yet.
    #[must_use]
    pub fn when(mut self, predicate: impl Fn(&RequestRecord) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    pub(super) fn matches(&self, record: &RequestRecord) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        self.fault.concerns(&record.verb, &record.subresource)
            && (self.verbs.is_empty() || self.verbs.contains(&record.verb))
            && fits(&self.group, &record.group)
            && fits(&self.resource, &record.resource)
            && fits(&self.subresource, &record.subresource)
            && fits(&self.namespace, &record.namespace)
            && fits(&self.name, &record.name)
            && fits(&self.user, &record.user)
            && self.user_agent.as_deref().is_none_or(|part| record.user_agent.contains(part))
            && fits(&self.field_manager, &record.field_manager)
            && self.predicate.as_ref().is_none_or(|holds| holds(record))
    }
}

/// How often.
impl Rule {
    /// Strikes this many times, and never again. Without this: once, or with a [`Rule::probability`] always.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
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

    /// Strikes the n-th match, counted from 1, and only that.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        self.after(n.saturating_sub(1)).times(1)
    }

    /// Strikes each match with this probability (0 to 1), drawn from the server's seed.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability.clamp(0.0, 1.0));
        self
    }

    /// Asks the client to wait this many seconds (`Retry-After`); for [`Fault::Status`] and [`Fault::Answer`] only.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// How often the rule may strike in all.
    pub(super) fn limit(&self) -> u64 {
        self.times.unwrap_or(if self.probability.is_some() { u64::MAX } else { 1 })
    }
}

/// As [`Rule`]'s `FromStr` reads it; a predicate shows as `when=...`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        if !self.verbs.is_empty() {
            write!(f, ",verb={}", self.verbs.join("|"))?;
        }
        let texts = [
            ("group", &self.group),
            ("resource", &self.resource),
            ("subresource", &self.subresource),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("user", &self.user),
            ("user-agent", &self.user_agent),
            ("field-manager", &self.field_manager),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                write!(f, ",{key}={value}")?;
            }
        }
        if self.predicate.is_some() {
            f.write_str(",when=...")?;
        }
        if self.skip > 0 {
            write!(f, ",after={}", self.skip)?;
        }
        if let Some(probability) = self.probability {
            write!(f, ",probability={probability}")?;
        }
        match self.times {
            Some(u64::MAX) => f.write_str(",times=always")?,
            Some(times) => write!(f, ",times={times}")?,
            None => {}
        }
        match self.retry_after {
            Some(seconds) => write!(f, ",retry-after={seconds}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({self})")
    }
}
