//! Who asks.

use std::collections::BTreeMap;

use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap};
use serde_json::{Value, json};

use super::certificate;
use super::route::{Query, Route};
use crate::error::{ApiError, Cause, invalid_value};
use crate::server::Shared;

/// The user that a request comes from. Put it into a request's extensions to speak as that user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct User {
    /// The name, as it appears in the request log.
    pub name: String,
    /// Groups; webhooks see `system:authenticated` besides.
    pub groups: Vec<String>,
    /// What tells users of one name apart over time; empty where there is nothing.
    pub uid: String,
    /// Further facts that the way of authentication brings along.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// The user of this name, in no group.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The same user in these groups.
    #[must_use]
    pub fn in_groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// The same user with this uid.
    #[must_use]
    pub fn with_uid(mut self, uid: impl Into<String>) -> Self {
        self.uid = uid.into();
        self
    }

    /// The same user with one more fact.
    #[must_use]
    pub fn with_extra<V: Into<String>>(
        mut self,
        key: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.extra.insert(key.into(), values.into_iter().map(Into::into).collect());
        self
    }

    /// Whether this is nobody in particular.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS
    }

    /// The user as a request knows it: everyone is in a group that says whether they are known.
    fn with_standing(mut self) -> Self {
        let standing = if self.is_anonymous() { "system:unauthenticated" } else { "system:authenticated" };
        if !self.groups.iter().any(|group| group == standing) {
            self.groups.push(standing.to_owned());
        }
        self
    }

    /// The `UserInfo` object.
    pub(crate) fn info(&self) -> Value {
        let mut info = json!({"username": self.name});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        if !self.groups.is_empty() {
            info["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }
}

/// The name of those who say nothing about themselves.
const ANONYMOUS: &str = "system:anonymous";

/// Finds out who asks: an extension, a client certificate, a bearer token, or nobody in particular.
pub(super) fn authenticate(
    shared: &Shared,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<User, ApiError> {
    if let Some(user) = extensions.get::<User>() {
        return Ok(user.clone().with_standing());
    }
    if let Some(user) = certificate::user(extensions) {
        return Ok(user.with_standing());
    }
    let Some(header) = headers.get(AUTHORIZATION) else {
        return Ok(User::named(ANONYMOUS).with_standing());
    };
    header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| shared.tokens.user(token.trim()))
        .map(User::with_standing)
        .ok_or_else(ApiError::unauthorized)
}

/// Everybody with a name may do everything; nobody in particular may see health and version.
pub(super) fn authorize(user: &User, path: &str, route: &Route) -> Result<(), ApiError> {
    if !user.is_anonymous() || matches!(path, "/healthz" | "/livez" | "/readyz" | "/version") {
        return Ok(());
    }
    match route {
        Route::NonResource => Err(ApiError::new(
            http::StatusCode::FORBIDDEN,
            "Forbidden",
            format!("forbidden: User {ANONYMOUS:?} cannot get path {path:?}"),
        )),
        Route::Resource(target) => {
            let place = if target.namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {:?}", target.namespace)
            };
            let why = format!(
                "User {ANONYMOUS:?} cannot {} resource {:?} in API group {:?} {place}",
                target.verb.as_str(),
                target.resource.plural,
                target.resource.group
            );
            Err(ApiError::forbidden(&target.resource, &target.name, why))
        }
    }
}

/// The field manager of a writer that names none: the first part of its User-Agent.
pub(super) fn default_field_manager(user_agent: &str) -> String {
    let manager = user_agent.split('/').next().unwrap_or_default();
    let printable: String = manager.chars().filter(|c| !c.is_control()).take(128).collect();
    if printable.is_empty() { "unknown".to_owned() } else { printable }
}

/// The field manager that a request asks for, if it is a valid one.
pub(super) fn field_manager(query: &Query, user_agent: &str, options_kind: &str) -> Result<String, ApiError> {
    let Some(manager) = query.value("fieldManager") else { return Ok(default_field_manager(user_agent)) };
    let cause = if manager.len() > 128 {
        Cause {
            reason: "FieldValueTooLong".to_owned(),
            message: "Too long: may not be more than 128 bytes".to_owned(),
            field: "fieldManager".to_owned(),
        }
    } else if let Some((at, strange)) = manager.chars().enumerate().find(|(_, c)| c.is_control()) {
        let why = format!("invalid character U+{:04X} (at position {at})", u32::from(strange));
        invalid_value("fieldManager", go_quoted(manager), &why)
    } else {
        return Ok(manager.to_owned());
    };
    Err(ApiError::invalid("meta.k8s.io", options_kind, "", &[cause]))
}

/// A text in quotes, as the API prints values: control characters as `\\x01`.
fn go_quoted(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c.is_control() && u32::from(c) < 0x80 => format!("\\x{:02x}", u32::from(c)),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{inner}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_manager_comes_from_the_user_agent_unless_named() {
        assert_eq!(default_field_manager("kubectl/v1.36.0 (linux/amd64)"), "kubectl");
        assert_eq!(default_field_manager(""), "unknown");
        let named = Query::parse("fieldManager=me").unwrap();
        assert_eq!(field_manager(&named, "kubectl/v1", "CreateOptions").unwrap(), "me");
        let long = Query::parse(&format!("fieldManager={}", "m".repeat(129))).unwrap();
        assert_eq!(field_manager(&long, "", "CreateOptions").unwrap_err().code, 422);
    }
}
