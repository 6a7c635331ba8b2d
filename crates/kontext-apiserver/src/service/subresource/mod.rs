//! Subresources whose body is not the object itself.

pub(super) mod binding;
mod budget;
pub(super) mod eviction;
pub(super) mod scale;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::managed_fields::{Versions, Writer, track_update};
use crate::object;
use crate::schema::{self, MergeType};
use crate::service::Call;

/// What is answered where something was done and there is nothing to show.
fn success() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}

/// Brings the metadata of what is posted to a subresource into the form that admission sees.
fn wipe(posted: &mut Value, namespace: &str) -> Result<(), ApiError> {
    for field in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        object::metadata(posted).remove(field);
    }
    in_namespace(posted, namespace)
}

/// The namespace is that of the request; another one is refused.
fn in_namespace(posted: &mut Value, namespace: &str) -> Result<(), ApiError> {
    let given = object::namespace(posted);
    if !given.is_empty() && given != namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    object::metadata(posted).insert("namespace".to_owned(), json!(namespace));
    Ok(())
}

/// Writes into what is posted to a subresource who owns its fields, which webhooks see and nothing keeps.
fn track(call: &Call<'_>, posted: &mut Value, group: &str, kind: &str) -> Result<(), ApiError> {
    let of = schema::merge_type_of(group, "v1", kind).unwrap_or_else(MergeType::deduced);
    let versions = Versions::single(&crate::kinds::api_version(group, "v1"), kind, of);
    let writer = Writer { versions, ..call.writer(&call.target.subresource)? };
    track_update(None, posted, &writer, call.now);
    Ok(())
}
