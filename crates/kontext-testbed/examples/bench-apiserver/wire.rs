//! A client that costs little: it shares the processors with what it measures.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use kube::Config;
use kube::client::ConfigExt;
use kube::config::Kubeconfig;
use serde_json::Value;
use tower::Service;

/// Where a server is and how to speak to it.
#[derive(Clone)]
pub(crate) struct Target {
    url: Arc<str>,
    token: Option<Arc<str>>,
    connector: HttpsConnector<HttpConnector>,
}

impl Target {
    pub(crate) fn new(config: &Config, kubeconfig: &Kubeconfig) -> Result<Self> {
        // Written out, because the parsed form keeps tokens secret.
        let plain = serde_json::to_value(kubeconfig)?;
        let token = plain["users"][0]["user"]["token"].as_str().map(Into::into);
        let tls = config.rustls_client_config().context("the TLS configuration")?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().wrap_connector(tcp);
        let url = config.cluster_url.to_string().trim_end_matches('/').into();
        Ok(Self { url, token, connector })
    }

    /// Opens a connection of its own.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let stream = self
            .connector
            .clone()
            .call(self.url.parse()?)
            .await
            .map_err(|error| anyhow::anyhow!("connect to {}: {error}", self.url))?;
        let (sender, connection) = handshake(stream).await?;
        tokio::spawn(async move {
            // Its end shows at the next request.
            let _ = connection.await;
        });
        Ok(Connection { sender, target: self.clone() })
    }
}

/// One connection: one request at a time.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    target: Target,
}

impl Connection {
    /// Sends a request and gives the answer, whose body is still to come.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let host = self.target.url.trim_start_matches("https://");
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("user-agent", "bench")
            .header("accept", "application/json")
            .header("content-type", content_type);
        if let Some(token) = &self.target.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Full::new(body))?).await?)
    }

    /// Sends a request and reads the answer, which must have this status.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
        wanted: StatusCode,
    ) -> Result<Bytes> {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let response = self.send(method, path, content_type, body).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        ensure!(
            status == wanted,
            "{path}: {status}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
        );
        Ok(bytes)
    }
}
