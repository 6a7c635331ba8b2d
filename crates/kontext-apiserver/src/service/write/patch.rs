//! `PATCH`: which of the four types it is, and JSON, merge and strategic merge patches.

use http::StatusCode;
use serde_json::Value;

use super::apply::{self, Applied};
use super::change::{Whole, carry_out};
use super::decode::{self, Encoded};
use crate::error::ApiError;
use crate::fields;
use crate::object;
use crate::patch::{self, PatchError};
use crate::service::{Call, Reply, options};
use crate::store::Key;

pub(in crate::service) const JSON_PATCH: &str = "application/json-patch+json";
pub(in crate::service) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(in crate::service) const STRATEGIC_MERGE_PATCH: &str = "application/strategic-merge-patch+json";
pub(in crate::service) const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// What a patch request asks for.
pub(in crate::service) enum Patch {
    /// Server-side apply.
    Apply(Applied),
    /// Any of the three patches of a document.
    Document,
}

impl Patch {
    /// Reads the type of a patch and its parameters, before anything else is read.
    pub(in crate::service) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let media_type = Encoded::new(call.headers, &call.body).media_type();
        let custom = call.target.resource.custom.is_some() && call.target.subresource != "scale";
        let is_apply = match media_type {
            JSON_PATCH | MERGE_PATCH => false,
            STRATEGIC_MERGE_PATCH if !custom => false,
            APPLY_PATCH => true,
            _ => return Err(ApiError::unsupported_patch(custom)),
        };
        options::check(call)?;
        Ok(if is_apply { Self::Apply(Applied::of(call)) } else { Self::Document })
    }
}

/// Patches an object, or its status.
pub(in crate::service) async fn patch(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    if let Patch::Apply(applied) = Patch::of(call)? {
        return apply::apply(call, &applied).await;
    }
    let writer = call.writer(&target.subresource)?;
    let key = Key::new(&target.namespace, &target.name);
    let new = |old: &Value| {
        let mut document = old.clone();
        resource.encode(&mut document);
        let mut new = patch_document(call, &resource.group, &resource.kind, &document)?;
        check_result(call, &document, &mut new)?;
        check_name(call, &new)?;
        resource.decode(&mut new);
        Ok(new)
    };
    let change = Whole { call, writer, patched: true, new };
    let (stored, changed) = carry_out(call, &key, &change).await?;
    call.object_reply(StatusCode::OK, &stored, changed)
}

/// The result of a patch has the name that the path says.
pub(super) fn check_name(call: &Call<'_>, new: &Value) -> Result<(), ApiError> {
    let (name, asked) = (object::name(new), &call.target.name);
    if name.is_empty() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({asked} based on URL) was undeterminable: name must be provided"
        )));
    }
    if name != asked {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({asked})"
        )));
    }
    Ok(())
}

/// Applies the body of the request to a document.
pub(in crate::service) fn patch_document(
    call: &Call<'_>,
    group: &str,
    kind: &str,
    document: &Value,
) -> Result<Value, ApiError> {
    let result = match Encoded::new(call.headers, &call.body).media_type() {
        JSON_PATCH => patch::json_patch(document, &call.body),
        MERGE_PATCH => patch::merge_patch(document, &call.body),
        _ => patch::strategic_merge_patch(group, kind, document, &call.body),
    };
    result.map_err(|error| match error {
        PatchError::BadRequest(message) => ApiError::bad_request(message),
        PatchError::Unprocessable(_) => ApiError::unprocessable_patch(),
        PatchError::Internal(message) => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", message),
    })
}

/// The result of a patch must be an object of the kind.
fn check_result(call: &Call<'_>, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    let encoded = Encoded::new(call.headers, &call.body);
    // A strategic patch is quoted itself, the others with what they make of the object.
    let strategic = encoded.media_type() == STRATEGIC_MERGE_PATCH;
    let result = if strategic { patch::printed(&call.body) } else { new.to_string() };
    let refuse = |why: String| {
        let conversion = why.strip_prefix("json: ").filter(|_| strategic).map(fields::conversion_error);
        ApiError::undecodable_patch(&result, conversion.as_deref().unwrap_or(&why))
    };
    if (&old["kind"], &old["apiVersion"]) != (&new["kind"], &new["apiVersion"]) {
        let text = |field: &str| new[field].as_str().unwrap_or_default();
        let resource = &call.target.resource;
        if resource.custom.is_some() {
            if text("kind").is_empty() {
                return Err(refuse(format!("Object 'Kind' is missing in '{result}'")));
            }
            if text("apiVersion").is_empty() {
                let why = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
                return Err(ApiError::internal(why));
            }
            return decode::check_kind(resource, new);
        }
        return Err(refuse(decode::not_registered(text("apiVersion"), text("kind"))));
    }
    let duplicates = if encoded.media_type() == JSON_PATCH {
        patch::unknown_fields(&call.body)
    } else {
        call.duplicates()
    };
    call.check_fields(new, &duplicates, refuse)
}
