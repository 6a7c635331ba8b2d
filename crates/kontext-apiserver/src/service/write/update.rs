//! `PUT`, and the commit of what admission does not see.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

use super::ROUNDS;
use super::change::{Whole, carry_out};
use super::create::create_object;
use super::decode::{Encoded, cannot_be_handled, check_kind, decode_body};
use super::prepare::Prepared;
use super::prepare::registry_path;
use crate::error::ApiError;
use crate::object;
use crate::service::{Call, Reply};
use crate::store::{Key, Stored};

/// Replaces an object, or its status.
pub(in crate::service) async fn update(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let encoded = Encoded::new(call.headers, &call.body);
    let mut new = decode_body(encoded, resource)?;
    let of_its_kind = if resource.custom.is_some() { check_kind(resource, &new) } else { Ok(()) };
    let duplicates = call.duplicates();
    call.check_fields(&mut new, &duplicates, |why| {
        cannot_be_handled(&resource.kind, &resource.version, &why)
    })?;
    let name = object::name(&new);
    if name.is_empty() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        )));
    }
    if name != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    resource.decode(&mut new);
    let key = Key::new(&target.namespace, &target.name);
    if call.shared.store.find(resource.table, &key).is_none()
        && target.subresource.is_empty()
        && resource.rules.create_on_update
    {
        if !object::uid(&new).is_empty() {
            let path = registry_path(resource, &key);
            return Err(ApiError::uid_conflict(resource, &target.name, object::uid(&new), "", &path));
        }
        // There is no version that the write could be based on.
        object::metadata(&mut new).remove("resourceVersion");
        return create_object(call, new).await;
    }
    let writer = call.writer(&target.subresource)?;
    let wanted = |old: &Value| {
        // Whoever has not seen the stored object learns that first.
        if object::resource_version(&new) == object::resource_version(old) {
            of_its_kind.clone()?;
        }
        Ok(new.clone())
    };
    let change = Whole { call, writer, patched: false, new: wanted };
    let (stored, changed) = carry_out(call, &key, &change).await?;
    call.object_reply(StatusCode::OK, &stored, changed)
}

/// Computes an update from what is stored and commits it; computes again where somebody else was faster.
pub(in crate::service) fn commit(
    call: &Call<'_>,
    key: &Key,
    prepare: impl Fn(&Value) -> Result<Prepared, ApiError>,
) -> Result<(Arc<Stored>, bool), ApiError> {
    let resource = &call.target.resource;
    let store = &call.shared.store;
    let dry_run = call.dry_run()?;
    for _ in 0..ROUNDS {
        let old = store
            .find(resource.table, key)
            .ok_or_else(|| ApiError::not_found(resource, &call.target.name))?;
        let committed = match prepare(&old.value())? {
            Prepared::Unchanged => return Ok((old, false)),
            Prepared::Write(new) | Prepared::Remove(new) if dry_run => {
                return Ok((Stored::unsaved(new), false));
            }
            Prepared::Write(new) => store.replace(resource.table, key, &old, new),
            Prepared::Remove(new) => store.remove(resource.table, key, &old, new),
        };
        if let Ok(stored) = committed {
            return Ok((stored, true));
        }
    }
    Err(ApiError::modified(resource, &call.target.name))
}
