//! What a path, a method and a query ask for.

use std::sync::Arc;

use http::Method;

use crate::error::ApiError;
use crate::kinds::{Registry, Resource};

/// The verbs of the API, as authorisation and audit name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// A request for a resource of the API.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) verb: Verb,
}

impl Target {
    /// Whether the request is about a namespace itself.
    pub(crate) fn is_namespace(&self) -> bool {
        self.resource.group.is_empty() && self.resource.plural == "namespaces"
    }
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Discovery, health, version.
    NonResource,
    Resource(Target),
}

/// Where a resource's path begins, before it is known whether the resource exists.
struct ResourcePath<'a> {
    group: &'a str,
    version: &'a str,
    namespace: String,
    plural: String,
    name: String,
    subresource: String,
}

/// Finds out what is asked for. Paths of unknown resources are errors.
pub(crate) fn route(
    registry: &Registry,
    method: &Method,
    path: &str,
    query: &Query,
) -> Result<Route, ApiError> {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Route::NonResource),
    };
    if !registry.serves(group, version) {
        return Err(ApiError::page_not_found());
    }
    // Nobody answers for a group that is defined, beyond what is defined in it.
    let unknown = || {
        let built_in =
            registry.resources().iter().any(|resource| resource.group == group && resource.custom.is_none());
        if built_in { ApiError::no_such_path() } else { ApiError::page_not_found() }
    };
    let parts = resource_path(registry, group, version, rest).ok_or_else(ApiError::no_such_path)?;
    let resource = registry.find(parts.group, parts.version, &parts.plural).cloned().ok_or_else(unknown)?;
    if !parts.namespace.is_empty() && !resource.namespaced && parts.plural != "namespaces" {
        return Err(ApiError::no_such_path());
    }
    if resource.namespaced && parts.namespace.is_empty() && !parts.name.is_empty() {
        return Err(ApiError::no_such_path());
    }
    let verb = verb(method, &parts, query).ok_or_else(ApiError::method_not_allowed)?;
    allowed(&resource, &parts, verb)?;
    let namespace = if resource.namespaced { parts.namespace } else { String::new() };
    Ok(Route::Resource(Target {
        resource,
        namespace,
        name: parts.name,
        subresource: parts.subresource,
        verb,
    }))
}

fn resource_path<'a>(
    registry: &Registry,
    group: &'a str,
    version: &'a str,
    rest: &[&str],
) -> Option<ResourcePath<'a>> {
    let mut decoded = rest.iter().map(|s| decode_segment(s)).collect::<Option<Vec<_>>>()?.into_iter();
    let first = decoded.next()?;
    let mut parts = ResourcePath {
        group,
        version,
        namespace: String::new(),
        plural: first,
        name: String::new(),
        subresource: String::new(),
    };
    let remaining: Vec<String> = decoded.collect();
    // `namespaces/x/pods` is about pods; `namespaces/x/status` and `/finalize` are about the namespace itself.
    let is_namespace_itself = |plural: &String| {
        registry
            .find("", "v1", "namespaces")
            .is_some_and(|r| group.is_empty() && r.subresource(plural).is_some())
    };
    let tail = match remaining.as_slice() {
        [namespace, plural, tail @ ..] if parts.plural == "namespaces" && !is_namespace_itself(plural) => {
            parts.namespace.clone_from(namespace);
            parts.plural.clone_from(plural);
            tail
        }
        tail => tail,
    };
    match tail {
        [] => {}
        [name] => parts.name.clone_from(name),
        [name, subresource] => {
            parts.name.clone_from(name);
            parts.subresource.clone_from(subresource);
        }
        _ => return None,
    }
    Some(parts)
}

fn verb(method: &Method, parts: &ResourcePath<'_>, query: &Query) -> Option<Verb> {
    let named = !parts.name.is_empty();
    Some(match (method.as_str(), named) {
        ("GET", false) if query.flag("watch") => Verb::Watch,
        ("GET", true) => Verb::Get,
        ("GET", false) => Verb::List,
        ("POST", false) => Verb::Create,
        ("POST", true) if !parts.subresource.is_empty() => Verb::Create,
        ("PUT", true) => Verb::Update,
        ("PATCH", true) => Verb::Patch,
        ("DELETE", true) => Verb::Delete,
        ("DELETE", false) => Verb::DeleteCollection,
        _ => return None,
    })
}

fn allowed(resource: &Resource, parts: &ResourcePath<'_>, verb: Verb) -> Result<(), ApiError> {
    let verbs = if parts.subresource.is_empty() {
        &resource.verbs
    } else {
        let missing = || match &resource.custom {
            Some(_) => ApiError::not_found(resource, &parts.name),
            None => ApiError::no_such_path(),
        };
        &resource.subresource(&parts.subresource).ok_or_else(missing)?.verbs
    };
    // A namespaced kind is created in a namespace only.
    let placed = !resource.namespaced || !parts.namespace.is_empty();
    let possible = placed || !matches!(verb, Verb::Create | Verb::DeleteCollection);
    if possible && verbs.iter().any(|v| v == verb.as_str()) {
        Ok(())
    } else {
        Err(ApiError::method_not_allowed())
    }
}

/// Decodes `%xx` in one segment of a path; `None` where the result is no text, or would leave its segment.
fn decode_segment(segment: &str) -> Option<String> {
    let text = percent_decode(segment, false)?;
    (!text.is_empty() && text != "." && text != ".." && !text.contains('/')).then_some(text)
}

fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    if !text.contains(['%', '+']) {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// The parameters of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Result<Self, ApiError> {
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((percent_decode(key, true)?, percent_decode(value, true)?))
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
            .ok_or_else(|| ApiError::bad_request("invalid URL escape in the query"))
    }

    /// The first value of a parameter; the empty string counts as not given.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    pub(crate) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Whether a boolean parameter is set; `?watch` alone counts.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.0.iter().any(|(k, v)| k == key && !matches!(v.as_str(), "false" | "0" | "False" | "FALSE"))
    }

    /// A number, where one is given.
    pub(crate) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.values(key).next() else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let wrong = if out_of_range(text) { "value out of range" } else { "invalid syntax" };
            ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: {wrong}"))
        })
    }
}

/// Whether a text that does not fit its type is a whole number all the same.
pub(super) fn out_of_range(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(method: &str, path: &str, query: &str) -> String {
        let query = Query::parse(query).unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        match route(&Registry::built_in(), &method, path, &query) {
            Ok(Route::NonResource) => "non-resource".to_owned(),
            Ok(Route::Resource(t)) => format!(
                "{} {} ns={} name={} sub={}",
                t.verb.as_str(),
                t.resource.qualified(),
                t.namespace,
                t.name,
                t.subresource
            ),
            Err(error) => format!("{} {}", error.code.as_u16(), error.reason),
        }
    }

    #[test]
    fn paths_say_what_is_asked_for() {
        let cases = [
            ("GET", "/api/v1/pods", "", "list pods ns= name= sub="),
            ("GET", "/api/v1/namespaces/a/pods", "watch=true", "watch pods ns=a name= sub="),
            ("GET", "/api/v1/namespaces/a", "watch=1", "get namespaces ns= name=a sub="),
            ("PUT", "/api/v1/namespaces/a/finalize", "", "update namespaces ns= name=a sub=finalize"),
            ("GET", "/api/v1/namespaces/a/status", "", "get namespaces ns= name=a sub=status"),
            (
                "PATCH",
                "/apis/apps/v1/namespaces/a/deployments/w/scale",
                "",
                "patch deployments.apps ns=a name=w sub=scale",
            ),
            ("POST", "/api/v1/namespaces/a/pods/p/binding", "", "create pods ns=a name=p sub=binding"),
            ("DELETE", "/api/v1/namespaces/a/pods", "", "deletecollection pods ns=a name= sub="),
            (
                "GET",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
                "",
                "get clusterroles.rbac.authorization.k8s.io ns= name=system:node sub=",
            ),
            ("GET", "/apis/apps/v1", "", "non-resource"),
            ("GET", "/healthz", "", "non-resource"),
            ("GET", "/api/v1/nothing", "", "404 NotFound"),
            ("GET", "/apis/nothing/v1/pods", "", "404 (text)"),
            ("GET", "/api/v1/namespaces/a/pods/p/log", "", "404 NotFound"),
            ("POST", "/api/v1/pods", "", "405 MethodNotAllowed"),
            ("POST", "/api/v1/namespaces/a/pods/p", "", "405 MethodNotAllowed"),
            ("DELETE", "/api/v1/namespaces", "", "405 MethodNotAllowed"),
            ("GET", "/api/v1/namespaces/a/pods/..%2f", "", "404 NotFound"),
            ("GET", "/api/v1/namespaces/a/nodes/n", "", "404 NotFound"),
        ];
        for (method, path, query, expected) in cases {
            assert_eq!(describe(method, path, query), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_query_is_decoded() {
        let query = Query::parse("labelSelector=app+in+%28a%2Cb%29&watch&limit=5").unwrap();
        assert_eq!(query.value("labelSelector"), Some("app in (a,b)"));
        assert!(query.flag("watch") && !query.flag("other"));
        assert_eq!(query.number::<u32>("limit").unwrap(), Some(5));
        assert!(Query::parse("a=%zz").is_err());
    }
}
