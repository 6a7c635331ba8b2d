//! Shared informers: one list and watch per kind, a store with the previous object and indexes, and handlers
//! that are told what changed.
//!
//! ```text
//! list, watch -> Reflector -> Store (previous object, indexes, last resource version) -> Handlers -> work queues
//! ```
//!
//! What kube's stock runtime does not give a main loop is here: the previous object with each event, deletions
//! found at a relist (tombstones), the raw JSON while the event is handled, and the store's resource version.

mod delta;
mod list;
mod reflector;
mod store;
mod watched;

pub use delta::{Delta, Handler, Seen};
pub use reflector::{Informer, InformerOptions};
pub use store::Store;
pub use watched::{ObjectKey, Resource, Watched};

#[cfg(test)]
mod tests;
