//! `PATCH` with an apply configuration: server-side apply. Creates the object where there is none.

use http::StatusCode;
use serde_json::Value;

use super::ROUNDS;
use super::change::{Whole, carry_out};
use super::create::admit_and_create;
use super::patch::check_name;
use super::prepare::begin_create;
use crate::error::ApiError;
use crate::fields;
use crate::managed_fields::{self, ApplyError, Writer};
use crate::object;
use crate::service::call::Validation;
use crate::service::{Call, Reply};
use crate::store::Key;
use crate::yaml;

/// An apply request, read as far as it can be without the live object.
pub(in crate::service) struct Applied {
    /// What is applied, or why the body is none.
    object: Result<Value, ApiError>,
    force: bool,
}

impl Applied {
    pub(super) fn of(call: &Call<'_>) -> Self {
        let object = yaml::parse_map(&call.body)
            .map_err(|why| ApiError::bad_request(format!("error decoding YAML: {why}")));
        let force =
            call.query.value("force").is_some_and(|text| text != "0" && !text.eq_ignore_ascii_case("false"));
        Self { object, force }
    }

    /// Applies to an object in the version of the request; none: a new one. The managedFields of the result are final.
    pub(in crate::service) fn to(
        &self,
        call: &Call<'_>,
        live: Option<&Value>,
        writer: &Writer,
    ) -> Result<Value, ApiError> {
        let applied = self.object.clone()?;
        let result = managed_fields::apply(live, &applied, writer, self.force, call.now);
        let result = result.map_err(|error| match error {
            ApplyError::BadRequest(why) => ApiError::bad_request(why),
            ApplyError::Conflicts(conflicts) => ApiError::apply_conflicts(&conflicts),
            ApplyError::Internal(why) => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", why),
        })?;
        if let Some(why) = yaml::duplicate_key(&call.body) {
            let why = format!("error converting YAML to JSON: yaml: {why}");
            match call.validation()? {
                Validation::Strict => {
                    return Err(ApiError::bad_request(format!("error strict decoding YAML: {why}")));
                }
                Validation::Warn => why.lines().skip(1).for_each(|line| call.warnings.add(line.trim())),
                Validation::Ignore => {}
            }
        }
        Ok(result)
    }
}

/// Applies to an object, or to its status.
pub(super) async fn apply(call: &Call<'_>, applied: &Applied) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let key = Key::new(&target.namespace, &target.name);
    let writer = Writer { tracked: true, ..call.writer(&target.subresource)? };
    for _ in 0..ROUNDS {
        if call.shared.store.find(resource.table, &key).is_some() {
            let writer = writer.clone();
            let new = |old: &Value| {
                let mut live = old.clone();
                resource.encode(&mut live);
                let new = applied.to(call, Some(&live), &writer)?;
                complete(call, new)
            };
            let change = Whole { call, writer: writer.clone(), patched: true, new };
            let (stored, changed) = carry_out(call, &key, &change).await?;
            return call.object_reply(StatusCode::OK, &stored, changed);
        }
        let mut new = complete(call, applied.to(call, None, &writer)?)?;
        let uid = object::uid(&new);
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(ApiError::conflict(resource, &target.name, why));
        }
        if !target.subresource.is_empty() {
            return Err(ApiError::not_found(resource, &target.name));
        }
        // The version of nothing is no precondition.
        object::metadata(&mut new).remove("resourceVersion");
        let new = begin_create(resource, &target.namespace, new, &writer, call.now)?;
        match admit_and_create(call, new).await {
            // Somebody was faster: then there is something to apply to.
            Err(error) if error.reason == "AlreadyExists" => {}
            other => return other,
        }
    }
    Err(ApiError::modified(resource, &target.name))
}

/// What an apply results in, in the stored form.
fn complete(call: &Call<'_>, mut new: Value) -> Result<Value, ApiError> {
    let resource = &call.target.resource;
    let sent = new.clone();
    call.check_types(&mut new).map_err(|why| {
        let name = format!("{}/{}", object::text(&sent, &["metadata", "namespace"]), object::name(&sent));
        let kind = format!("{}/{}, Kind={}", resource.group, resource.version, resource.kind);
        let why = format!(
            "failed to convert new object ({name}; {kind}) to proper version: unable to convert unstructured object \
             to {kind}: {}",
            fields::conversion_error(&why)
        );
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", why)
    })?;
    check_name(call, &new)?;
    resource.decode(&mut new);
    Ok(new)
}
