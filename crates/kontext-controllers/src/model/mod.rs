//! Slim views of the API objects the loops read.
//!
//! They are deserialised straight from the API's JSON; fields a loop does not need are skipped while parsing, so they
//! never take memory. A [`Pod`] keeps no JSON at all. A [`ReplicaSet`] and a [`Deployment`] also keep their full JSON
//! (without `managedFields`), because they are written back with PUT and a PUT must not lose fields we do not know.

mod condition;
mod deployment;
mod int_or_string;
mod labels;
mod meta;
mod pod;
mod raw;
mod replica_set;
mod resource_version;
mod selector;
mod text;

pub(crate) use condition::whole_seconds;
pub use condition::{Condition, condition};
pub use deployment::{Deployment, DeploymentChange, DeploymentStatus, Strategy};
pub use int_or_string::{IntOrString, IntOrStringError};
pub use labels::Labels;
pub use meta::{Meta, Object, Owner};
pub use pod::{DELETION_COST, Phase, Pod};
pub use raw::{Annotations, RawObject};
pub use replica_set::{ReplicaSet, ReplicaSetChange, ReplicaSetStatus};
pub use resource_version::ResourceVersion;
pub use selector::{Selector, SelectorError};
pub use text::{Text, intern};

pub(crate) use text::{Interned, Plain};

#[cfg(test)]
mod tests;
