//! The reader: from live objects alone to the chain of causes of an object.
//!
//! ```text
//! words of the command line -> Query -> observe (Cluster: get, events) -> Facts -> chain (pure) -> Chain -> render: text, JSON
//! ```
//!
//! [`why`] is the whole way; the parts are public for those who keep facts elsewhere.
//!
//! What it reads: stamps (annotations of objects and Events), owner references, managed fields. All of these may be
//! written by anybody with write access, so the chain says of each step how it is known ([`Certainty`]), and no
//! control character of them reaches the output.
//!
//! ```no_run
//! # async fn example(client: kube::Client) -> Result<(), kontext_why::WhyError> {
//! use kontext_why::{LiveCluster, Query, TextOptions, render};
//! let query = Query::parse(["pod/web-7d4b9-x2x8k"], Some("shop"))?;
//! let chain = kontext_why::why(&LiveCluster::new(client), &query).await?;
//! let text = render::text(&chain, &TextOptions::default());
//! # Ok(()) }
//! ```

mod chain;
mod error;
#[cfg(test)]
mod fixtures;
mod model;
mod observe;
mod query;
mod read;
pub mod render;

pub use chain::{MAX_STEPS, explain};
pub use error::WhyError;
pub use model::{
    ActionTold, At, CauseTold, Certainty, Chain, Deed, GenerationStep, Object, Precision, SCHEMA, Source,
    Step, WhoTold, WriteTold,
};
pub use observe::{Cluster, Facts, Key, Known, LiveCluster, MAX_LOOKUPS, Resource, Want, observe};
pub use query::{KindName, Query};
pub use render::TextOptions;

/// Answers a query: resolves the kind, reads what is needed, and explains.
///
/// # Errors
///
/// Where the object itself cannot be read, or the server goes away. What is missing of the objects *behind* it is
/// no error: the chain says so in its notes.
pub async fn why(cluster: &impl Cluster, query: &Query) -> Result<Chain, WhyError> {
    let resource = cluster.resolve(&query.kind).await?;
    let namespace = resource.namespaced.then_some(&*query.namespace);
    let key = Key::new(&resource.api_version(), &resource.kind, namespace, &query.name)
        .ok_or_else(|| WhyError::Usage(format!("{:?} cannot be the name of an object", &*query.name)))?;
    observe(cluster, &key, &kontext_core::Keys::default()).await
}
