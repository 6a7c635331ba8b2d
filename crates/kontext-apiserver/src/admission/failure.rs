//! What comes of a webhook that could not be asked, or that said no.

use http::StatusCode;
use serde_json::Value;

use crate::error::ApiError;

/// How asking one webhook went wrong.
#[derive(Debug)]
pub(super) enum Failure {
    /// It could not be asked, or its answer made no sense: the failure policy decides.
    Calling(String),
    /// It said no, or the request cannot be put to it: refused whatever the failure policy says.
    Refused(Box<ApiError>),
}

impl Failure {
    pub(super) fn call(why: impl std::fmt::Display) -> Self {
        Self::Calling(format!("failed to call webhook: {why}"))
    }

    pub(super) fn invalid(why: impl std::fmt::Display) -> Self {
        Self::Calling(format!("received invalid webhook response: {why}"))
    }

    pub(super) fn internal(why: impl AsRef<str>) -> Self {
        Self::Refused(Box::new(ApiError::internal(why)))
    }

    /// A webhook with side effects cannot be asked about a dry run.
    pub(super) fn dry_run_unsupported(webhook: &str) -> Self {
        let why = format!("admission webhook {webhook:?} does not support dry run");
        Self::Refused(Box::new(ApiError::bad_request(why)))
    }

    /// The refusal that a webhook's answer carries.
    pub(super) fn denied(webhook: &str, status: &Value) -> Self {
        let text = |field: &str| status[field].as_str().unwrap_or_default();
        let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
        let code = StatusCode::from_u16(code.max(400)).unwrap_or(StatusCode::BAD_REQUEST);
        let denied = format!("admission webhook {webhook:?} denied the request");
        let message = match (text("message"), text("reason")) {
            ("", "") => format!("{denied} without explanation"),
            ("", reason) => format!("{denied}: {reason}"),
            (message, _) => format!("{denied}: {message}"),
        };
        let mut error = ApiError::new(code, text("reason").to_owned(), message);
        error.details = Some(status["details"].clone()).filter(|details| !details.is_null());
        Self::Refused(Box::new(error))
    }

    /// The answer to the client; nothing if the failure is to be ignored.
    pub(super) fn verdict(self, webhook: &str, ignore_failures: bool) -> Result<(), ApiError> {
        match self {
            Self::Refused(error) => Err(*error),
            Self::Calling(why) if ignore_failures => {
                tracing::warn!(webhook, why, "failed calling webhook, failing open");
                Ok(())
            }
            Self::Calling(why) => {
                Err(ApiError::internal(format!("failed calling webhook {webhook:?}: {why}")))
            }
        }
    }
}
