//! A server of one Lease: GET, POST and PUT with resourceVersions, and answers that fail or hang on demand.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::sleep;

use super::super::{LeaderElection, LeaseName, Timing};

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mishap {
    /// Refused with this code.
    Refuse(u16),
    /// Never answered; carried out or not.
    Hang { carried_out: bool },
    /// Answered after this long.
    Slow(Duration),
}

#[derive(Default)]
struct State {
    lease: Option<Lease>,
    version: u64,
    mishaps: VecDeque<Mishap>,
    down: bool,
    log: Vec<String>,
}

#[derive(Clone, Default)]
pub(super) struct FakeLease(Arc<Mutex<State>>);

pub(super) fn name() -> LeaseName {
    LeaseName { namespace: "kube-system".into(), name: "kontext".into() }
}

impl FakeLease {
    pub(super) fn client(&self) -> kube::Client {
        let fake = self.clone();
        let service = tower::service_fn(move |request| {
            let fake = fake.clone();
            async move { Ok::<_, Infallible>(fake.answer(request).await) }
        });
        kube::Client::new(service, "default")
    }

    pub(super) fn election(&self, identity: &str) -> LeaderElection {
        LeaderElection::new(self.client(), name(), identity, Timing::default())
    }

    /// The next requests meet with these.
    pub(super) fn mishaps(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        self.0.lock().mishaps.extend(mishaps);
    }

    /// Every request hangs from now on, or none.
    pub(super) fn down(&self, down: bool) {
        self.0.lock().down = down;
    }

    pub(super) fn lease(&self) -> Option<Lease> {
        self.0.lock().lease.clone()
    }

    /// Somebody else changes the lease.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Option<Lease>)) {
        let state = &mut *self.0.lock();
        change(&mut state.lease);
        state.store();
    }

    /// The requests and their answers so far, and forgets them.
    pub(super) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().log)
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let method = request.method().clone();
        let body = request.into_body().collect().await.expect("a body in memory").to_bytes();
        let (mishap, down) = {
            let mut state = self.0.lock();
            (state.mishaps.pop_front(), state.down)
        };
        let mishap = if down { Some(Mishap::Hang { carried_out: false }) } else { mishap };
        match mishap {
            None => self.0.lock().carry_out(&method, &body),
            Some(Mishap::Slow(delay)) => {
                sleep(delay).await;
                self.0.lock().carry_out(&method, &body)
            }
            Some(Mishap::Refuse(code)) => {
                self.0.lock().log.push(format!("{method} {code}"));
                failure(code)
            }
            Some(Mishap::Hang { carried_out }) => {
                if carried_out {
                    self.0.lock().carry_out(&method, &body);
                }
                std::future::pending().await
            }
        }
    }
}

impl State {
    fn store(&mut self) {
        self.version += 1;
        if let Some(lease) = &mut self.lease {
            lease.metadata.resource_version = Some(self.version.to_string());
        }
    }

    fn carry_out(&mut self, method: &Method, body: &[u8]) -> Response<Body> {
        let sent = || serde_json::from_slice::<Lease>(body).expect("a Lease");
        let code = match (method, &self.lease) {
            (&Method::GET, Some(_)) => 200,
            (&Method::GET, None) | (&Method::PUT, None) => 404,
            (&Method::POST, Some(_)) => 409,
            (&Method::POST, None) => {
                self.lease = Some(sent());
                self.store();
                201
            }
            (&Method::PUT, Some(now)) => {
                let sent = sent();
                assert!(
                    sent.metadata.resource_version.is_some(),
                    "a PUT without resourceVersion overwrites blindly"
                );
                if sent.metadata.resource_version == now.metadata.resource_version {
                    self.lease = Some(sent);
                    self.store();
                    200
                } else {
                    409
                }
            }
            _ => 405,
        };
        self.log.push(format!("{method} {code}"));
        match &self.lease {
            Some(lease) if code < 300 => respond(code, serde_json::to_vec(lease).expect("serialises")),
            _ => failure(code),
        }
    }
}

fn failure(code: u16) -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": "Injected", "message": format!("injected {code}"),
    });
    respond(code, status.to_string().into_bytes())
}

fn respond(code: u16, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(code).expect("a status code");
    response
}
