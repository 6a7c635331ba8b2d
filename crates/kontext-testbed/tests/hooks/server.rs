//! The webhook: HTTPS on loopback, with a certificate of its own.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What a webhook answers to the `request` of a review.
pub type Answering = Arc<dyn Fn(&Value) -> Hook + Send + Sync>;

/// One answer.
pub enum Hook {
    /// A response; its uid is put in.
    Response(Value),
    /// These bytes, whatever they are.
    Raw { status: u16, content_type: &'static str, body: String },
    /// Nothing for longer than any webhook may take.
    Silence,
}

impl Hook {
    pub fn allow() -> Self {
        Self::Response(json!({"allowed": true}))
    }

    pub fn patch(operations: &Value) -> Self {
        Self::Response(json!({
            "allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(operations.to_string()),
        }))
    }
}

/// One call: the path, the headers that matter, and the review.
#[derive(Clone)]
pub struct Asked {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub review: Value,
}

pub struct HookServer {
    pub url: String,
    pub ca_bundle: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    handle: axum_server::Handle<SocketAddr>,
}

impl HookServer {
    pub fn start(answering: Answering) -> Result<Self> {
        let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(
                    vec![certified.cert.der().clone()],
                    rustls::pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()).into(),
                )?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("https://{}", listener.local_addr()?);
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = asked.clone();
        let service = tower::service_fn(move |request: Request<hyper::body::Incoming>| {
            let (answering, log) = (answering.clone(), log.clone());
            async move { Ok::<_, Infallible>(answer(&answering, &log, request).await) }
        });
        let handle = axum_server::Handle::new();
        let serving = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config)))?
            .handle(handle.clone())
            .serve(tower::make::Shared::new(service));
        tokio::spawn(serving);
        Ok(Self { url, ca_bundle: STANDARD.encode(certified.cert.pem()), asked, handle })
    }

    /// What was asked since the last time.
    pub fn drain(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock())
    }
}

impl Drop for HookServer {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

async fn answer(
    answering: &Answering,
    log: &Mutex<Vec<Asked>>,
    request: Request<hyper::body::Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().to_string();
    let mut headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .filter(|(name, _)| {
            !matches!(name.as_str(), "content-length" | "host" | "accept-encoding" | "user-agent")
        })
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let review: Value = serde_json::from_slice(&body).unwrap();
    log.lock().push(Asked { path, headers, review: review.clone() });
    let (status, content_type, body) = match answering(&review["request"]) {
        Hook::Response(mut response) => {
            response["uid"] = review["request"]["uid"].clone();
            let answer =
                json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
            (200, "application/json", answer.to_string())
        }
        Hook::Raw { status, content_type, body } => (status, content_type, body),
        Hook::Silence => {
            tokio::time::sleep(Duration::from_secs(40)).await;
            (200, "application/json", "{}".to_owned())
        }
    };
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(Full::new(Bytes::from(body)))
        .unwrap()
}
