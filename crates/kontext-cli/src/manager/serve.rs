//! Health and metrics over plain HTTP.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use kontext::leader::Status;
use kontext_controllers::manager::Handle;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// What readiness is told from.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) caches: Handle,
    pub(super) election: Option<watch::Receiver<Status>>,
}

/// One thing that has to be so for the process to be ready.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    name: &'static str,
    /// Why it is not so.
    fails: Option<&'static str>,
}

/// Ready is who works, and who could take over.
fn readiness(election: Option<&Status>, synced: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(status) = election {
        let fails = match status {
            Status::Leading | Status::StandingBy { .. } => None,
            Status::Looking => Some("the lease could not be read yet"),
            _ => Some("the election is over"),
        };
        checks.push(Check { name: "leader-election", fails });
    }
    if matches!(election, None | Some(Status::Leading)) {
        checks.push(Check { name: "caches", fails: (!synced).then_some("the caches are not filled yet") });
    }
    checks
}

/// As Kubernetes' own components answer.
fn report(checks: &[Check]) -> (StatusCode, String) {
    let failed = checks.iter().any(|check| check.fails.is_some());
    let mut text = String::new();
    for Check { name, fails } in checks {
        match fails {
            None => text.push_str(&format!("[+]{name} ok\n")),
            Some(why) => text.push_str(&format!("[-]{name} failed: {why}\n")),
        }
    }
    text.push_str(if failed { "readyz check failed\n" } else { "readyz check passed\n" });
    (if failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }, text)
}

#[derive(Clone)]
struct Shared {
    health: Health,
    registry: Arc<Registry>,
}

async fn live() -> &'static str {
    "ok"
}

async fn ready(State(shared): State<Shared>) -> (StatusCode, String) {
    let status = shared.health.election.as_ref().map(|status| status.borrow().clone());
    report(&readiness(status.as_ref(), shared.health.caches.is_synced()))
}

async fn metrics(State(shared): State<Shared>) -> Response {
    shared.health.caches.observe();
    let mut text = String::new();
    match encode(&mut text, &shared.registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A running HTTP server.
pub(super) struct Served {
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Served {
    pub(super) async fn start(
        address: SocketAddr,
        health: Health,
        registry: Registry,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot serve health and metrics on {address}; choose another --http-port, or 0 for none")
        })?;
        let router = Router::new()
            .route("/healthz", get(live))
            .route("/livez", get(live))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Shared { health, registry: Arc::new(registry) });
        let stop = CancellationToken::new();
        let task = tokio::spawn(
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.clone().cancelled_owned())
                .into_future(),
        );
        tracing::info!(%address, "serving /healthz, /livez, /readyz and /metrics");
        Ok(Self { stop, task })
    }

    /// Ends it; a scrape under way has a second to finish.
    pub(super) async fn end(self) {
        self.stop.cancel();
        let abort = self.task.abort_handle();
        if tokio::time::timeout(std::time::Duration::from_secs(1), self.task).await.is_err() {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(election: Option<Status>, synced: bool, expected: Expect) {
        let (code, text) = report(&readiness(election.as_ref(), synced));
        expected.assert_eq(&format!("{}\n{text}", code.as_u16()));
    }

    #[test]
    fn who_works_is_ready_with_filled_caches() {
        check(
            None,
            true,
            expect![[r#"
            200
            [+]caches ok
            readyz check passed
        "#]],
        );
        check(
            Some(Status::Leading),
            false,
            expect![[r#"
            503
            [+]leader-election ok
            [-]caches failed: the caches are not filled yet
            readyz check failed
        "#]],
        );
    }

    #[test]
    fn who_stands_by_is_ready_without_caches() {
        check(
            Some(Status::StandingBy { holder: Some("other".into()) }),
            false,
            expect![[r#"
            200
            [+]leader-election ok
            readyz check passed
        "#]],
        );
        check(
            Some(Status::Looking),
            false,
            expect![[r#"
            503
            [-]leader-election failed: the lease could not be read yet
            readyz check failed
        "#]],
        );
    }
}
