//! `POST` of an object.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

use super::decode::{Encoded, cannot_be_handled, check_kind, decode_body};
use super::prepare::{Fresh, begin_create, finish_create};
use crate::admission::Operation;
use crate::defaults;
use crate::error::ApiError;
use crate::object;
use crate::service::{Call, Reply, admission};
use crate::store::{Key, Stored};

/// How many generated names are tried before the collision is reported.
const GENERATED_NAME_ATTEMPTS: usize = 8;

/// Creates an object.
pub(in crate::service) async fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let resource = &call.target.resource;
    let encoded = Encoded::new(call.headers, &call.body);
    let mut object = decode_body(encoded, resource)?;
    if resource.custom.is_some() {
        check_kind(resource, &object)?;
    }
    let duplicates = call.duplicates();
    call.check_fields(&mut object, &duplicates, |why| {
        cannot_be_handled(&resource.kind, &resource.version, &why)
    })?;
    resource.decode(&mut object);
    create_object(call, object).await
}

/// Creates an object that is in the stored form already; also how a PUT creates.
pub(super) async fn create_object(call: &Call<'_>, object: Value) -> Result<Reply, ApiError> {
    let writer = call.writer("")?;
    let object = begin_create(&call.target.resource, &call.target.namespace, object, &writer, call.now)?;
    admit_and_create(call, object).await
}

/// Creates an object whose ownership is tracked already.
pub(super) async fn admit_and_create(call: &Call<'_>, mut object: Value) -> Result<Reply, ApiError> {
    let resource = &call.target.resource;
    let dry_run = call.dry_run()?;
    let name = object::name(&object);
    let shown = if name.is_empty() { object::text(&object, &["metadata", "generateName"]) } else { name };
    admission::namespace_accepts(call, shown)?;
    defaults::plugins(&resource.storage_group, &resource.kind, &mut object, true);
    let admission = call.admission(Operation::Create, object::name(&object))?;
    if let Some(admission) = &admission {
        let plugins = |object: &mut Value| {
            defaults::plugins(&resource.storage_group, &resource.kind, object, true);
        };
        resource.encode(&mut object);
        object = admission.mutate(Some(object), None, &plugins).await?.unwrap_or_default();
        resource.decode(&mut object);
    }
    let generated = object::name(&object).is_empty();
    for attempt in 1.. {
        let fresh =
            Fresh { uid: call.shared.random.uid(), suffix: call.shared.random.suffix(), now: call.now };
        let object = if generated { object.clone() } else { std::mem::take(&mut object) };
        let versioned = object::resource_version(&object).parse::<u64>().is_ok_and(|version| version != 0);
        let mut new = finish_create(resource, object, &fresh)?;
        super::can_be_kept(&new)?;
        call.warn_about(&new, None);
        if let Some(admission) = &admission {
            let mut shown = new.clone();
            resource.encode(&mut shown);
            admission.validate(Some(&shown), None).await?;
        }
        let name = object::name(&new).to_owned();
        let has_prefix = !object::text(&new, &["metadata", "generateName"]).is_empty();
        let key = Key::new(&call.target.namespace, &name);
        let taken = |stored: Option<Arc<Stored>>| {
            let mut error = ApiError::already_exists(resource, &name);
            if has_prefix {
                error = error.retry_after(1);
                error.message.push_str(", the server was not able to generate a unique name for the object");
            }
            if stored.is_some_and(|stored| stored.is_deleting()) {
                error.message = format!("object is being deleted: {}", error.message);
            }
            error
        };
        if dry_run {
            let stored = call.shared.store.find(resource.table, &key);
            if stored.is_some() {
                return Err(taken(stored));
            }
            call.shared.addresses.assign(resource, &mut new, true)?;
            let reply = call.object_reply(StatusCode::CREATED, &Stored::unsaved(new), false)?;
            return Ok(reply.creating(&name));
        }
        if versioned {
            return Err(ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "",
                "resourceVersion should not be set on objects to be created",
            ));
        }
        call.shared.addresses.assign(resource, &mut new, false)?;
        match call.shared.store.insert(resource.table, key.clone(), new) {
            Some(stored) => {
                let reply = call.object_reply(StatusCode::CREATED, &stored, true)?;
                return Ok(reply.creating(&name));
            }
            None if generated && attempt < GENERATED_NAME_ATTEMPTS => {}
            None => return Err(taken(call.shared.store.find(resource.table, &key))),
        }
    }
    unreachable!("the loop returns at its last attempt")
}
