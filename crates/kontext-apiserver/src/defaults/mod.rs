//! What the server fills in, and what it refuses: the defaults, create strategies and validation of the built-in
//! kinds of Kubernetes 1.36.
//!
//! Upstream's order for a create, which decides who owns what and what webhooks see: [`apply_defaults`], then
//! [`crate::managed_fields::track_update`], then [`plugins`], then mutating webhooks, then [`prepare_create`], then
//! [`validate`], then validating webhooks. For an update the same with [`prepare_update`].

mod admission;
mod by_kind;
mod by_type;
mod quantity;
mod validate;
mod value;

pub(crate) mod names;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::schema;

pub(crate) use admission::{plugins, prepare_create, prepare_update};
pub(crate) use validate::{validate, validate_event_update, validate_status};

/// Fills in what decoding an object fills in: every write, of every kind with a schema. Owned by the writer.
pub(crate) fn apply_defaults(group: &str, kind: &str, object: &mut Value) {
    let Some(root) = schema::name_of(group, kind) else { return };
    let Some(def) = schema::of(group, kind) else { return };
    schema::normalize(def, object);
    by_type::walk(root, object);
    by_kind::apply(group, kind, object);
    schema::normalize(def, object);
}
