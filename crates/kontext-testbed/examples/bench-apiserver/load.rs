//! What the servers have to do.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::Barrier;

use crate::objects::{NAMESPACE, SENT, config_map, pod, pod_update};
use crate::side::Running;
use crate::wire::{Connection, Target};

/// Connections that write at the same time.
const WRITERS: usize = 8;
const WATCHERS_CONNECT_AT_ONCE: usize = 32;
const WITHIN: Duration = Duration::from_secs(600);
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// How much of what.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) pods: usize,
    pub(crate) lists: usize,
    pub(crate) updates: usize,
    pub(crate) watchers: usize,
    pub(crate) events: usize,
}

impl fmt::Display for Load {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pods, lists, updates, watchers, events } = self;
        write!(
            out,
            "{pods} pods over {WRITERS} connections, {lists} lists of them, {updates} patches, {watchers} watchers of \
             {events} patches"
        )
    }
}

/// How long watchers waited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    /// From the first write to the last delivery to the last watcher.
    pub(crate) wall: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

fn path(resource: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/{resource}")
}

impl Load {
    /// Creates the pods.
    pub(crate) async fn create(&self, server: &Running) -> Result<Duration> {
        let pods = path("pods");
        self.write(&server.target, self.pods, async |connection, number| {
            connection.ask(Method::POST, &pods, JSON, &pod(number), StatusCode::CREATED).await
        })
        .await
    }

    /// Patches pods, one after the other on each connection.
    pub(crate) async fn update(&self, server: &Running) -> Result<Duration> {
        let (pods, count) = (path("pods"), self.pods);
        self.write(&server.target, self.updates, async |connection, number| {
            let name = pod(number % count)["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let path = format!("{pods}/{name}");
            connection.ask(Method::PATCH, &path, MERGE_PATCH, &pod_update(number), StatusCode::OK).await
        })
        .await
    }

    async fn write(
        &self,
        target: &Target,
        count: usize,
        one: impl AsyncFn(&mut Connection, usize) -> Result<Bytes>,
    ) -> Result<Duration> {
        let mut connections = try_join_all((0..WRITERS).map(|_| target.connect())).await?;
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        try_join_all(connections.iter_mut().map(async |connection| -> Result<()> {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                one(connection, number).await?;
            }
        }))
        .await?;
        Ok(start.elapsed())
    }

    /// The median time of a list of all pods.
    pub(crate) async fn list(&self, server: &Running) -> Result<Duration> {
        let mut connection = server.target.connect().await?;
        let mut times = Vec::new();
        for _ in 0..self.lists {
            let start = Instant::now();
            let list = connection.ask(Method::GET, &path("pods"), JSON, &Value::Null, StatusCode::OK).await?;
            times.push(start.elapsed());
            let ends = list.ends_with(b"}") || list.ends_with(b"}\n");
            ensure!(ends && list.len() > self.pods * 1000, "the list has {} bytes only", list.len());
        }
        times.sort_unstable();
        times.get(times.len() / 2).copied().context("no list was asked for")
    }

    /// Patches ConfigMaps under the eyes of many watchers, each on a connection of its own.
    pub(crate) async fn watch(&self, server: &Running) -> Result<Watched> {
        let maps = path("configmaps");
        let mut writer = server.target.connect().await?;
        let object = config_map("watched", 0);
        let created = writer.ask(Method::POST, &maps, JSON, &object, StatusCode::CREATED).await?;
        let created: Value = serde_json::from_slice(&created)?;
        let version = created["metadata"]["resourceVersion"].as_str().context("a version")?;
        let watch: Arc<str> = format!("{maps}?watch=1&resourceVersion={version}").into();
        let (epoch, ready) = (Instant::now(), Arc::new(Barrier::new(self.watchers + 1)));
        let gate = Arc::new(tokio::sync::Semaphore::new(WATCHERS_CONNECT_AT_ONCE));
        let watchers: Vec<_> = (0..self.watchers)
            .map(|_| {
                let (target, watch, gate) = (server.target.clone(), watch.clone(), gate.clone());
                let (ready, events) = (ready.clone(), self.events);
                tokio::spawn(async move {
                    let permit = gate.acquire_owned().await?;
                    let mut connection = target.connect().await?;
                    let response = connection.send(Method::GET, &watch, "", Bytes::new()).await?;
                    ensure!(response.status() == StatusCode::OK, "a watch answers {}", response.status());
                    drop(permit);
                    ready.wait().await;
                    deliveries(response.into_body(), events, epoch).await
                })
            })
            .collect();
        ready.wait().await;
        let start = Instant::now();
        let object = format!("{maps}/watched");
        self.write(&server.target, self.events, async |connection, _| {
            let sent = u64::try_from(epoch.elapsed().as_micros())?;
            let patch = serde_json::json!({"data": {"sent": sent.to_string()}});
            connection.ask(Method::PATCH, &object, MERGE_PATCH, &patch, StatusCode::OK).await
        })
        .await?;
        let mut waits = Vec::with_capacity(self.watchers * self.events);
        for watcher in watchers {
            waits.extend(tokio::time::timeout(WITHIN, watcher).await.context("a watcher waits")???);
        }
        let wall = start.elapsed();
        waits.sort_unstable();
        let at = |share: usize| {
            let wait = waits.get((waits.len() * share / 100).min(waits.len().saturating_sub(1)));
            wait.map(|micros| Duration::from_micros(*micros)).context("nothing was delivered")
        };
        Ok(Watched { wall, p50: at(50)?, p99: at(99)? })
    }
}

/// Reads a watch until it has that many events; gives how long each was under way, in microseconds.
async fn deliveries(mut body: hyper::body::Incoming, events: usize, epoch: Instant) -> Result<Vec<u64>> {
    let mut waits = Vec::with_capacity(events);
    let mut rest: Vec<u8> = Vec::new();
    while waits.len() < events {
        let frame = body.frame().await.context("the watch ended")??;
        let Ok(data) = frame.into_data() else { continue };
        let now = u64::try_from(epoch.elapsed().as_micros())?;
        rest.extend_from_slice(&data);
        let mut done = 0;
        while let Some(length) = rest[done..].iter().position(|byte| *byte == b'\n') {
            let line = &rest[done..done + length];
            waits.push(now.saturating_sub(sent(line).with_context(|| {
                format!("no time in {}", String::from_utf8_lossy(&line[..line.len().min(200)]))
            })?));
            done += length + 1;
        }
        rest.drain(..done);
    }
    Ok(waits)
}

fn sent(line: &[u8]) -> Option<u64> {
    let start = line.windows(SENT.len()).position(|window| window == SENT)? + SENT.len();
    let digits = line[start..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
