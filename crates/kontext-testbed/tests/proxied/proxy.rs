//! A reverse proxy on loopback between the loops and an API server: it keeps what passed, and makes faults.
//!
//! Plain HTTP towards the loops, the credentials of a test user towards the server.

use std::{
    future::Future,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, BodyStream, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use kontext_testbed::Server;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// A concrete type: a boxed error is not general enough for a task.
type Error = anyhow::Error;
type Answer = Response<UnsyncBoxBody<Bytes, Error>>;

/// One request that passed, or was stopped.
#[derive(Clone, Debug)]
pub struct Passed {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The status that the client saw; `None` before an answer, and where the connection was broken.
    pub status: Option<u16>,
    /// The status that the server answered with, if it was asked.
    pub upstream: Option<u16>,
    /// Name and resourceVersion in the server's answer to a write.
    pub result: Option<(String, String)>,
}

impl Passed {
    /// Resource, name and subresource in the path, empty where there is none.
    fn parts(&self) -> [&str; 3] {
        let mut segments =
            self.path.trim_start_matches('/').split('/').skip_while(|part| *part != "namespaces").skip(2);
        [(); 3].map(|()| segments.next().unwrap_or(""))
    }
    pub fn resource(&self) -> &str {
        self.parts()[0]
    }
    pub fn name(&self) -> &str {
        self.parts()[1]
    }
    pub fn subresource(&self) -> &str {
        self.parts()[2]
    }
    pub fn verb(&self) -> &'static str {
        match self.method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ if self.query.contains("watch=1") => "watch",
            _ if self.name().is_empty() => "list",
            _ => "get",
        }
    }
    /// The list or watch of an informer, which has a page size or is a watch.
    pub fn is_informers(&self) -> bool {
        self.verb() == "watch" || (self.verb() == "list" && self.query.contains("limit="))
    }
    pub fn is_write(&self) -> bool {
        self.method != Method::GET
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
    /// `update replicasets/status`, without names.
    pub fn what(&self) -> String {
        let sub = self.subresource();
        format!("{} {}{}{sub}", self.verb(), self.resource(), if sub.is_empty() { "" } else { "/" })
    }
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answered with this status, with `Retry-After` where given, and not carried out.
    Status(u16, Option<u32>),
    /// The connection breaks and nothing is done.
    ResetBefore,
    /// It is carried out, and the connection breaks.
    ResetAfter,
    /// It is carried out at once, and answered after this long.
    SlowAnswer(Duration),
    /// It waits until the gate opens, and is then carried out.
    Hold(watch::Receiver<bool>),
    /// It is never answered and never carried out.
    Hang,
}

type Matches = Box<dyn Fn(&Passed) -> bool + Send + Sync>;

struct Rule {
    fault: Fault,
    matches: Matches,
    every: u64,
    times: u64,
    seen: u64,
    strikes: Arc<AtomicU64>,
}

struct State {
    upstream: kube::Client,
    rules: Mutex<Vec<Rule>>,
    passed: Mutex<Vec<Passed>>,
    /// Counts up at each cut of the running watches.
    cut: watch::Sender<u64>,
}

/// A proxy. It ends when it is dropped.
pub struct Proxy {
    state: Arc<State>,
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Breaks watches until it is dropped.
pub struct Cutter {
    task: JoinHandle<()>,
    pub cuts: Strikes,
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How often a rule has struck.
#[derive(Clone)]
pub struct Strikes(Arc<AtomicU64>);

impl Strikes {
    pub fn number(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Proxy {
    /// A proxy to `server`, which sees the user `kontext`.
    pub async fn start(server: &Server) -> Result<Self> {
        let mut config = server.config("kontext").await?;
        config.default_retry = false;
        let state = Arc::new(State {
            upstream: kube::Client::try_from(config)?,
            rules: Mutex::default(),
            passed: Mutex::default(),
            cut: watch::Sender::new(0),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(accept(listener, state.clone()));
        Ok(Self { state, url, task })
    }

    /// A configuration for clients.
    pub fn config(&self) -> Result<kube::Config> {
        Ok(kube::Config::new(self.url.parse()?))
    }

    /// Makes `fault` of every `every`th request that `matches`, `times` times.
    pub fn fault(
        &self,
        fault: Fault,
        every: u64,
        times: u64,
        matches: impl Fn(&Passed) -> bool + Send + Sync + 'static,
    ) -> Strikes {
        let strikes = Arc::new(AtomicU64::new(0));
        let rule =
            Rule { fault, matches: Box::new(matches), every, times, seen: 0, strikes: strikes.clone() };
        self.state.rules.lock().push(rule);
        Strikes(strikes)
    }

    /// No more faults. What is held or hangs stays so.
    pub fn heal(&self) {
        self.state.rules.lock().clear();
    }

    /// Breaks the connections of all running watches.
    pub fn cut_watches(&self) {
        self.state.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Breaks all watches in the middle of the work, this many times: when two more writes have passed, and a watch has
    /// come back since the time before. Ends when it is dropped.
    pub fn cutter(&self, times: u64) -> Cutter {
        let (state, cuts) = (self.state.clone(), Arc::new(AtomicU64::new(0)));
        let made = cuts.clone();
        let task = tokio::spawn(async move {
            let number =
                |of: fn(&Passed) -> bool| state.passed.lock().iter().filter(|passed| of(passed)).count();
            let watches = || number(|passed| passed.verb() == "watch");
            let writes = || number(Passed::is_write);
            let mut back = watches();
            for _ in 0..times {
                let wanted = writes() + 2;
                while writes() < wanted || watches() < back {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                back = watches() + 1;
                state.cut.send_modify(|cuts| *cuts += 1);
                made.fetch_add(1, Ordering::SeqCst);
            }
        });
        Cutter { task, cuts: Strikes(cuts) }
    }

    /// What passed so far, in the order of the answers.
    pub fn passed(&self) -> Vec<Passed> {
        self.state.passed.lock().clone()
    }

    /// What the loops sent so far, without the lists and watches of informers.
    pub fn calls(&self) -> Vec<Passed> {
        self.passed().into_iter().filter(|passed| !passed.is_informers()).collect()
    }

    pub fn writes(&self) -> Vec<Passed> {
        self.passed().into_iter().filter(Passed::is_write).collect()
    }

    /// Forgets what passed.
    pub fn forget(&self) {
        self.state.passed.lock().clear();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let state = state.clone();
                // On its own task: a server goes on with a request whose client has gone.
                async move {
                    tokio::spawn(handle(state, request)).await.unwrap_or_else(|error| Err(error.into()))
                }
            });
            // A broken connection is what some faults are.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn handle(state: Arc<State>, request: Request<Incoming>) -> Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut passed = Passed {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body: body.clone(),
        status: None,
        upstream: None,
        result: None,
    };
    let fault = state.strike(&passed);
    match &fault {
        Some(Fault::Status(code, retry_after)) => {
            passed.status = Some(*code);
            state.passed.lock().push(passed);
            return Ok(status(*code, *retry_after));
        }
        Some(Fault::ResetBefore) => {
            state.passed.lock().push(passed);
            bail!("a connection broken on purpose");
        }
        Some(Fault::Hang) => {
            state.passed.lock().push(passed);
            return std::future::pending().await;
        }
        Some(Fault::Hold(gate)) => {
            gate.clone().wait_for(|open| *open).await?;
        }
        Some(Fault::ResetAfter | Fault::SlowAnswer(_)) | None => {}
    }
    let answer = state.forward(parts, body).await?;
    passed.upstream = Some(answer.status().as_u16());
    let is_watch = passed.verb() == "watch";
    if is_watch {
        passed.status = passed.upstream;
        state.passed.lock().push(passed);
        return Ok(answer.map(|body| state.until_cut(body)));
    }
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    if passed.is_write()
        && let Ok(value) = serde_json::from_slice::<Value>(&body)
    {
        let text = |key: &str| value["metadata"][key].as_str().map(str::to_owned);
        passed.result = text("name").zip(text("resourceVersion"));
    }
    let reset = matches!(fault, Some(Fault::ResetAfter));
    passed.status = (!reset).then_some(parts.status.as_u16());
    state.passed.lock().push(passed);
    if reset {
        bail!("a connection broken on purpose");
    }
    if let Some(Fault::SlowAnswer(delay)) = fault {
        tokio::time::sleep(delay).await;
    }
    Ok(Response::from_parts(parts, full(body)))
}

impl State {
    fn strike(&self, passed: &Passed) -> Option<Fault> {
        let mut rules = self.rules.lock();
        for rule in rules.iter_mut().filter(|rule| (rule.matches)(passed)) {
            rule.seen += 1;
            if rule.seen.is_multiple_of(rule.every) && rule.strikes.load(Ordering::SeqCst) < rule.times {
                rule.strikes.fetch_add(1, Ordering::SeqCst);
                return Some(rule.fault.clone());
            }
        }
        None
    }

    fn forward(
        &self,
        parts: http::request::Parts,
        body: Bytes,
    ) -> impl Future<Output = kube::Result<Response<kube::client::Body>>> {
        let mut request = Request::from_parts(parts, kube::client::Body::from(body));
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            request.headers_mut().remove(name);
        }
        let client = self.upstream.clone();
        async move { client.send(request).await }
    }

    /// The stream of a watch, which breaks at the next cut.
    fn until_cut(&self, body: kube::client::Body) -> UnsyncBoxBody<Bytes, Error> {
        let mut cut = self.cut.subscribe();
        let broken = async move {
            let _ = cut.changed().await;
            Err(anyhow!("a watch cut on purpose"))
        };
        let frames = BodyStream::new(body).map(|frame| frame.map_err(|error| anyhow!(error)));
        // After the break nothing comes any more, and an end of the watch ends it.
        let ends = frames.map(Some).chain(stream::iter([None]));
        let merged = stream::select(ends, stream::once(broken).map(Some));
        let body =
            merged.take_while(|frame| std::future::ready(frame.is_some())).filter_map(std::future::ready);
        StreamBody::new(body).boxed_unsync()
    }
}

fn full(bytes: Bytes) -> UnsyncBoxBody<Bytes, Error> {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn status(code: u16, retry_after: Option<u32>) -> Answer {
    let (reason, message) = match code {
        410 => ("Expired", "too old resource version"),
        403 => ("Forbidden", "exceeded quota: made by the test"),
        429 => ("TooManyRequests", "too many requests, please try again later"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => ("Timeout", "the request may still be processed"),
        _ => ("InternalError", "an error made by the test"),
    };
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code});
    let mut answer = Response::new(full(body.to_string().into()));
    *answer.status_mut() = StatusCode::from_u16(code).expect("a status");
    answer.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().expect("a value"));
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}
