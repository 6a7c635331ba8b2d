//! `PATCH`: JSON, merge and strategic merge patches.

use http::StatusCode;
use serde_json::Value;

use super::change::{Whole, carry_out};
use super::decode::{self, Encoded};

use crate::error::ApiError;
use crate::object;
use crate::patch::{self, PatchError};
use crate::service::{Call, Reply};
use crate::store::Key;

pub(in crate::service) const JSON_PATCH: &str = "application/json-patch+json";
pub(in crate::service) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(in crate::service) const STRATEGIC_MERGE_PATCH: &str = "application/strategic-merge-patch+json";
const APPLY_PATCHES: [&str; 2] = ["application/apply-patch+yaml", "application/apply-patch+cbor"];

/// Patches an object, or its status.
pub(in crate::service) async fn patch(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    supported(call)?;
    let writer = call.writer(&target.subresource)?;
    let key = Key::new(&target.namespace, &target.name);
    let new = |old: &Value| {
        let mut document = old.clone();
        resource.encode(&mut document);
        let mut new = apply(call, &resource.group, &resource.kind, &document)?;
        check_result(call, &document, &mut new)?;
        if object::name(&new) != target.name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                object::name(&new),
                target.name
            )));
        }
        resource.decode(&mut new);
        Ok(new)
    };
    let change = Whole { call, writer, patched: true, new };
    let (stored, changed) = carry_out(call, &key, &change).await?;
    call.object_reply(StatusCode::OK, &stored, changed)
}

/// Refuses patch types that are not served, before anything is read.
pub(in crate::service) fn supported(call: &Call<'_>) -> Result<(), ApiError> {
    match Encoded::new(call.headers, &call.body).media_type() {
        JSON_PATCH | MERGE_PATCH | STRATEGIC_MERGE_PATCH => Ok(()),
        apply if APPLY_PATCHES.contains(&apply) => Err(ApiError::unsupported_media_type(
            "server-side apply is not supported by this in-memory API server yet; use client-side apply or another patch type",
        )),
        _ => {
            let mut error = ApiError::unsupported_media_type("415: Unsupported Media Type");
            error.details = Some(serde_json::json!({}));
            Err(error)
        }
    }
}

/// Applies the body of the request to a document.
pub(in crate::service) fn apply(
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
    let result = new.clone();
    let refuse = |why: String| ApiError::undecodable_patch(&result, &why);
    if (&old["kind"], &old["apiVersion"]) != (&new["kind"], &new["apiVersion"]) {
        let text = |field: &str| new[field].as_str().unwrap_or_default();
        return Err(refuse(decode::not_registered(text("apiVersion"), text("kind"))));
    }
    call.check_fields(new, refuse)
}
