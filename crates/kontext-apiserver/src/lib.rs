//! An in-memory Kubernetes API server for tests of controllers: a tower service, and HTTPS around it.
//!
//! ```text
//! Service<http::Request<B>, Response = http::Response<Body>>
//! ```
//!
//! It behaves as kube-apiserver 1.36 does where clients and controllers can see it: resourceVersions and conflicts,
//! generations, writes that change nothing, status and scale subresources, watches with bookmarks and `410 Expired`,
//! all patch types and server-side apply, custom resources, finalizers and graceful deletion, field ownership, tables.
//! What it does not do it refuses with a `Status` that says so. For people who know envtest: there is no binary to
//! fetch and no port to wait for, a server starts in milliseconds, and each test has its own.
//!
//! # Test an operator
//!
//! ```toml
//! [dev-dependencies]
//! kontext-apiserver = "0.1"
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! ```
//! use std::time::Duration;
//!
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kontext_apiserver::{ApiServer, Rule};
//! use kube::api::{Patch, PatchParams};
//! use kube::{Api, Client};
//! use serde_json::json;
//!
//! /// What is tested. Yours is probably a `kube::runtime::Controller`.
//! async fn operator(client: Client) {
//!     let maps: Api<ConfigMap> = Api::default_namespaced(client);
//!     let wanted = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
//!         "data": {"colour": "red"}});
//!     let params = PatchParams::apply("my-operator").force();
//!     while maps.patch("settings", &params, &Patch::Apply(&wanted)).await.is_err() {
//!         tokio::time::sleep(Duration::from_secs(5)).await;
//!     }
//! }
//!
//! #[tokio::test(start_paused = true)]
//! # async fn hidden() {}
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! #     tokio::time::pause();
//! #     lost_answers_are_survived().await;
//! # }
//! async fn lost_answers_are_survived() {
//!     let server = ApiServer::builder().repeatable(1).start().await;
//!     server.load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}").await.unwrap();
//!     // The first write is done, but its answer is lost.
//!     let lost = server.faults().add(Rule::commit_then_reset().user("my-operator").verb("patch"));
//!
//!     tokio::spawn(operator(server.client_for("my-operator")));
//!
//!     // No sleeping: this asks after each write, and time stands still meanwhile.
//!     let maps: Api<ConfigMap> = Api::default_namespaced(server.client());
//!     let made = async || maps.get_opt("settings").await.ok().flatten();
//!     server.eventually(Duration::from_secs(60), made).await.unwrap();
//!     // Nobody writes for a minute: the operator has come to rest, and its second apply changed nothing.
//!     server.settled(Duration::from_secs(60), Duration::from_secs(600)).await.unwrap();
//!     assert_eq!(lost.strikes(), 1);
//!     assert_eq!(
//!         server.requests().by("my-operator").to_string(),
//!         "my-operator patch configmaps default/settings -> 201 changed reset [commit-then-reset]\n\
//!          my-operator patch configmaps default/settings -> 200"
//!     );
//! }
//! ```
//!
//! The whole of it, with a CustomResourceDefinition, kube's `Controller`, owned objects, a finalizer and faults, is
//! [`tests/operator.rs`](https://github.com/kontext-dev/kontext/blob/main/crates/kontext-apiserver/tests/operator.rs).
//!
//! # What a test has at hand
//!
//! | to | use |
//! |---|---|
//! | speak as somebody | [`ApiServer::client_for`]; [`ApiServer::service_for`] under layers of your own |
//! | begin with objects, your kinds first: `server.load([MyKind::crd()])` | [`ApiServer::load`], [`ApiServer::load_yaml`], [`ApiServer::load_path`] |
//! | wait | [`ApiServer::eventually`], [`ApiServer::settled`]; kube's `await_condition` works too |
//! | see who did what | [`ApiServer::requests`], narrowed down by [`Requests`]' methods, or shown a line each |
//! | break things | [`ApiServer::faults`] with [`Rule`]s; [`ApiServer::compact`], [`ApiServer::drop_watches`] |
//! | have nodes, running Pods, finished Jobs | [`ApiServer::simulated_kubelet`], see [`SimulatedKubelet`] |
//! | have garbage collected | [`ApiServerBuilder::collect_garbage`], or [`GarbageCollector`] |
//! | run the same twice | [`ApiServerBuilder::repeatable`] under `#[tokio::test(start_paused = true)]` |
//! | use kubectl, or a client in Go | [`ApiServer::serve`] and [`Served::write_kubeconfig`], or the command `kontext apiserver` |
//!
//! # Time
//!
//! With `start_paused = true` tokio's clock stands still while there is something to do, and jumps to the next timer
//! when all tasks wait: requeues after an hour cost no time. [`ApiServerBuilder::repeatable`] makes the server's clock
//! ([`TokioClock`]) follow it. Put a bound around what you wait for, as [`ApiServer::eventually`] does: with heartbeats
//! and watches there always is a next timer. A paused clock needs the runtime of one thread that `#[tokio::test]` makes,
//! and no port: connections do not hold the clock. What kube's watcher waits after an *error* has a random part of its
//! own; so for runs that are the same to the second keep random faults off `list` and `watch`.
//!
//! # Faults
//!
//! | fault | what the client sees |
//! |---|---|
//! | [`Rule::conflict`], [`Rule::too_many_requests`], [`Rule::forbidden`], [`Rule::internal_error`], [`Rule::unavailable`], [`Rule::timeout`], [`Rule::answer`] | 409, 429 with `Retry-After`, 403, 500, 503, 504, any `Status`; nothing is done |
//! | [`Rule::reset`], [`Rule::commit_then_reset`] | a broken connection; nothing was done, or all of it |
//! | [`Fault::CommitThenStatus`] | a 504 for a write that was done |
//! | [`Rule::delay`] | an answer that comes late |
//! | [`Rule::stale_read`] | what was stored before the latest writes, consistent with the history |
//! | [`Rule::reset_watch_after`], [`Rule::delay_events`], [`Fault::DropWatches`], [`Rule::compact`] | watches that break, come late, or expire |
//! | [`Fault::TruncatedBody`], [`Fault::GarbageBody`] | an answer that breaks off, or is no JSON |
//!
//! A [`Rule`] says which requests (verb, group, resource, namespace, name, user, agent, field manager, any predicate)
//! and how often (once, `times`, `nth`, `after`, `probability` from the seed); its [`RuleHandle`] tells how often it
//! struck.

mod addresses;
mod admission;
mod body;
mod clock;
mod crd;
mod defaults;
mod discovery;
mod duration;
mod error;
mod faults;
mod fields;
mod formats;
mod garbage;
mod kinds;
mod kubelet;
mod load;
mod managed_fields;
mod object;
mod patch;
mod protobuf;
mod random;
mod record;
mod requests;
mod schema;
mod selector;
mod server;
mod service;
mod store;
mod strict;
mod table;
mod tls;
mod waiting;
mod watch;
mod yaml;

pub use body::{Body, Reset};
pub use clock::{Clock, SystemClock, TokioClock};
pub use faults::{Fault, Faults, Rule, RuleError, RuleHandle};
pub use garbage::GarbageCollector;
pub use kubelet::{Builder as KubeletBuilder, KubeletHandle, SimulatedKubelet};
pub use load::LoadError;
pub use record::RequestRecord;
pub use requests::Requests;
pub use server::{ApiServer, ApiServerBuilder, DEFAULT_USER, ServeError, UserService, WithUser};
pub use service::{ApiService, User};
pub use tls::Served;
pub use waiting::NotYet;
