//! Failures as the API reports them: a `Status` object with code, reason, message and details.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::kinds::Resource;
use crate::managed_fields::{Conflict, conflict_message};

/// A request that failed, with everything that the `Status` of the answer needs.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) code: StatusCode,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    pub(crate) continue_token: Option<String>,
}

/// Marks failures that are answered as plain text; no reason of the API has this name.
const PLAIN_TEXT: &str = "(text)";

/// One invalid field, as `details.causes` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

impl ApiError {
    pub(crate) fn new(
        code: StatusCode,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { code, reason: reason.into(), message: message.into(), details: None, continue_token: None }
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        let mut details = Map::new();
        insert_unless_empty(&mut details, "name", name);
        insert_unless_empty(&mut details, "group", &resource.group);
        insert_unless_empty(&mut details, "kind", &resource.plural);
        self.details = Some(Value::Object(details));
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(resource, name)
    }

    pub(crate) fn no_such_path() -> Self {
        let mut error =
            Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource");
        error.details = Some(json!({}));
        error
    }

    /// A path outside of every group that is served: the one failure that the real server reports as plain text.
    pub(crate) fn page_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, PLAIN_TEXT, "404 page not found\n")
    }

    /// The text of a failure that is no Status.
    pub(crate) fn plain_text(&self) -> Option<&str> {
        (self.reason == PLAIN_TEXT).then_some(self.message.as_str())
    }

    pub(crate) fn method_not_allowed() -> Self {
        let mut error = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        error.details = Some(json!({}));
        error
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(resource, name)
    }

    /// A write that was based on an older state of the object.
    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        Self::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: impl AsRef<str>) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {}", resource.qualified(), why.as_ref());
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(resource, name)
    }

    /// A precondition of a delete that does not hold; the message names the kind, not the resource.
    pub(crate) fn precondition_failed(resource: &Resource, name: &str, why: &str) -> Self {
        let subject = if resource.group.is_empty() {
            resource.kind.clone()
        } else {
            format!("{}.{}", resource.kind, resource.group)
        };
        let message = format!("Operation cannot be fulfilled on {subject} \"{name}\": {why}");
        let mut error = Self::new(StatusCode::CONFLICT, "Conflict", message).about(resource, name);
        if let Some(details) = &mut error.details {
            details["kind"] = json!(resource.kind);
        }
        error
    }

    /// The UID given with a write is not that of the object.
    pub(crate) fn uid_conflict(
        resource: &Resource,
        name: &str,
        given: &str,
        stored: &str,
        key: &str,
    ) -> Self {
        Self::conflict(
            resource,
            name,
            format!(
                "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: UID in precondition: {given}, UID in object meta: {stored}"
            ),
        )
    }

    /// The version given as a precondition is not that of the object.
    pub(crate) fn version_conflict(
        resource: &Resource,
        name: &str,
        given: &str,
        stored: &str,
        key: &str,
    ) -> Self {
        Self::conflict(
            resource,
            name,
            format!(
                "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: ResourceVersion in precondition: {given}, ResourceVersion in object meta: {stored}"
            ),
        )
    }

    /// The UID given with a Scale is not that of its object.
    pub(crate) fn scale_uid_conflict(resource: &Resource, name: &str, given: &str, stored: &str) -> Self {
        let plural = format!("{}/scale", resource.plural);
        let qualified =
            if resource.group.is_empty() { plural.clone() } else { format!("{plural}.{}", resource.group) };
        let message = format!(
            "Operation cannot be fulfilled on {qualified} \"{name}\": Precondition failed: UID in precondition: {given}, \
             UID in object meta: {stored}"
        );
        let mut error = Self::new(StatusCode::CONFLICT, "Conflict", message).about(resource, name);
        if let Some(details) = &mut error.details {
            details["kind"] = json!(plural);
        }
        error
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: impl AsRef<str>) -> Self {
        let message = if name.is_empty() {
            format!("{} is forbidden: {}", resource.qualified(), why.as_ref())
        } else {
            format!("{} \"{name}\" is forbidden: {}", resource.qualified(), why.as_ref())
        };
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).about(resource, name)
    }

    /// An object that breaks the rules of its kind.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let subject = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut lines: Vec<String> = Vec::with_capacity(causes.len());
        for line in causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let text = match lines.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let mut error = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            format!("{subject} \"{name}\" is invalid: {text}"),
        );
        let mut details = Map::new();
        insert_unless_empty(&mut details, "name", name);
        insert_unless_empty(&mut details, "group", group);
        insert_unless_empty(&mut details, "kind", kind);
        let list = causes
            .iter()
            .map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field}))
            .collect::<Vec<_>>();
        details.insert("causes".to_owned(), Value::Array(list));
        error.details = Some(Value::Object(details));
        error
    }

    /// A patch that is well-formed and does not fit the object.
    pub(crate) fn unprocessable_patch() -> Self {
        let mut error = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            "the server rejected our request due to an error in our request",
        );
        error.details = Some(json!({}));
        error
    }

    /// A patch whose result is no object of the kind: refused with the whole result, as the real server does.
    pub(crate) fn undecodable_patch(result: &str, why: &str) -> Self {
        let cause = invalid_value("patch", Value::String(result.to_owned()), why);
        let mut error = Self::invalid("", "", "", &[cause]);
        if let Some(details) = error.details.as_mut().and_then(Value::as_object_mut) {
            details.retain(|key, _| key == "causes");
        }
        error
    }

    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// A patch of a type that the resource does not take; custom resources have no strategic merge patch.
    pub(crate) fn unsupported_patch(custom: bool) -> Self {
        if custom {
            return Self::unsupported_media_type(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            );
        }
        let mut error = Self::unsupported_media_type("415: Unsupported Media Type");
        error.details = Some(json!({}));
        error
    }

    /// An apply that would change what others own.
    pub(crate) fn apply_conflicts(conflicts: &[Conflict]) -> Self {
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|conflict| {
                json!({
                    "reason": "FieldManagerConflict",
                    "message": format!("conflict with {}", conflict.manager),
                    "field": conflict.field,
                })
            })
            .collect();
        let mut error = Self::new(StatusCode::CONFLICT, "Conflict", conflict_message(conflicts));
        error.details = Some(json!({"causes": causes}));
        error
    }

    pub(crate) fn not_acceptable() -> Self {
        let mut error = Self::new(
            StatusCode::NOT_ACCEPTABLE,
            "NotAcceptable",
            "406: Not Acceptable\n\nAvailable representations: application/json",
        );
        error.details = Some(json!({}));
        error
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {limit}"),
        )
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// A list asked for a state that does not exist yet.
    pub(crate) fn too_large_resource_version(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut error = Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message);
        error.details = Some(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }));
        error
    }

    pub(crate) fn internal(message: impl AsRef<str>) -> Self {
        let message = message.as_ref();
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            format!("Internal error occurred: {message}"),
        );
        error.details = Some(json!({"causes": [{"message": message}]}));
        error
    }

    pub(crate) fn with_cause(mut self, cause: Value) -> Self {
        let details = self.details.get_or_insert_with(|| json!({}));
        match details.get_mut("causes").and_then(Value::as_array_mut) {
            Some(causes) => causes.push(cause),
            None => details["causes"] = json!([cause]),
        }
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.details.get_or_insert_with(|| json!({}))["retryAfterSeconds"] = json!(seconds);
        self
    }

    /// Seconds that the client is asked to wait, for the `Retry-After` header.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.details.as_ref()?.get("retryAfterSeconds")?.as_u64()
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(token) = &self.continue_token {
            metadata.insert("continue".to_owned(), json!(token));
        }
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata,
            "status": "Failure",
            "message": self.message,
            "code": self.code.as_u16(),
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

fn insert_unless_empty(details: &mut Map<String, Value>, key: &str, value: &str) {
    if !value.is_empty() {
        details.insert(key.to_owned(), json!(value));
    }
}

/// A cause with the standard wording of `field.Invalid`.
pub(crate) fn invalid_value(field: &str, value: impl std::fmt::Display, why: &str) -> Cause {
    Cause {
        reason: "FieldValueInvalid".to_owned(),
        message: format!("Invalid value: {value}: {why}"),
        field: field.to_owned(),
    }
}

/// A cause with the standard wording of `field.Required`.
pub(crate) fn required(field: &str, why: &str) -> Cause {
    let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
    Cause { reason: "FieldValueRequired".to_owned(), message, field: field.to_owned() }
}

/// A cause with the standard wording of `field.Forbidden`.
pub(crate) fn forbidden_field(field: &str, why: &str) -> Cause {
    Cause {
        reason: "FieldValueForbidden".to_owned(),
        message: format!("Forbidden: {why}"),
        field: field.to_owned(),
    }
}
