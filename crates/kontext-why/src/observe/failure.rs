//! What an error of the client means to the person who asks.

use std::{error::Error, time::Duration};

use kontext_core::text::{harmless, shortened};

use crate::error::WhyError;

/// Longest text taken over from a server.
const MAX_MESSAGE: usize = 400;

/// What was tried, for messages.
pub(super) struct Attempt<'a> {
    pub(super) verb: &'static str,
    pub(super) resource: String,
    pub(super) namespace: Option<&'a str>,
    /// `Pod web` and `pod/web`, where one object was asked for.
    pub(super) object: Option<(String, String)>,
    pub(super) server: &'a str,
}

impl Attempt<'_> {
    pub(super) fn timed_out(&self, after: Duration) -> WhyError {
        WhyError::ServerAway { server: self.server.into(), cause: format!("no answer within {after:?}") }
    }

    pub(super) fn failed(&self, error: &kube::Error) -> WhyError {
        let namespace = self.namespace.map(Into::into);
        match error {
            kube::Error::Api(status) => match (status.code, &self.object) {
                (401, _) => WhyError::Unauthorised(fit(&status.message)),
                (403, _) => WhyError::Forbidden {
                    verb: self.verb,
                    resource: self.resource.clone(),
                    namespace,
                    message: fit(&status.message),
                },
                (404, Some((what, short))) => {
                    WhyError::NotFound { what: what.clone(), short: short.clone(), namespace }
                }
                _ => self.server_said(&format!("{} ({})", status.message, status.code)),
            },
            kube::Error::Auth(_) => WhyError::Unauthorised(fit(&all(error))),
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
                WhyError::ServerAway { server: self.server.into(), cause: fit(&all(error)) }
            }
            other => self.server_said(&all(other)),
        }
    }

    fn server_said(&self, message: &str) -> WhyError {
        let what = self.object.as_ref().map_or_else(|| self.resource.clone(), |(what, _)| what.clone());
        WhyError::Server { verb: self.verb, what, message: fit(message) }
    }
}

/// Text of a server, fit for a terminal.
fn fit(text: &str) -> String {
    harmless(&shortened(text, MAX_MESSAGE)).into_owned()
}

/// The error with those behind it, which say what was really wrong.
fn all(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        let behind_text = behind.to_string();
        if !text.contains(&behind_text) {
            text = format!("{text}: {behind_text}");
        }
        source = behind.source();
    }
    text
}
