//! Custom resources: the kinds that clients define while the server runs.
//!
//! ```text
//! write of a definition -> check (is it a valid one?) -> stored -> reconcile -> names accepted -> served -> established
//! write of a custom resource -> decode: prune, drop nulls, fill in defaults -> prepare (as any kind) -> validate
//! ```
//!
//! `schema` is what a version says about its objects; `prune`, `validate` and `format` apply it. `definition` reads a
//! CustomResourceDefinition, `kind` is one served version of it, `status` decides what becomes of a definition (pure),
//! `reconcile` does it. `check` refuses definitions that the real server refuses.
//!
//! CEL rules (`x-kubernetes-validations`) are accepted and not evaluated; a warning says so when the definition is
//! written. Conversion by webhook is refused.

mod check;
mod columns;
mod definition;
mod failure;
mod format;
mod json_path;
mod kind;
mod pattern;
mod prune;
mod reconcile;
mod schema;
mod status;
mod validate;

pub(crate) use check::{validate as validate_definition, warnings as definition_warnings};
pub(crate) use definition::{Definition, Scale, Version, default_names, set_stored_versions};
pub(crate) use kind::finalizer_warnings;
pub(crate) use kind::{CustomKind, follow};
pub(crate) use reconcile::Reconciler;
pub(crate) use status::mark_terminating;

#[cfg(test)]
pub(crate) use reconcile::served;

/// The group of the definitions themselves.
pub(crate) const GROUP: &str = "apiextensions.k8s.io";
/// Their plural name.
pub(crate) const PLURAL: &str = "customresourcedefinitions";
