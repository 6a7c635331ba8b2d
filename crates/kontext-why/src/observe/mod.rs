//! Reading what the explanation needs, one look-up after the other: each answer tells what to look at next.

mod discovery;
mod failure;
mod key;
mod live;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, future::Future};

use kontext_core::Keys;
use serde_json::Value;

pub use discovery::Resource;
pub use key::Key;
pub use live::LiveCluster;

use crate::{chain::explain, error::WhyError, model::Chain, query::KindName};

/// Look-ups made for one answer at most.
pub const MAX_LOOKUPS: usize = 96;

/// Where objects and Events are read.
pub trait Cluster: Sync {
    /// The resource that somebody means by a kind.
    fn resolve(&self, kind: &KindName) -> impl Future<Output = Result<Resource, WhyError>> + Send;

    /// The live object.
    fn object(&self, key: &Key) -> impl Future<Output = Result<Value, WhyError>> + Send;

    /// The core/v1 Events about an object of this kind, namespace and name, whatever its uid.
    fn events(&self, about: &Key) -> impl Future<Output = Result<Vec<Value>, WhyError>> + Send;
}

/// An answer of the cluster.
#[derive(Clone, Debug)]
pub enum Known<T> {
    /// It is there.
    Is(T),
    /// It is not there.
    Absent,
    /// It could not be read; the reason, for a note.
    Refused(String),
}

/// Everything that was read so far.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    objects: HashMap<Key, Known<Value>>,
    events: HashMap<Key, Known<Vec<Value>>>,
}

/// What has to be read before the explanation can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// This object.
    Object(Key),
    /// The Events about it.
    Events(Key),
}

impl Facts {
    /// What is known of an object, or that it has to be read.
    ///
    /// # Errors
    ///
    /// The look-up that is missing.
    pub fn object(&self, key: &Key) -> Result<&Known<Value>, Want> {
        self.objects.get(key).ok_or_else(|| Want::Object(key.clone()))
    }

    /// The same with the key as it is kept, which lives as long as the facts.
    pub(crate) fn object_entry(&self, key: &Key) -> Result<(&Key, &Known<Value>), Want> {
        self.objects.get_key_value(key).ok_or_else(|| Want::Object(key.clone()))
    }

    /// What is known of the Events about an object, or that they have to be read.
    ///
    /// # Errors
    ///
    /// The look-up that is missing.
    pub fn events(&self, about: &Key) -> Result<&Known<Vec<Value>>, Want> {
        self.events.get(about).ok_or_else(|| Want::Events(about.clone()))
    }

    /// Adds the answer for an object.
    pub fn add_object(&mut self, key: Key, known: Known<Value>) {
        self.objects.insert(key, known);
    }

    /// Adds the answer for the Events about an object.
    pub fn add_events(&mut self, about: Key, known: Known<Vec<Value>>) {
        self.events.insert(about, known);
    }
}

/// Explains the object with this key: reads and explains until nothing is missing.
///
/// # Errors
///
/// Where the object itself cannot be read, or the server goes away.
pub async fn observe(cluster: &impl Cluster, root: &Key, keys: &Keys) -> Result<Chain, WhyError> {
    let mut facts = Facts::default();
    facts.add_object(root.clone(), Known::Is(cluster.object(root).await?));
    for lookups in 0.. {
        let want = match explain(root, &facts, keys) {
            Ok(chain) => return Ok(chain),
            Err(want) => want,
        };
        // Every look-up adds a fact, and what is not read any more is a fact too: this ends.
        let enough = || format!("not read: {MAX_LOOKUPS} look-ups are enough");
        match want {
            Want::Object(key) if lookups >= MAX_LOOKUPS => facts.add_object(key, Known::Refused(enough())),
            Want::Events(key) if lookups >= MAX_LOOKUPS => facts.add_events(key, Known::Refused(enough())),
            Want::Object(key) => {
                let known = known(cluster.object(&key).await)?;
                facts.add_object(key, known);
            }
            Want::Events(key) => {
                let known = known(cluster.events(&key).await)?;
                facts.add_events(key, known);
            }
        }
    }
    unreachable!("the loop over all numbers ends by returning")
}

/// What an answer means for an object behind the one asked about: only a server that is away ends the search.
fn known<T>(answer: Result<T, WhyError>) -> Result<Known<T>, WhyError> {
    match answer {
        Ok(value) => Ok(Known::Is(value)),
        Err(WhyError::NotFound { .. }) => Ok(Known::Absent),
        Err(error @ (WhyError::ServerAway { .. } | WhyError::Unauthorised(_))) => Err(error),
        Err(WhyError::Forbidden { verb, resource, namespace, .. }) => {
            let place =
                namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace:?}"));
            Ok(Known::Refused(format!("no permission to {verb} {resource}{place}")))
        }
        Err(error) => Ok(Known::Refused(error.to_string())),
    }
}
