//! Asking a webhook: over HTTPS, or by calling a service in this process that is registered under its host.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt::Display;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tower::ServiceExt;

use super::hook::{Endpoint, Hook};

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;

/// How many clients are kept, one for each bundle of authorities.
const CLIENTS: usize = 64;

type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A webhook that lives in this process.
pub(crate) type InProcess = Arc<dyn Fn(Request<Full<Bytes>>) -> Answering + Send + Sync>;
type Answering = BoxFuture<'static, Result<Answered, String>>;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(super) status: StatusCode,
    pub(super) content_type: String,
    pub(super) is_text: bool,
    pub(super) body: Bytes,
}

/// The ways to webhooks.
#[derive(Default)]
pub(crate) struct Transport {
    in_process: HashMap<String, InProcess>,
    clients: Mutex<HashMap<Vec<u8>, Https>>,
}

impl Transport {
    pub(crate) fn new(in_process: HashMap<String, InProcess>) -> Self {
        Self { in_process, clients: Mutex::default() }
    }

    /// Makes a webhook of a tower service.
    pub(crate) fn door<S, B>(service: S) -> InProcess
    where
        S: tower::Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Display,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Display,
    {
        Arc::new(move |request| {
            let service = service.clone();
            Box::pin(async move {
                let response = service.oneshot(request).await.map_err(|error| error.to_string())?;
                answered(response).await
            })
        })
    }

    /// Puts a review to a webhook. The error is the text that the real server would give.
    pub(super) async fn ask(
        &self,
        hook: &Hook,
        review: Bytes,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Answered, String> {
        let url = url(hook)?;
        let text = format!("Post \"{url}\"");
        let uri: Uri = url.parse().map_err(|error| format!("Unparsable URL: {error}"))?;
        let door = uri.host().and_then(|host| self.in_process.get(host)).cloned();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(uri.clone())
            .header(ACCEPT, "application/json, */*")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "kube-apiserver-admission")
            .body(Full::new(review))
            .map_err(|error| format!("{text}: {error}"))?;
        request.headers_mut().extend(headers.iter().cloned());
        let asking = async {
            match (door, &hook.endpoint) {
                (Some(door), _) => door(request).await,
                (None, Endpoint::Service { namespace, name, .. }) => Err(format!(
                    "service {namespace}/{name} cannot be reached: this in-memory API server has no cluster network; use clientConfig.url, or register {name}.{namespace}.svc with ApiServerBuilder::webhook_service"
                )),
                (None, Endpoint::Url(_)) => {
                    let response = self.client(&hook.ca_bundle)?.request(request).await;
                    answered(response.map_err(|error| network_error(&uri, &error))?).await
                }
            }
        };
        match tokio::time::timeout(hook.timeout, asking).await {
            Ok(result) => result.map_err(|why| format!("{text}: {why}")),
            Err(_) => Err(format!("{text}: context deadline exceeded")),
        }
    }

    fn client(&self, ca_bundle: &[u8]) -> Result<Https, String> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(ca_bundle) {
            return Ok(client.clone());
        }
        let client = https(ca_bundle)?;
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(ca_bundle.to_vec(), client.clone());
        Ok(client)
    }
}

/// The whole URL, with the timeout that the webhook is told.
fn url(hook: &Hook) -> Result<String, String> {
    let base = match &hook.endpoint {
        Endpoint::Url(url) => url.clone(),
        Endpoint::Service { namespace, name, path, port } => {
            format!("https://{name}.{namespace}.svc:{port}{path}")
        }
    };
    let rest = base.strip_prefix("https://").ok_or("Unparsable URL: not https")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok(format!("https://{host}/{}?timeout={}s", path.trim_end_matches('/'), hook.timeout.as_secs()))
}

fn https(ca_bundle: &[u8]) -> Result<Https, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_bundle) {
        let certificate =
            certificate.map_err(|error| format!("unable to load root certificates: {error}"))?;
        roots.add(certificate).map_err(|error| format!("unable to load root certificates: {error}"))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
}

async fn answered<B>(response: Response<B>) -> Result<Answered, String>
where
    B: http_body::Body,
    B::Error: Display,
{
    let status = response.status();
    let media_type =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let is_text = media_type.as_ref().is_none_or(|media_type| media_type.starts_with("text/"));
    let (_, body) = response.into_parts();
    let body = Limited::new(body.map_err(|error| error.to_string()), ANSWER_LIMIT).collect().await.map_err(
        |error| format!("unexpected error when reading response body. Please retry. Original error: {error}"),
    )?;
    Ok(Answered { status, content_type: media_type.unwrap_or_default(), is_text, body: body.to_bytes() })
}

/// A failed connection in the words of Go's HTTP client, where they are known.
fn network_error(uri: &Uri, error: &hyper_util::client::legacy::Error) -> String {
    let address = format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(443));
    let mut deepest = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return tls_error(tls);
        }
        next = match cause.downcast_ref::<io::Error>() {
            Some(io) if io.kind() == io::ErrorKind::ConnectionRefused => {
                return format!("dial tcp {address}: connect: connection refused");
            }
            Some(io) if io.kind() == io::ErrorKind::UnexpectedEof => return "EOF".to_owned(),
            // Its source would be the source of what it wraps.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        };
        deepest = cause.to_string();
    }
    deepest
}

fn tls_error(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "tls: failed to verify certificate: x509: certificate signed by unknown authority".to_owned()
        }
        rustls::Error::InvalidCertificate(other) => {
            format!("tls: failed to verify certificate: x509: {other}")
        }
        other => format!("tls: {other}"),
    }
}
