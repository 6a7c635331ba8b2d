//! What a request to the API server asks for, read from method, path, query and headers alone.

mod kind;
mod query;
mod verb;

use std::borrow::Cow;

use http::{HeaderMap, Method, Uri, header};

pub(super) use kind::kind_of;
pub use verb::{Patch, Verb};

/// Bytes of a field manager that the API server keeps of a User-Agent.
const MAX_MANAGER: usize = 128;

/// One request for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRequest<'a> {
    /// What is asked for.
    pub verb: Verb,
    /// API group; empty for core.
    pub group: &'a str,
    /// `v1`.
    pub version: &'a str,
    /// `deployments`.
    pub resource: &'a str,
    /// `None` for cluster-scoped resources and for lists over all namespaces.
    pub namespace: Option<Cow<'a, str>>,
    /// `None` for the collection.
    pub name: Option<Cow<'a, str>>,
    /// `status`, `scale`, `eviction`, …
    pub subresource: Option<&'a str>,
    /// `dryRun=All`.
    pub dry_run: bool,
    /// The field manager that the server will record: the query's, else the front of the User-Agent.
    pub manager: Option<Cow<'a, str>>,
}

impl<'a> ResourceRequest<'a> {
    /// Reads a request; `None` where it is not for a resource (`/healthz`, `/api`, discovery).
    pub fn parse(method: &Method, uri: &'a Uri, headers: &'a HeaderMap) -> Option<Self> {
        let path = Path::parse(uri.path())?;
        let (mut watch, mut dry_run, mut manager) = (false, false, None);
        for (name, value) in query::pairs(uri.query().unwrap_or_default()) {
            match &*name {
                "watch" => watch = query::is_true(&value),
                "dryRun" => dry_run |= !value.is_empty(),
                "fieldManager" if !value.is_empty() => manager = Some(value),
                _ => {}
            }
        }
        // `/api/v1/watch/…` is the deprecated form of `?watch=true`.
        let verb = Verb::of(method, path.name.is_some(), watch || path.watch, content_type(headers))?;
        let manager = manager.or_else(|| from_user_agent(headers).map(Cow::Borrowed));
        Some(Self {
            verb,
            group: path.group,
            version: path.version,
            resource: path.resource,
            namespace: path.namespace,
            name: path.name,
            subresource: path.subresource,
            dry_run,
            manager,
        })
    }

    /// Whether the answer is an endless stream.
    pub fn is_watch(&self) -> bool {
        self.verb == Verb::Watch
    }
}

/// Whether the body says of itself that it is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers) == "application/json"
}

/// The media type without its parameters; JSON where the request names none, as the API server takes it.
fn content_type(headers: &HeaderMap) -> &str {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return "application/json" };
    let text = value.to_str().unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim()
}

/// The manager that the API server takes from a User-Agent: what stands before the first `/`, at most 128 bytes.
fn from_user_agent(headers: &HeaderMap) -> Option<&str> {
    let front = headers.get(header::USER_AGENT)?.to_str().ok()?.split('/').next()?;
    let mut end = front.len().min(MAX_MANAGER);
    while !front.is_char_boundary(end) {
        end -= 1;
    }
    (end > 0).then_some(&front[..end])
}

struct Path<'a> {
    group: &'a str,
    version: &'a str,
    resource: &'a str,
    namespace: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    subresource: Option<&'a str>,
    watch: bool,
}

impl<'a> Path<'a> {
    /// Reads `/api/VERSION/…` and `/apis/GROUP/VERSION/…`, whatever prefix a proxy puts before them.
    fn parse(path: &'a str) -> Option<Self> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let group = loop {
            match segments.next()? {
                "api" => break "",
                "apis" => break segments.next()?,
                _ => {}
            }
        };
        let version = segments.next()?;
        let mut rest: Vec<&'a str> = segments.collect();
        let watch = rest.first() == Some(&"watch");
        if watch {
            rest.remove(0);
        }
        // `/namespaces/NAME/status` is the namespace's own status, `/namespaces/NAME/pods` is in the namespace.
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", _] | ["namespaces", _, "status" | "finalize", ..] => (None, rest.as_slice()),
            ["namespaces", namespace, rest @ ..] => (Some(query::decoded(namespace)), rest),
            rest => (None, rest),
        };
        let resource = *rest.first()?;
        let name = rest.get(1).map(|name| query::decoded(name));
        let mut subresource = rest.get(2).copied();
        if group.is_empty() && resource == "bindings" {
            // The old form of `pods/binding`: what it carries goes to the pod.
            subresource = Some("binding");
        }
        Some(Self { group, version, resource, namespace, name, subresource, watch })
    }
}

#[cfg(test)]
mod tests;
