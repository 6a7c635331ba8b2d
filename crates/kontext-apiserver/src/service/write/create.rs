//! `POST` of an object.

use http::StatusCode;

use super::decode::{Encoded, cannot_be_handled, decode_object};
use super::prepare::{Fresh, prepare_create};
use crate::error::ApiError;
use crate::object;
use crate::service::{Call, Reply, admission};
use crate::store::{Key, Stored};

/// How many generated names are tried before the collision is reported.
const GENERATED_NAME_ATTEMPTS: usize = 8;

/// Creates an object.
pub(in crate::service) fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let resource = &call.target.resource;
    let encoded = Encoded::new(call.headers, &call.body);
    let mut object = decode_object(encoded, &resource.group, &resource.version, &resource.kind)?;
    call.check_fields(&mut object, |why| cannot_be_handled(&resource.kind, &resource.version, &why))?;
    resource.decode(&mut object);
    create_object(call, object)
}

/// Creates an object that is in the stored form already; also how a PUT creates.
pub(super) fn create_object(call: &Call<'_>, object: serde_json::Value) -> Result<Reply, ApiError> {
    let resource = &call.target.resource;
    let writer = call.writer("")?;
    let dry_run = call.dry_run()?;
    admission::namespace_accepts(call, &object)?;
    let generated = object::name(&object).is_empty();
    for attempt in 1.. {
        let fresh =
            Fresh { uid: call.shared.random.uid(), suffix: call.shared.random.suffix(), now: call.now };
        let mut new = prepare_create(resource, &call.target.namespace, object.clone(), &writer, &fresh)?;
        let name = object::name(&new).to_owned();
        let key = Key::new(&call.target.namespace, &name);
        let taken = || ApiError::already_exists(resource, &name);
        if dry_run {
            if call.shared.store.find(resource.table, &key).is_some() {
                return Err(taken());
            }
            call.shared.addresses.assign(resource, &mut new, true)?;
            return call.object_reply(StatusCode::CREATED, &Stored::unsaved(new), false);
        }
        call.shared.addresses.assign(resource, &mut new, false)?;
        match call.shared.store.insert(resource.table, key, new) {
            Some(stored) => return call.object_reply(StatusCode::CREATED, &stored, true),
            None if generated && attempt < GENERATED_NAME_ATTEMPTS => {}
            None => return Err(taken()),
        }
    }
    unreachable!("the loop returns at its last attempt")
}
