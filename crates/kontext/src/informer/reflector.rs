//! The list and watch of one kind.

use std::sync::Arc;

use futures::{AsyncBufReadExt, io::AsyncBufRead};
use http::Request;
use jiff::Timestamp;
use kube::Client;
use rand::Rng;
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Delta, Handler, ObjectKey, Resource, Seen, Store, Watched,
    list::{Failure, Line, Page, Partial},
};

/// A watch that lasted so long was well.
const HEALTHY: Duration = Duration::from_secs(5);

/// How an informer lists and watches.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InformerOptions {
    /// Watches one namespace only.
    pub namespace: Option<String>,
    /// Objects asked for in one page of a list.
    pub page_size: u32,
    /// Longest that one page may take.
    pub list_timeout: Duration,
    /// How long the server is asked to keep a watch; up to twice that, so that many watches do not end at once.
    pub watch_timeout: Duration,
    /// First wait before trying again after a failure; doubles up to `max_backoff`.
    pub min_backoff: Duration,
    /// Longest wait.
    pub max_backoff: Duration,
}

impl Default for InformerOptions {
    fn default() -> Self {
        Self {
            namespace: None,
            page_size: 500,
            list_timeout: Duration::from_secs(60),
            watch_timeout: Duration::from_secs(300),
            min_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(30),
        }
    }
}

/// Lists and watches one kind, keeps its [`Store`] and tells its [`Handler`]s.
pub struct Informer<K> {
    client: Client,
    resource: Resource,
    options: InformerOptions,
    store: Arc<Store<K>>,
    handlers: Vec<Arc<dyn Handler<K>>>,
    synced: watch::Sender<bool>,
}

/// Why a list or watch ended.
#[derive(Debug, Error)]
enum Ended {
    #[error("{0}")]
    Client(#[from] kube::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[from] http::Error),
    #[error("reading the watch failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("the list is not of the right form: {0}")]
    Form(#[from] serde_json::Error),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the server ended the watch: {} {}", .0.reason, .0.message)]
    Server(Failure),
    /// The history up to our resource version is gone: list again.
    #[error("the resource version is too old")]
    Expired,
}

impl Ended {
    fn is_expired(&self) -> bool {
        match self {
            Self::Expired => true,
            Self::Client(kube::Error::Api(status)) => status.code == 410,
            _ => false,
        }
    }
}

impl Ended {
    /// Whether a new watch from the same version would fail the same way: all but broken connections, slow answers
    /// and a server that is busy.
    fn wants_list(&self) -> bool {
        match self {
            Self::Server(_) | Self::Form(_) => true,
            Self::Client(kube::Error::Api(status)) => !matches!(status.code, 429 | 500 | 502 | 503),
            _ => false,
        }
    }
}

impl<K: Watched> Informer<K> {
    /// An informer of `resource` that does nothing yet. Requests of lists and watches belong to no reconcile, so
    /// `client` is one without demands on the bound context.
    pub fn new(client: Client, resource: Resource, options: InformerOptions) -> Self {
        let (synced, _) = watch::channel(false);
        Self { client, resource, options, store: Arc::default(), handlers: Vec::new(), synced }
    }

    /// Tells `handler` of every change, after those added before.
    pub fn add_handler(&mut self, handler: Arc<dyn Handler<K>>) {
        self.handlers.push(handler);
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store<K>> {
        &self.store
    }

    /// Becomes true once the first list is in the store and the handlers know.
    pub fn synced(&self) -> watch::Receiver<bool> {
        self.synced.subscribe()
    }

    /// Tells the handlers of every object as it is, as an update without a change.
    pub fn resync(&self) {
        for object in self.store.all() {
            self.tell(Delta::Updated { old: &object, new: &object }, Seen::unseen(false));
        }
    }

    /// Lists and watches until `stop`; failures are logged and tried again, for ever.
    pub async fn run(&self, stop: CancellationToken) {
        let work = async {
            let mut backoff = self.options.min_backoff;
            let mut listed = false;
            loop {
                if !listed {
                    match self.list().await {
                        Ok(()) => {
                            listed = true;
                            backoff = self.options.min_backoff;
                        }
                        Err(error) => {
                            warn!(resource = self.resource.plural, %error, "list failed, trying again");
                        }
                    }
                }
                if listed {
                    let began = Instant::now();
                    let ended = self.watch(&mut backoff).await;
                    if began.elapsed() >= HEALTHY {
                        backoff = self.options.min_backoff;
                    }
                    match ended {
                        Ok(()) => {}
                        Err(ended) if ended.is_expired() => {
                            debug!(resource = self.resource.plural, "history is gone, listing again");
                            listed = false;
                        }
                        // Asked from the same version, the server would answer the same for ever.
                        Err(error) if error.wants_list() => {
                            warn!(resource = self.resource.plural, %error, "watch failed, listing again");
                            listed = false;
                        }
                        Err(Ended::Io(error)) => {
                            debug!(resource = self.resource.plural, %error, "watch broke, resuming");
                        }
                        Err(error) => {
                            warn!(resource = self.resource.plural, %error, "watch failed, trying again");
                        }
                    }
                }
                // After every end, or a server that ends each watch at once would be asked in a tight loop.
                let jitter = rand::rng().random_range(0.5..1.0);
                sleep(backoff.mul_f64(jitter)).await;
                backoff = (backoff * 2).min(self.options.max_backoff);
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Reads the whole collection page by page, and brings store and handlers to that state. Pages that were
    /// read are told of at once; what is missing is known only after the last.
    async fn list(&self) -> Result<(), Ended> {
        let initial = !*self.synced.borrow();
        let mut gone = self.store.keys();
        let mut next: Option<String> = None;
        let resource_version = loop {
            let path = self.resource.path(self.options.namespace.as_deref());
            let mut query = format!("{path}?limit={}", self.options.page_size);
            if let Some(token) = &next {
                query.push_str("&continue=");
                query.push_str(&query_encoded(token));
            }
            let request = Request::get(query).body(Vec::new())?;
            let limit = self.options.list_timeout;
            let text = timeout(limit, self.client.request_text(request))
                .await
                .map_err(|_| Ended::Timeout(limit))??;
            let page: Page<'_> = serde_json::from_str(&text)?;
            for item in page.items.iter().flatten() {
                match self.read(item.get()) {
                    Ok(object) => {
                        gone.remove(&ObjectKey::of(&object));
                        self.store_object(object, item.get(), initial, true);
                    }
                    // It is there, though it cannot be read.
                    Err(key) => {
                        gone.remove(&key);
                    }
                }
            }
            match page.metadata.next.filter(|token| !token.is_empty()) {
                Some(token) => next = Some(token),
                None => break page.metadata.resource_version,
            }
        };
        for key in gone {
            if let Some(last) = self.store.remove(&key) {
                self.tell(Delta::Deleted { old: &last, last: &last, tombstone: true }, Seen::unseen(true));
            }
        }
        self.store.reached(&resource_version);
        self.synced.send_replace(true);
        Ok(())
    }

    async fn watch(&self, backoff: &mut Duration) -> Result<(), Ended> {
        let seconds = self.options.watch_timeout.as_secs().max(1);
        let seconds = rand::rng().random_range(seconds..=2 * seconds);
        let query = format!(
            "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            self.resource.path(self.options.namespace.as_deref()),
            self.store.resource_version(),
        );
        // Compression is of no use on a stream of small events, and breaks some servers' flushing.
        let request =
            Request::get(query).header(http::header::ACCEPT_ENCODING, "identity").body(Vec::new())?;
        // A server that answers no longer must not hold us for ever.
        let limit = Duration::from_secs(2 * seconds + 30);
        let answer = self.options.list_timeout;
        let stream = timeout(answer, self.client.request_stream(request))
            .await
            .map_err(|_| Ended::Timeout(answer))??;
        timeout(limit, self.follow(stream, backoff)).await.unwrap_or(Err(Ended::Timeout(limit)))
    }

    async fn follow(&self, stream: impl AsyncBufRead, backoff: &mut Duration) -> Result<(), Ended> {
        let mut stream = std::pin::pin!(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match stream.read_until(b'\n', &mut line).await {
                Ok(0) => return Ok(()),
                // A line cut short by the end of the stream is sent again by the next watch.
                Ok(_) if !line.ends_with(b"\n") => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let line: Line<'_> = serde_json::from_slice(&line)?;
            *backoff = self.options.min_backoff;
            match line.kind {
                "ADDED" | "MODIFIED" => {
                    if let Ok(object) = self.read(line.object.get()) {
                        let reached: Box<str> = object.resource_version().into();
                        self.store_object(object, line.object.get(), false, false);
                        self.store.reached(&reached);
                    }
                }
                "DELETED" => self.deleted(line.object.get()),
                "BOOKMARK" => {
                    let bookmark: Partial = serde_json::from_str(line.object.get())?;
                    if let Some(resource_version) = bookmark.metadata.resource_version {
                        self.store.reached(&resource_version);
                    }
                }
                "ERROR" => {
                    let failure: Failure = serde_json::from_str(line.object.get())?;
                    return Err(if failure.code == 410 { Ended::Expired } else { Ended::Server(failure) });
                }
                other => warn!(
                    resource = self.resource.plural,
                    kind = other,
                    "unknown kind of watch event, passed over"
                ),
            }
        }
    }

    fn deleted(&self, raw: &str) {
        let object = self.read(raw).map(Arc::new);
        let key = match &object {
            Ok(object) => ObjectKey::of(&**object),
            Err(key) => key.clone(),
        };
        let removed = self.store.remove(&key);
        if let Ok(object) = &object {
            self.store.reached(object.resource_version());
        }
        if let Some(old) = removed {
            let last = object.as_ref().unwrap_or(&old);
            let seen = Seen { raw: Some(raw), at: Timestamp::now(), relisted: false };
            self.tell(Delta::Deleted { old: &old, last, tombstone: false }, seen);
        }
    }

    /// Reads one object; one that is not of its kind is told of and passed over, so that it cannot stop the rest.
    /// Its key then, as far as it has one.
    fn read(&self, json: &str) -> Result<K, ObjectKey> {
        K::parse(json).map_err(|error| {
            let meta = serde_json::from_str::<Partial>(json).unwrap_or_default().metadata;
            let (namespace, name) = (meta.namespace, meta.name.unwrap_or_default());
            warn!(resource = self.resource.plural, namespace, name, %error, "object cannot be read, passed over");
            ObjectKey::new(namespace.as_deref(), &name)
        })
    }

    /// `initial` while the first list is read, `listed` where a list told of the object and not the watch.
    fn store_object(&self, object: K, raw: &str, initial: bool, listed: bool) {
        let new = Arc::new(object);
        let seen = |relisted| Seen { raw: Some(raw), at: Timestamp::now(), relisted };
        match self.store.insert(new.clone()) {
            None => self.tell(Delta::Added { new: &new, initial }, seen(listed && !initial)),
            // The name went to another object while nobody looked: two events, so that neither is blamed for the other.
            Some(old) if old.uid() != new.uid() => {
                self.tell(Delta::Deleted { old: &old, last: &old, tombstone: true }, Seen::unseen(listed));
                self.tell(Delta::Added { new: &new, initial: false }, seen(listed));
            }
            Some(old) => self.tell(Delta::Updated { old: &old, new: &new }, seen(listed)),
        }
    }

    fn tell(&self, delta: Delta<'_, K>, seen: Seen<'_>) {
        self.handlers.iter().for_each(|handler| handler.handle(delta, seen));
    }
}

impl Seen<'_> {
    fn unseen(relisted: bool) -> Self {
        Self { raw: None, at: Timestamp::now(), relisted }
    }
}

/// A continue token fit for a query.
fn query_encoded(token: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    token
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
