//! Questions to the request log, and how it reads.

use std::fmt;
use std::ops::Deref;

use crate::record::RequestRecord;

/// Requests, oldest first: a slice of [`RequestRecord`]s that can be narrowed down and shown.
///
/// ```
/// # use kontext_apiserver::ApiServer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = ApiServer::builder().repeatable(1).start().await;
/// // ... the operator has run ...
/// let writes = server.requests().by("my-operator").writes();
/// assert!(writes.clone().of("configmaps").len() <= 3, "too many writes:\n{writes}");
/// assert!(server.requests().by("my-operator").failed().is_empty());
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Requests(Vec<RequestRecord>);

impl Requests {
    pub(crate) fn new(records: Vec<RequestRecord>) -> Self {
        Self(records)
    }

    /// Those for which this holds.
    #[must_use]
    pub fn filter(mut self, holds: impl FnMut(&RequestRecord) -> bool) -> Self {
        self.0.retain(holds);
        self
    }

    /// Those of this user.
    #[must_use]
    pub fn by(self, user: &str) -> Self {
        self.filter(|request| request.user == user)
    }

    /// Those with this verb.
    #[must_use]
    pub fn verb(self, verb: &str) -> Self {
        self.filter(|request| request.verb == verb)
    }

    /// Those for this resource: `pods` with its subresources, `pods/` without, `pods/status` that alone.
    #[must_use]
    pub fn of(self, resource: &str) -> Self {
        let (plural, subresource) =
            resource.split_once('/').map_or((resource, None), |(plural, sub)| (plural, Some(sub)));
        self.filter(|request| {
            request.resource == plural && subresource.is_none_or(|wanted| request.subresource == wanted)
        })
    }

    /// Those for objects of this name. A create counts under the name of what it made.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.filter(|request| request.name == name)
    }

    /// Those in this namespace.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        self.filter(|request| request.namespace == namespace)
    }

    /// Those that asked for a write, be it that it failed or changed nothing.
    #[must_use]
    pub fn writes(self) -> Self {
        self.filter(RequestRecord::is_write)
    }

    /// Those that wrote something.
    #[must_use]
    pub fn changed(self) -> Self {
        self.filter(|request| request.changed)
    }

    /// Those that were answered with 400 and above, or not at all.
    #[must_use]
    pub fn failed(self) -> Self {
        self.filter(|request| request.status >= 400 || request.reset)
    }

    /// Those that an injected fault struck.
    #[must_use]
    pub fn struck(self) -> Self {
        self.filter(|request| !request.faults.is_empty())
    }
}

impl Deref for Requests {
    type Target = [RequestRecord];

    fn deref(&self) -> &[RequestRecord] {
        &self.0
    }
}

impl IntoIterator for Requests {
    type Item = RequestRecord;
    type IntoIter = std::vec::IntoIter<RequestRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Requests {
    type Item = &'a RequestRecord;
    type IntoIter = std::slice::Iter<'a, RequestRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<RequestRecord> for Requests {
    fn from_iter<I: IntoIterator<Item = RequestRecord>>(records: I) -> Self {
        Self(records.into_iter().collect())
    }
}

/// A line each.
impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, request) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{request}")?;
        }
        Ok(())
    }
}

/// The lines: an assertion that fails shows this.
impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `alice patch deployments.apps/status default/web -> 200 changed`: without times and ids, so that two runs can be
/// compared.
impl fmt::Display for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = if self.user.is_empty() { "(nobody)" } else { &self.user };
        write!(f, "{user} {} ", self.verb)?;
        if self.resource.is_empty() {
            f.write_str(&self.path)?;
        } else {
            f.write_str(&self.resource)?;
            if !self.group.is_empty() {
                write!(f, ".{}", self.group)?;
            }
            if !self.subresource.is_empty() {
                write!(f, "/{}", self.subresource)?;
            }
            match (self.namespace.as_str(), self.name.as_str()) {
                ("", "") => {}
                ("", name) => write!(f, " {name}")?,
                (namespace, name) => write!(f, " {namespace}/{name}")?,
            }
        }
        write!(f, " -> {}", self.status)?;
        for (holds, word) in [(self.changed, "changed"), (self.dry_run, "dry-run"), (self.reset, "reset")] {
            if holds {
                write!(f, " {word}")?;
            }
        }
        if self.faults.is_empty() { Ok(()) } else { write!(f, " [{}]", self.faults.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(user: &str, verb: &str, resource: &str, name: &str) -> RequestRecord {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        RequestRecord {
            user: user.to_owned(),
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            name: name.to_owned(),
            status: 200,
            ..RequestRecord::default()
        }
    }

    #[test]
    fn requests_are_narrowed_down_and_shown() {
        let mut all = vec![
            record("alice", "create", "pods", "a"),
            record("bob", "patch", "pods/status", "a"),
            record("bob", "get", "nodes", "n"),
            record("", "get", "", ""),
        ];
        all[0].changed = true;
        all[0].namespace = "default".to_owned();
        all[1].status = 409;
        all[1].group = "apps".to_owned();
        all[1].faults = vec!["409".to_owned()];
        all[3].path = "/version".to_owned();
        let all = Requests::new(all);
        expect_test::expect![[r#"
            alice create pods default/a -> 200 changed
            bob patch pods.apps/status a -> 409 [409]
            bob get nodes n -> 200
            (nobody) get /version -> 200"#]]
        .assert_eq(&all.to_string());
        let count = |narrow: fn(Requests) -> Requests| narrow(all.clone()).len();
        assert_eq!(count(|r| r.by("bob")), 2);
        assert_eq!(count(|r| r.by("bob").writes()), 1);
        assert_eq!(count(|r| r.of("pods")), 2);
        assert_eq!(count(|r| r.of("pods/")), 1);
        assert_eq!(count(|r| r.of("pods/status").failed().struck()), 1);
        assert_eq!(count(|r| r.verb("get").named("n")), 1);
        assert_eq!(count(|r| r.in_namespace("default").changed()), 1);
    }
}
