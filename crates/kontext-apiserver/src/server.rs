//! The server as a value: build it, talk to it, look at what it did, put it on a port.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tower::Layer;

use crate::addresses::Addresses;
use crate::admission::{Configured, InProcess, Transport};
use crate::clock::{Clock, SystemClock, TokioClock};
use crate::crd::Reconciler;
use crate::faults::Faults;
use crate::garbage::GarbageCollector;
use crate::kinds::{Catalog, Registry, Resource};
use crate::random::Random;
use crate::record::{RequestLog, RequestRecord};
use crate::requests::Requests;
use crate::service::{ApiService, User};
use crate::store::{Key, Store};
use crate::tls::{self, Served};
use crate::watch::DropSignal;

/// Who [`ApiServer::client`] speaks as.
pub const DEFAULT_USER: &str = "kubernetes-admin";

/// The namespaces that are there from the start.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Everything that requests share.
pub(crate) struct Shared {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) definitions: Reconciler,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    pub(crate) seed: u64,
    pub(crate) faults: Faults,
    pub(crate) requests: RequestLog,
    pub(crate) tokens: Tokens,
    pub(crate) webhooks: Configured,
    pub(crate) transport: Transport,
    pub(crate) addresses: Addresses,
    pub(crate) drops: broadcast::Sender<DropSignal>,
    pub(crate) shutdown: CancellationToken,
}

impl Shared {
    /// What is served at this moment.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.catalog.registry()
    }

    /// Whether the definition of a custom resource is being deleted now.
    pub(crate) fn definition_of_is_terminating(&self, resource: &Resource) -> bool {
        let registry = self.registry();
        let mut versions = registry.custom(&resource.group, &resource.plural);
        versions.any(|version| version.custom.as_ref().is_some_and(|custom| custom.is_terminating()))
    }

    /// Ends the watches of a resource that is not served any more as it was, after what they have still to tell.
    pub(crate) fn end_watches_of(&self, group: &str, plural: &str) {
        // Nobody watching is fine.
        let _ = self.drops.send(DropSignal::End(group.to_owned(), plural.to_owned()));
    }

    /// Cuts the watches of the resource that a request is about.
    pub(crate) fn drop_watches_of(&self, record: &RequestRecord) {
        self.drop_watches(Some((record.group.clone(), record.resource.clone())));
    }

    fn drop_watches(&self, resource: Option<(String, String)>) {
        // Nobody watching is fine.
        let _ = self.drops.send(DropSignal::Cut(resource));
    }
}

/// Bearer tokens and whose they are.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, String>>);

impl Tokens {
    pub(crate) fn user(&self, token: &str) -> Option<User> {
        self.0.lock().get(token).map(|name| User::named(name.clone()))
    }

    /// The token of a user, made at first use.
    pub(crate) fn token(&self, user: &str, random: &Random) -> String {
        let mut tokens = self.0.lock();
        if let Some((token, _)) = tokens.iter().find(|(_, name)| *name == user) {
            return token.clone();
        }
        let token = random.token();
        tokens.insert(token.clone(), user.to_owned());
        token
    }
}

/// How a server starts.
pub struct ApiServerBuilder {
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    history: usize,
    requests: usize,
    collect: bool,
    webhooks: HashMap<String, InProcess>,
}

impl ApiServerBuilder {
    /// Where the server takes its time from. Without this: the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes uids, generated names and tokens repeatable. Certificates are not.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Makes runs repeatable: this seed, and a [`TokioClock`] that starts on 1 January 2025, so that with
    /// `#[tokio::test(start_paused = true)]` the same test writes the same bytes at the same times. Call it inside a
    /// tokio runtime.
    #[must_use]
    pub fn repeatable(self, seed: u64) -> Self {
        let start = jiff::Timestamp::constant(1_735_689_600, 0);
        self.seed(seed).clock(TokioClock::starting_at(start))
    }

    /// How many changes each kind remembers for watches and consistent lists; older ones are compacted away.
    /// Without this: 10 000.
    #[must_use]
    pub fn history_per_kind(mut self, changes: usize) -> Self {
        self.history = changes;
        self
    }

    /// How many requests the log keeps. Without this: 100 000. It takes 32 MB at most.
    #[must_use]
    pub fn request_log(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    /// Collects garbage as long as watches are served: dependents go with their owners, the content of a namespace
    /// with the namespace. Without this nobody does, as with the real server alone. See [`GarbageCollector`] for one
    /// that can be stopped.
    #[must_use]
    pub fn collect_garbage(mut self, collect: bool) -> Self {
        self.collect = collect;
        self
    }

    /// Calls this service in place of the network for webhooks whose host is `host`: the host of `clientConfig.url`,
    /// or `NAME.NAMESPACE.svc` for a `clientConfig.service`. It gets a POST with an `AdmissionReview` as JSON, as over
    /// HTTPS; no port and no certificate are needed. An axum `Router` is such a service.
    #[must_use]
    pub fn webhook_service<S, B>(mut self, host: impl Into<String>, service: S) -> Self
    where
        S: tower::Service<http::Request<Full<Bytes>>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: std::fmt::Display,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: std::fmt::Display,
    {
        self.webhooks.insert(host.into(), Transport::door(service));
        self
    }

    /// Starts the server, in memory only. Call it inside a tokio runtime.
    pub async fn start(self) -> ApiServer {
        let registry = Registry::built_in();
        let seed = self.seed.unwrap_or_else(rand::random);
        let store = Store::new(registry.tables(), self.history);
        let shared = Shared {
            webhooks: Configured::new(&store, &registry),
            transport: Transport::new(self.webhooks),
            store,
            catalog: Arc::new(Catalog::new(registry)),
            definitions: Reconciler::default(),
            clock: self.clock,
            random: Random::new(self.seed),
            seed,
            faults: Faults::seeded(seed),
            requests: RequestLog::new(self.requests),
            tokens: Tokens::default(),
            addresses: Addresses::default(),
            drops: broadcast::Sender::new(16),
            shutdown: CancellationToken::new(),
        };
        add_namespaces(&shared);
        let server = ApiServer { shared: Arc::new(shared) };
        if self.collect {
            // It ends with the server's watches.
            drop(GarbageCollector::start(&server));
        }
        server
    }
}

impl std::fmt::Debug for ApiServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiServerBuilder").field("seed", &self.seed).finish_non_exhaustive()
    }
}

fn add_namespaces(shared: &Shared) {
    let registry = shared.registry();
    let Some(namespaces) = registry.find("", "v1", "namespaces") else { return };
    for name in NAMESPACES {
        let namespace = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "uid": shared.random.uid(),
                "creationTimestamp": crate::object::seconds(shared.clock.now()),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        shared.store.insert(namespaces.table, Key::new("", name), namespace);
    }
}

/// A running API server. Cheap to clone; all clones are the same server.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

impl ApiServer {
    /// Begins to describe a server.
    pub fn builder() -> ApiServerBuilder {
        ApiServerBuilder {
            clock: Arc::new(SystemClock),
            seed: None,
            history: 10_000,
            requests: 100_000,
            collect: false,
            webhooks: HashMap::new(),
        }
    }

    /// The tower service. Requests need a [`User`] in their extensions, or a bearer token.
    pub fn service(&self) -> ApiService {
        ApiService::new(self.shared.clone())
    }

    /// A client that speaks as an administrator, straight onto the service, with no port in between.
    pub fn client(&self) -> kube::Client {
        self.client_for(DEFAULT_USER)
    }

    /// A client that speaks as `user`, straight onto the service, with no port in between.
    pub fn client_for(&self, user: &str) -> kube::Client {
        kube::Client::new(self.service_for(user), "default")
    }

    /// The service with `user` put into every request, for clients that bring layers of their own:
    /// `kube::Client::new(my_layer.layer(server.service_for("alice")), "default")`.
    pub fn service_for(&self, user: &str) -> UserService {
        AsUser(User::named(user)).layer(self.service())
    }

    /// The latest requests, oldest first.
    pub fn requests(&self) -> Requests {
        Requests::new(self.shared.requests.latest())
    }

    /// How many requests there were, those included that the log has forgotten.
    pub fn request_count(&self) -> u64 {
        self.shared.requests.total()
    }

    /// Forgets the requests so far; the count goes on.
    pub fn clear_requests(&self) {
        self.shared.requests.clear();
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Cuts the running watches of a resource, e.g. `drop_watches("apps", "deployments")`.
    pub fn drop_watches(&self, group: &str, plural: &str) {
        self.shared.drop_watches(Some((group.to_owned(), plural.to_owned())));
    }

    /// Cuts all running watches.
    pub fn drop_all_watches(&self) {
        self.shared.drop_watches(None);
    }

    /// Forgets what has happened so far: watches and chunked lists that start from earlier get `410 Expired`.
    pub fn compact(&self) {
        self.shared.store.compact();
    }

    /// The version of the last write.
    pub fn resource_version(&self) -> u64 {
        self.shared.store.revision()
    }

    /// Ends every watch, now and from here on; other requests are still answered.
    pub fn end_watches(&self) {
        self.shared.shutdown.cancel();
    }

    /// Serves HTTPS on a loopback address. Port 0 takes a free one.
    pub async fn serve(&self, address: SocketAddr) -> Result<Served, ServeError> {
        tls::serve(self.clone(), address).await
    }

    /// Where the server takes its time from.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.shared.clock.clone()
    }

    pub(crate) fn seed(&self) -> u64 {
        self.shared.seed
    }

    /// Wakes up after each write, heartbeats aside.
    pub(crate) fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.shared.requests.changes()
    }

    /// The resource that serves a kind.
    pub(crate) fn resource_of(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        let registry = self.shared.registry();
        registry.resources().iter().find(|r| r.kind == kind && r.api_version() == api_version).cloned()
    }

    /// Fires when watches end.
    pub(crate) fn stop_signal(&self) -> CancellationToken {
        self.shared.shutdown.child_token()
    }

    /// What is served, now and later.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.clone()
    }

    /// The bearer token of a user, made at first use.
    pub fn token(&self, user: &str) -> String {
        self.shared.tokens.token(user, &self.shared.random)
    }
}

impl std::fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiServer")
            .field("resource_version", &self.resource_version())
            .finish_non_exhaustive()
    }
}

/// Why the server could not go onto a port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Everybody on the network could do everything.
    #[error(
        "{0} is not a loopback address: this server authorises everybody, so it listens on loopback only"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificates could not be made.
    #[error("cannot make certificates")]
    Certificates(#[from] rcgen::Error),
    /// A certificate that this server makes for a user holds two groups.
    #[error(
        "user {user}: a certificate holds two groups, not {groups}; put a User into the request's extensions instead"
    )]
    TooManyGroups {
        /// The user.
        user: String,
        /// How many groups were asked for.
        groups: usize,
    },
    /// The certificates could not be used.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The kubeconfig could not be written.
    #[error("cannot write {path}")]
    Kubeconfig {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ServeError {
    pub(crate) fn kubeconfig(path: &Path, source: std::io::Error) -> Self {
        Self::Kubeconfig { path: path.to_owned(), source }
    }
}

/// Puts a user into every request.
#[derive(Clone, Debug)]
struct AsUser(User);

impl<S> Layer<S> for AsUser {
    type Service = WithUser<S>;

    fn layer(&self, inner: S) -> WithUser<S> {
        WithUser { inner, user: self.0.clone() }
    }
}

/// A service that speaks as one user.
pub type UserService = WithUser<ApiService>;

/// A service that puts a [`User`] into every request.
#[derive(Clone, Debug)]
pub struct WithUser<S> {
    inner: S,
    user: User,
}

impl<S, B> tower::Service<http::Request<B>> for WithUser<S>
where
    S: tower::Service<http::Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        request.extensions_mut().insert(self.user.clone());
        self.inner.call(request)
    }
}
