//! Context propagation for Kubernetes controllers: what a controller does, it can be asked why.
//!
//! A controller acts because something changed, but the reason is lost on the way: watch events collapse into a queue
//! of string keys, each reconcile starts with an empty context, and the objects it writes say who wrote them and
//! never why. This crate plumbs a [`Context`] through: it holds every [`Cause`] that was observed for the object, and
//! each decision of the controller is an [`Action`] started from it. What is written then bears a [`Stamp`], and
//! `kontext why` reads the chain back.
//!
//! # A complete small controller
//!
//! It keeps a copy of every ConfigMap that asks for one.
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//!
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kontext::{
//!     CallError, Context, Controller, Intent, ObjectRef, Observer, PlainSpans, Policy, Weight,
//!     informer::{Delta, Informer, InformerOptions, Resource, Seen, Store, Watched},
//!     queue::{Key, Limits, QueueMetrics, WorkQueue},
//!     runner::{Next, Reconciler, Runner, RunnerMetrics},
//! };
//! use kube::{Api, Client, Config, ResourceExt, api::PostParams};
//! use tokio_util::sync::CancellationToken;
//!
//! /// What the store keeps of a ConfigMap; here, all of it.
//! struct Kept(ConfigMap);
//!
//! impl Watched for Kept {
//!     fn parse(json: &str) -> Result<Self, serde_json::Error> { serde_json::from_str(json).map(Self) }
//!     fn namespace(&self) -> Option<&str> { self.0.metadata.namespace.as_deref() }
//!     fn name(&self) -> &str { self.0.metadata.name.as_deref().unwrap_or_default() }
//!     fn uid(&self) -> &str { self.0.metadata.uid.as_deref().unwrap_or_default() }
//!     fn resource_version(&self) -> &str { self.0.metadata.resource_version.as_deref().unwrap_or_default() }
//!     fn indexes(&self) -> Vec<Arc<str>> { Vec::new() }
//! }
//!
//! const CONFIG_MAPS: Resource = Resource { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap" };
//!
//! struct Copier { client: Client, maps: Arc<Store<Kept>> }
//!
//! impl Reconciler for Copier {
//!     type Error = CallError<kube::Error>;
//!
//!     async fn reconcile(&self, context: Context, key: &Key) -> Result<Next, Self::Error> {
//!         // Observe.
//!         let Some(map) = self.maps.object(key) else { return Ok(Next::Done) };
//!         let copy = format!("{}-copy", map.name());
//!         let (namespace, _) = key.split_once('/').unwrap_or_default();
//!         // Decide.
//!         let wanted = map.0.labels().get("copy").is_some_and(|value| value == "wanted");
//!         if !wanted || self.maps.object(&format!("{namespace}/{copy}")).is_some() {
//!             return Ok(Next::Done);
//!         }
//!         // Act: the action is started, names its reason, makes its call, and ends when it is dropped.
//!         let action = context.start(&map.0, "copier.CreateCopy").because("its copy is missing");
//!         let body = ConfigMap {
//!             metadata: kube::api::ObjectMeta { name: Some(copy), ..Default::default() },
//!             data: map.0.data.clone(),
//!             ..Default::default()
//!         };
//!         let api = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
//!         action.call(api.create(&PostParams::default(), &body)).await?; // header, stamp, deadline, cancellation
//!         Ok(Next::Done)
//!     }
//!
//!     fn object(&self, key: &str) -> ObjectRef {
//!         let (namespace, name) = key.split_once('/').unwrap_or_default();
//!         ObjectRef::new("ConfigMap", Some(namespace), name)
//!     }
//!
//!     fn intent(&self, _key: &str) -> Option<Intent> { None }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let policy = Arc::new(Policy::new());
//!     let config = Config::infer().await?;
//!     let client = kontext::client(config.clone(), policy.clone())?; // kube::Client with the context layer
//!     let queue = WorkQueue::new(Limits::default(), QueueMetrics::default());
//!     let mut informer = Informer::<Kept>::new(Client::try_from(config)?, CONFIG_MAPS, InformerOptions::default());
//!
//!     // Each event becomes a cause in the entry of its key.
//!     let observer = Observer::new(policy.clone(), Arc::new(PlainSpans));
//!     let keys = queue.clone();
//!     informer.add_handler(Arc::new(move |delta: Delta<'_, Kept>, seen: Seen<'_>| match delta {
//!         Delta::Added { new, initial } => {
//!             let cause = if initial { None } else { observer.cause(None, seen.raw, &new.0, Weight::Intent) };
//!             keys.add(&key_of(new), cause);
//!         }
//!         Delta::Updated { old, new } => {
//!             let old = serde_json::to_string(&old.0).ok();
//!             keys.add(&key_of(new), observer.cause(old.as_deref(), seen.raw, &new.0, Weight::Intent));
//!         }
//!         Delta::Deleted { last, .. } => keys.add(&key_of(last), None),
//!     }));
//!
//!     let stop = CancellationToken::new();
//!     let copier = Copier { client, maps: informer.store().clone() };
//!     let runner = Runner {
//!         controller: Arc::new(Controller::new("copier", "", "ConfigMap")),
//!         queue,
//!         workers: 2,
//!         max_retries: None,
//!         policy,
//!         telemetry: Arc::new(PlainSpans),
//!         metrics: RunnerMetrics::default(),
//!         grace: Duration::from_secs(10),
//!     };
//!     let mut synced = informer.synced();
//!     let loops = async {
//!         let _ = synced.wait_for(|synced| *synced).await;
//!         runner.run(copier, stop.clone()).await;
//!     };
//!     tokio::join!(informer.run(stop.clone()), loops);
//!     Ok(())
//! }
//!
//! fn key_of(map: &Kept) -> Key {
//!     format!("{}/{}", map.namespace().unwrap_or_default(), map.name()).into()
//! }
//! ```
//!
//! # From the KEP's sketch to this crate
//!
//! | sketch of "Controller Context Propagation" | here |
//! |---|---|
//! | `wrapped := contextutils.StartControllerContext(ctx, rs, "replicaset.CreatePod")` | `let action = context.start(&rs, "replicaset.CreatePod");` ([`Context::start`]) |
//! | `wrapped.GetCtx()` | [`Action::context`]; usually `action.call(…)`, which binds it ([`Action::call`]) |
//! | `defer wrapped.endCtx()` | nothing to write: dropping the action ends it, on every way out ([`Action::end`] to do it earlier) |
//!
//! # Where things are
//!
//! - [`client`](mod@client): the layer that gives requests their headers and writes their stamps, and the client around it.
//! - [`informer`], [`queue`], [`runner`]: watch, remember why, reconcile.
//! - [`leader`]: one of several replicas works.
//! - [`telemetry`]: spans with one link for each cause, metrics, log lines.
//! - At the root, the values themselves: [`Context`], [`Action`], [`Cause`], [`Stamp`], [`Policy`], [`Traceparent`], …

pub mod client;
pub mod informer;
pub mod leader;
pub mod queue;
pub mod rate_limit;
pub mod runner;
pub mod telemetry;
pub mod transport;

pub use client::client;
pub use kontext_core::*;
