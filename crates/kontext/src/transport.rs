//! The transport under a client: one HTTP/2 connection where kube's own stack opens an HTTP/1.1 connection, with a
//! TLS handshake, for each request that is under way at the same time.
//!
//! A loop that creates hundreds of pods in parallel would otherwise spend most of its time on handshakes.

use std::time::Duration;

use http::{Request, Response};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use kube::client::{Body, ClientBuilder, ConfigExt};
use tower::{BoxError, ServiceBuilder, ServiceExt, util::BoxService};

/// How often an idle connection is asked whether it still lives, and how long the answer may take. Without it a
/// watch on a connection that died silently would wait for its own timeout.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// A service that sends requests to the cluster of a configuration.
pub type Transport = BoxService<Request<Body>, Response<Incoming>, BoxError>;

/// The body of an answer, as it comes from the connection.
pub type Incoming = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, BoxError>;

/// A client builder for the cluster of `config` over HTTP/2, or HTTP/1.1 where the server has nothing better.
///
/// There are no retries below: whoever calls decides about them. A proxy of the configuration is not supported here;
/// such a configuration gets kube's own stack from [`ClientBuilder::try_from`].
///
/// # Errors
///
/// Where the configuration's certificates or credentials cannot be used.
pub fn http2(config: &kube::Config) -> kube::Result<ClientBuilder<Transport>> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(config.connect_timeout);
    let mut https =
        HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    if let Some(name) = config.tls_server_name.clone().and_then(|name| name.try_into().ok()) {
        https = https.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(name));
    }
    let connector = https.enable_all_versions().wrap_connector(tcp);
    let client = HyperClient::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_keep_alive_while_idle(true)
        .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client)
        .map_response(|response: Response<_>| {
            response.map(|body| {
                let body = http_body_util::BodyExt::map_err(body, BoxError::from);
                http_body_util::BodyExt::boxed_unsync(body)
            })
        });
    Ok(ClientBuilder::new(service.boxed(), config.default_namespace.clone()))
}
