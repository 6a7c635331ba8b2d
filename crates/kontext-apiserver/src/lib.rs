//! An in-memory Kubernetes API server for tests of controllers: a tower service, and HTTPS around it.
//!
//! ```text
//! Service<http::Request<B>, Response = http::Response<Body>>
//! ```
//!
//! It behaves as kube-apiserver 1.36 does where clients and controllers can see it: resourceVersions and conflicts,
//! generations, writes that change nothing, status and scale subresources, watches with bookmarks and `410 Expired`,
//! all patch types but apply, finalizers and graceful deletion, field ownership, tables. What it does not do it refuses
//! with a `Status` that says so.
//!
//! No port is needed to test against it:
//!
//! ```
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kontext_apiserver::ApiServer;
//! use kube::Api;
//! use kube::api::PostParams;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), kube::Error> {
//! let server = ApiServer::builder().seed(1).start().await;
//! let maps: Api<ConfigMap> = Api::default_namespaced(server.client_for("alice"));
//! let mut map = ConfigMap::default();
//! map.metadata.generate_name = Some("settings-".to_owned());
//! let map = maps.create(&PostParams::default(), &map).await?;
//! assert!(map.metadata.name.is_some_and(|name| name.starts_with("settings-")));
//! assert!(server.requests().iter().any(|r| r.user == "alice" && r.verb == "create" && r.changed));
//! # Ok(())
//! # }
//! ```
//!
//! Time ([`Clock`]) and randomness (a seed) are passed in, faults are injected with [`Faults`], and
//! [`ApiServer::requests`] tells who asked for what and whether it changed anything.

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
