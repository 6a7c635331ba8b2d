//! What one request costs without connections and TLS: the tower service alone.
//!
//! `cargo bench -p kontext-apiserver --bench load`; `cargo xtask bench-apiserver` compares with the real server.
//! `LOAD=create COUNT=1000` (or patch, get, list) does only that, for profilers.

#![allow(missing_docs, reason = "the macros of criterion make functions without")]
#![allow(clippy::unwrap_used, reason = "a bench may panic as tests do")]

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use futures::StreamExt;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use kontext_apiserver::{ApiServer, Body, UserService};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const PODS: &str = "/api/v1/namespaces/default/pods";
const WATCHERS: usize = 1000;

fn pod(number: usize) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("web-7c5ddbdf54-{number:06}"),
            "labels": {"app": "web", "pod-template-hash": "7c5ddbdf54", "tier": "front"},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c5ddbdf54",
                "uid": "5f2e7a4c-1d7c-4a55-9a2c-8b2e4a0d9f11", "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "containers": [{
                "name": "app",
                "image": "registry.example/web:1",
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [{"name": "GREETING", "value": "hello"}],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
                "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
            }],
        },
    })
}

/// A server, and how many pods were created on it.
struct World {
    runtime: Runtime,
    service: UserService,
    created: usize,
    patched: usize,
}

impl World {
    fn new(pods: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(ApiServer::builder().start());
        let mut world = Self { runtime, service: server.service_for("alice"), created: 0, patched: 0 };
        (0..pods).for_each(|_| world.create());
        world
    }

    async fn send(service: &UserService, request: Request<Full<Bytes>>, wanted: StatusCode) -> Body {
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), wanted);
        response.into_body()
    }

    fn ask(&self, method: &str, path: &str, content_type: &str, body: String, wanted: StatusCode) -> usize {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        self.runtime.block_on(async {
            Self::send(&self.service, request, wanted).await.collect().await.unwrap().to_bytes().len()
        })
    }

    fn create(&mut self) {
        let body = pod(self.created).to_string();
        self.created += 1;
        self.ask("POST", PODS, "application/json", body, StatusCode::CREATED);
    }

    fn patch(&mut self) {
        let path = format!("{PODS}/web-7c5ddbdf54-{:06}", self.patched % self.created);
        self.patched += 1;
        let body = json!({"metadata": {"annotations": {"round": self.patched.to_string()}}}).to_string();
        self.ask("PATCH", &path, "application/merge-patch+json", body, StatusCode::OK);
    }

    fn get(&self) {
        let path = format!("{PODS}/web-7c5ddbdf54-000000");
        self.ask("GET", &path, "", String::new(), StatusCode::OK);
    }

    fn list(&self) {
        assert!(self.ask("GET", PODS, "", String::new(), StatusCode::OK) > self.created * 1000);
    }

    /// Watches that begin with the pods that are there.
    fn watch(&self, query: &str) -> Vec<http_body_util::BodyDataStream<Body>> {
        self.runtime.block_on(async {
            let mut watches = Vec::new();
            for _ in 0..WATCHERS {
                let request =
                    Request::get(format!("{PODS}?watch=1{query}")).body(Full::new(Bytes::new())).unwrap();
                watches.push(Self::send(&self.service, request, StatusCode::OK).await.into_data_stream());
            }
            watches
        })
    }

    fn deliver(&self, watches: &mut [http_body_util::BodyDataStream<Body>]) {
        self.runtime.block_on(async {
            for watch in watches {
                watch.next().await.unwrap().unwrap();
            }
        });
    }
}

fn benches(criterion: &mut Criterion) {
    let mut world = World::new(1);
    criterion.bench_function("create a pod", |b| b.iter(|| world.create()));
    let mut world = World::new(1000);
    criterion.bench_function("patch a pod", |b| b.iter(|| world.patch()));
    criterion.bench_function("get a pod", |b| b.iter(|| world.get()));
    let world = World::new(10_000);
    criterion.bench_function("list 10 000 pods", |b| b.iter(|| world.list()));
    for (name, query) in [
        ("a patch seen by 1 000 watchers", ""),
        ("a patch seen by 1 000 watchers with a label selector", "&labelSelector=app%3Dweb"),
        ("a patch seen by 1 000 watchers with a field selector", "&fieldSelector=status.phase%3DPending"),
    ] {
        let mut world = World::new(1);
        let mut watches = world.watch(query);
        world.deliver(&mut watches);
        criterion.bench_function(name, |b| {
            b.iter(|| {
                world.patch();
                world.deliver(&mut watches);
            });
        });
    }
}

/// One part, so many times.
fn once(part: &str, count: usize) {
    let mut world = World::new(100);
    for _ in 0..count {
        match part {
            "create" => world.create(),
            "patch" => world.patch(),
            "get" => world.get(),
            "list" => world.list(),
            other => panic!("there is no part {other}"),
        }
    }
}

fn all(criterion: &mut Criterion) {
    match std::env::var("LOAD") {
        Ok(part) => once(&part, std::env::var("COUNT").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)),
        Err(_) => benches(criterion),
    }
}

criterion_group!(load, all);
criterion_main!(load);
