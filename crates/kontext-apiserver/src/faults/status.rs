//! The Status that the real server answers with at a code.

use http::StatusCode;
use kube::core::Status;
use serde_json::json;

use crate::error::ApiError;
use crate::record::RequestRecord;
use crate::service::Reply;

/// The answer at this code, about the object that was asked for.
pub(super) fn status(code: u16, retry_after: Option<u64>, record: &RequestRecord) -> Reply {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let subject = format!("{} {:?}", qualified(record), record.name);
    let (reason, message) = match status.as_u16() {
        400 => ("BadRequest", "the request is not understood".to_owned()),
        401 => ("Unauthorized", "Unauthorized".to_owned()),
        403 => ("Forbidden", format!("{subject} is forbidden: injected fault")),
        404 => ("NotFound", format!("{subject} not found")),
        409 if record.verb == "create" => ("AlreadyExists", format!("{subject} already exists")),
        409 => (
            "Conflict",
            format!(
                "Operation cannot be fulfilled on {subject}: the object has been modified; please apply your changes \
                 to the latest version and try again"
            ),
        ),
        410 => ("Expired", "The resourceVersion for the provided watch is too old.".to_owned()),
        422 => ("Invalid", format!("{subject} is invalid: injected fault")),
        429 => (
            "TooManyRequests",
            "The server has received too many requests and has asked us to try again later".to_owned(),
        ),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request".to_owned()),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request"
                .to_owned(),
        ),
        _ => ("InternalError", "Internal error occurred: injected fault".to_owned()),
    };
    let mut error = ApiError::new(status, reason, message);
    if matches!(status.as_u16(), 403 | 404 | 409 | 422) && !record.resource.is_empty() {
        let about = [("name", &record.name), ("group", &record.group), ("kind", &record.resource)];
        let present = about.iter().filter(|(_, value)| !value.is_empty());
        error.details = Some(present.map(|(key, value)| ((*key).to_owned(), json!(value))).collect());
    }
    Reply::failure(&match retry_after {
        Some(seconds) => error.retry_after(seconds),
        None => error,
    })
}

/// A Status of the test's own making.
pub(super) fn answer(status: &Status, retry_after: Option<u64>) -> Reply {
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!(status);
    body["apiVersion"] = json!("v1");
    body["kind"] = json!("Status");
    body["code"] = json!(code.as_u16());
    if body["metadata"].is_null() {
        body["metadata"] = json!({});
    }
    let asked =
        status.details.as_ref().map(|details| u64::from(details.retry_after_seconds)).filter(|s| *s > 0);
    let retry_after = retry_after.or(asked);
    if let Some(seconds) = retry_after {
        body["details"]["retryAfterSeconds"] = json!(seconds);
    }
    Reply { retry_after, ..Reply::json(code, &body, false) }
}

/// `deployments.apps`, or `pods` for the core group.
fn qualified(record: &RequestRecord) -> String {
    if record.group.is_empty() {
        record.resource.clone()
    } else {
        format!("{}.{}", record.resource, record.group)
    }
}
