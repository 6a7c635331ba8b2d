//! An inner service that records requests and answers from a script, and a telemetry that records counts.

#![allow(dead_code, reason = "each test uses a part")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kontext::{Controller, Counted, ObjectRef, OpenSpan, Outcome, PlainSpans, ReconcileStart, Telemetry};
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::Value;
use tower::{BoxError, Service, service_fn};

/// One request that came through.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

#[derive(Clone)]
pub(crate) struct Script {
    reads: Arc<dyn Fn() -> (StatusCode, String) + Send + Sync>,
    seen: Arc<Mutex<Vec<Seen>>>,
    hangs: bool,
}

impl Script {
    /// GETs are answered with `object`, writes with an empty object.
    pub(crate) fn with_object(object: Value) -> Self {
        let text = object.to_string();
        Self { reads: Arc::new(move || (StatusCode::OK, text.clone())), seen: Arc::default(), hangs: false }
    }

    /// GETs are never answered.
    pub(crate) fn hanging_reads() -> Self {
        Self { hangs: true, ..Self::forbidding_reads() }
    }

    /// GETs are answered with 403.
    pub(crate) fn forbidding_reads() -> Self {
        Self { reads: Arc::new(|| (StatusCode::FORBIDDEN, "{}".into())), seen: Arc::default(), hangs: false }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    pub(crate) fn service(
        &self,
    ) -> impl Service<Request<Body>, Response = Response<Full<Bytes>>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + use<> {
        let script = self.clone();
        service_fn(move |request: Request<Body>| {
            let script = script.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let is_read = parts.method == Method::GET;
                let (status, answer) = match parts.method {
                    Method::GET => (script.reads)(),
                    _ => (StatusCode::OK, "{}".into()),
                };
                script.seen.lock().push(Seen {
                    method: parts.method,
                    path: parts.uri.path().to_owned(),
                    headers: parts.headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                });
                if script.hangs && is_read {
                    std::future::pending::<()>().await;
                }
                let answer = Response::builder()
                    .status(status)
                    .header("content-type", "application/json")
                    .body(Full::from(answer))?;
                Ok::<_, BoxError>(answer)
            }
        })
    }
}

/// Keeps what was counted, in order.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<Vec<Counted>>);

impl Counts {
    pub(crate) fn all(&self) -> Vec<Counted> {
        self.0.lock().clone()
    }
}

impl Telemetry for Counts {
    fn open_reconcile(&self, start: ReconcileStart<'_>) -> OpenSpan {
        PlainSpans.open_reconcile(start)
    }

    fn open_action(&self, reconcile: &tracing::Span, name: &str, subject: &ObjectRef) -> OpenSpan {
        PlainSpans.open_action(reconcile, name, subject)
    }

    fn action_ended(&self, _: &Controller, _: &str, _: &Outcome, _: Duration) {}

    fn count(&self, counted: Counted, number: u64) {
        self.0.lock().extend((0..number).map(|_| counted));
    }
}
