//! The pure part of every write: from what the client sent and what is stored to what shall be stored.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::metadata;
use super::stored_form::forget_empty;
use crate::crd;
use crate::defaults;
use crate::error::{ApiError, Cause};
use crate::kinds::{Generation, Resource, StatusMetadata};
use crate::managed_fields::{self, Writer};
use crate::object;
use crate::schema;
use crate::store::Key;

/// What the server itself gives to a new object.
pub(crate) struct Fresh {
    pub(crate) uid: String,
    /// What `generateName` appends.
    pub(crate) suffix: String,
    pub(crate) now: Timestamp,
}

/// What an update comes to.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// The result is what is stored already: no write, no event.
    Unchanged,
    Write(Value),
    /// The last finalizer of a deleted object is gone: so is the object.
    Remove(Value),
}

/// Longest beginning of a generated name; the suffix has five more characters.
const GENERATE_NAME_LIMIT: usize = 58;

/// The first half of a create, up to where admission sees the object: defaults are in, ownership is tracked, and what
/// only the server may set is not there. `object` is in the stored form.
pub(crate) fn begin_create(
    resource: &Resource,
    namespace: &str,
    mut object: Value,
    writer: &Writer,
    now: Timestamp,
) -> Result<Value, ApiError> {
    namespace_of_request(resource, namespace, &mut object)?;
    let metadata = object::metadata(&mut object);
    for field in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata.remove(field);
    }
    with_defaults(resource, &mut object);
    // Nobody owns a status that the create does not keep.
    let status = take_status(resource, &mut object);
    track(resource, None, &mut object, writer, now);
    if let (Some(status), Some(fields)) = (status, object.as_object_mut()) {
        fields.insert("status".to_owned(), status);
    }
    Ok(object)
}

/// The second half of a create: makes what is stored of the object as admission left it. What is written from here on
/// is the server's own, which nobody owns.
pub(crate) fn finish_create(
    resource: &Resource,
    mut object: Value,
    fresh: &Fresh,
) -> Result<Value, ApiError> {
    let metadata = object::metadata(&mut object);
    metadata.remove("resourceVersion");
    metadata.insert("creationTimestamp".to_owned(), json!(object::seconds(fresh.now)));
    metadata.insert("uid".to_owned(), json!(fresh.uid));
    metadata.remove("generation");
    if !matches!(resource.rules.generation, Generation::None | Generation::ChangedSpec) {
        metadata.insert("generation".to_owned(), json!(1));
    }
    let prefix = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default().to_owned();
    if object::name(&object).is_empty() && !prefix.is_empty() {
        let end = (0..=GENERATE_NAME_LIMIT.min(prefix.len())).rev().find(|i| prefix.is_char_boundary(*i));
        let name = format!("{}{}", &prefix[..end.unwrap_or(0)], fresh.suffix);
        object::metadata(&mut object).insert("name".to_owned(), json!(name));
    }
    // A Node is the one kind that keeps the status that it is created with.
    let status = take_status(resource, &mut object);
    defaults::prepare_create(&resource.storage_group, &resource.kind, &mut object);
    if let (true, Some(status), Some(fields)) = (resource.plural == "nodes", status, object.as_object_mut()) {
        fields.insert("status".to_owned(), status);
    }
    if resource.plural == "persistentvolumes" {
        let now = json!(object::seconds(fresh.now));
        object::child(&mut object, "status").insert("lastPhaseTransitionTime".to_owned(), now);
    }
    normalize(resource, &mut object);
    forget_empty(resource, &mut object);
    let mut causes = metadata::validate(resource, &object);
    causes.extend(validate_kind(resource, &object, None, ""));
    invalid(resource, &object, &causes)?;
    Ok(object)
}

/// The first half of an update, up to where admission sees the object: defaults are in and ownership is tracked, but
/// nothing is put back yet. `new` is in the stored form; `subresource` is empty, `status` or `finalize`.
pub(crate) fn begin_update(
    resource: &Resource,
    subresource: &str,
    old: &Value,
    mut new: Value,
    writer: &Writer,
    now: Timestamp,
) -> Result<Value, ApiError> {
    namespace_of_request(resource, object::namespace(old), &mut new)?;
    let reset = new["metadata"]["managedFields"].as_array().is_some_and(Vec::is_empty);
    with_defaults(resource, &mut new);
    // Nobody comes to own what this door puts back.
    let mut kept = new.clone();
    put_back(resource, subresource, &mut kept, old);
    if reset && !writer.tracked {
        // An empty list says something, unlike no list, and was lost with the other empty ones.
        object::metadata(&mut kept).insert("managedFields".to_owned(), json!([]));
    }
    track(resource, Some(old), &mut kept, writer, now);
    object::restore_metadata(&mut new, &kept, "managedFields");
    Ok(new)
}

/// The second half of an update: makes what is stored of the object as admission left it. `patched` says that `new`
/// came of a patch, for which another uid is no precondition but a forbidden change.
pub(crate) fn finish_update(
    resource: &Resource,
    subresource: &str,
    old: &Value,
    mut new: Value,
    patched: bool,
) -> Result<Prepared, ApiError> {
    check_versions(resource, old, &new, patched)?;
    put_back(resource, subresource, &mut new, old);
    normalize(resource, &mut new);
    if subresource.is_empty() && resource.rules.status_split {
        object::restore(&mut new, old, "status");
    }
    if subresource.is_empty() {
        defaults::prepare_update(&resource.storage_group, &resource.kind, &mut new, old);
    }
    forget_empty(resource, &mut new);
    if subresource.is_empty() && generation_moves(resource.rules.generation, old, &new) {
        let next = object::generation(old) + 1;
        object::metadata(&mut new).insert("generation".to_owned(), json!(next));
    }
    let mut causes = metadata::validate_update(&new, old);
    causes.extend(metadata::validate(resource, &new));
    causes.extend(validate_kind(resource, &new, Some(old), subresource));
    invalid(resource, &new, &causes)?;
    let gone = object::is_deleting(old)
        && new["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or_default() == 0
        && object::finalizers(&new).is_empty()
        && !(is_namespace(resource) && has_items(&new["spec"]["finalizers"]));
    if gone {
        return Ok(Prepared::Remove(new));
    }
    if object::same_but_for_managed_times(old, &new) {
        return Ok(Prepared::Unchanged);
    }
    Ok(Prepared::Write(new))
}

/// Both halves of an update that admission does not see in the object's own form.
pub(crate) fn prepare_update(
    resource: &Resource,
    subresource: &str,
    old: &Value,
    new: Value,
    writer: &Writer,
    now: Timestamp,
    patched: bool,
) -> Result<Prepared, ApiError> {
    let new = begin_update(resource, subresource, old, new, writer, now)?;
    finish_update(resource, subresource, old, new, patched)
}

/// Completes an object as decoding does.
pub(crate) fn with_defaults(resource: &Resource, object: &mut Value) {
    normalize(resource, object);
    if let Some(custom) = &resource.custom {
        return custom.fill_in(object);
    }
    defaults::apply_defaults(&resource.storage_group, &resource.kind, object);
    normalize(resource, object);
}

/// Puts back what only the server writes, and what a write through this door may not change.
fn put_back(resource: &Resource, subresource: &str, new: &mut Value, old: &Value) {
    restore_system_fields(new, old);
    restore_other_half(resource, subresource, new, old);
}

/// Checks the namespace in an object against that of its request, and puts it in where it is missing.
fn namespace_of_request(resource: &Resource, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
    let given = object::namespace(object).to_owned();
    if !given.is_empty() && given != namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if resource.namespaced {
        object::metadata(object).insert("namespace".to_owned(), json!(namespace));
    } else {
        object::metadata(object).remove("namespace");
    }
    Ok(())
}

/// Where the real server keeps an object, which some refusals tell.
pub(crate) fn registry_path(resource: &Resource, key: &Key) -> String {
    let plural = &resource.plural;
    let folder = match resource.custom {
        Some(_) => format!("{}/{plural}", resource.group),
        None if plural == "services" => "services/specs".to_owned(),
        None if plural == "nodes" => "minions".to_owned(),
        None => plural.clone(),
    };
    format!("/registry/{folder}/{}", key.as_str())
}

/// Optimistic concurrency: a version or uid that is given must be that of the stored object.
fn check_versions(resource: &Resource, old: &Value, new: &Value, patched: bool) -> Result<(), ApiError> {
    let name = object::name(old);
    let uid = object::uid(new);
    if !uid.is_empty() && uid != object::uid(old) {
        if patched {
            let cause = crate::error::invalid_value("metadata.uid", json!(uid), "field is immutable");
            return Err(ApiError::invalid(&resource.group, &resource.kind, name, &[cause]));
        }
        let key = Key::new(object::namespace(old), name);
        let path = registry_path(resource, &key);
        return Err(ApiError::uid_conflict(resource, name, uid, object::uid(old), &path));
    }
    // Version 0 is none.
    let version = object::resource_version(new);
    if matches!(version, "" | "0") {
        if !resource.rules.unconditional_update {
            let cause = crate::error::invalid_value(
                "metadata.resourceVersion",
                "0",
                "must be specified for an update",
            );
            // This one names the resource where others name the kind.
            return Err(ApiError::invalid(&resource.group, &resource.plural, name, &[cause]));
        }
    } else if version != object::resource_version(old) {
        if version.parse::<u64>().is_err() {
            return Err(ApiError::new(
                http::StatusCode::INTERNAL_SERVER_ERROR,
                "",
                format!("strconv.ParseUint: parsing {version:?}: invalid syntax"),
            ));
        }
        return Err(ApiError::modified(resource, name));
    }
    Ok(())
}

fn restore_system_fields(new: &mut Value, old: &Value) {
    for field in ["uid", "creationTimestamp", "generation", "resourceVersion"] {
        object::restore_metadata(new, old, field);
    }
    object::metadata(new).remove("selfLink");
    // What a deletion set stays; what none has set is for validation to refuse.
    if object::is_deleting(old) {
        object::restore_metadata(new, old, "deletionTimestamp");
    }
    // Another grace period is refused with the rest that is wrong.
    if new["metadata"]["deletionGracePeriodSeconds"].is_null() {
        object::restore_metadata(new, old, "deletionGracePeriodSeconds");
    }
}

/// Puts back what a write through this door may not change.
fn restore_other_half(resource: &Resource, subresource: &str, new: &mut Value, old: &Value) {
    match subresource {
        "status" => {
            let kept: Vec<String> = new
                .as_object()
                .into_iter()
                .flat_map(|fields| fields.keys())
                .chain(old.as_object().into_iter().flat_map(|fields| fields.keys()))
                .filter(|key| !matches!(key.as_str(), "metadata" | "status" | "kind" | "apiVersion"))
                .cloned()
                .collect();
            for key in kept {
                object::restore(new, old, &key);
            }
            match resource.rules.status_metadata {
                StatusMetadata::Kept => {}
                StatusMetadata::LabelsReset => object::restore_metadata(new, old, "labels"),
                StatusMetadata::Reset => {
                    let managed = new["metadata"]["managedFields"].clone();
                    object::restore(new, old, "metadata");
                    object::metadata(new).insert("managedFields".to_owned(), managed);
                }
                StatusMetadata::OwnersReset => object::restore_metadata(new, old, "ownerReferences"),
            }
            if resource.rules.graceful {
                keep_pod_status_fields(new, old);
            }
        }
        "finalize" => object::restore(new, old, "status"),
        _ => {
            if resource.rules.status_split {
                object::restore(new, old, "status");
            }
            if is_namespace(resource) {
                let finalizers = old["spec"]["finalizers"].clone();
                object::child(new, "spec").insert("finalizers".to_owned(), finalizers);
            }
            if resource.storage_group.is_empty() && resource.plural == "pods" {
                keep_priority(new, old);
            }
            if resource.storage_group.is_empty() && resource.plural == "services" {
                keep_allocated_addresses(new, old);
            }
        }
    }
}

/// A status written without what the server keeps in it does not lose that.
fn keep_pod_status_fields(new: &mut Value, old: &Value) {
    for field in ["qosClass", "observedGeneration"] {
        if let Some(value) = old["status"].get(field)
            && new["status"].get(field).is_none_or(Value::is_null)
        {
            object::child(new, "status").insert(field.to_owned(), value.clone());
        }
    }
}

/// A Pod that is written without the priority that it was given keeps it.
fn keep_priority(new: &mut Value, old: &Value) {
    for field in ["priority", "preemptionPolicy"] {
        if let Some(value) = old["spec"].get(field)
            && new["spec"].get(field).is_none_or(Value::is_null)
        {
            object::child(new, "spec").insert(field.to_owned(), value.clone());
        }
    }
}

/// A Service that is written without its address keeps it.
fn keep_allocated_addresses(new: &mut Value, old: &Value) {
    if new["spec"]["type"] == "ExternalName" || old["spec"]["type"] == "ExternalName" {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(value) = old["spec"].get(field)
            && new["spec"].get(field).is_none_or(|v| v.is_null() || v == "")
        {
            object::child(new, "spec").insert(field.to_owned(), value.clone());
        }
    }
    // Who knows the single address only and changes it means the list too.
    let (before, after) = (&old["spec"], &new["spec"]);
    if before["clusterIP"] != after["clusterIP"] && before["clusterIPs"] == after["clusterIPs"] {
        let addresses = Value::Array(vec![after["clusterIP"].clone()]);
        object::child(new, "spec").insert("clusterIPs".to_owned(), addresses);
    }
}

fn is_namespace(resource: &Resource) -> bool {
    resource.storage_group.is_empty() && resource.plural == "namespaces"
}

fn has_items(list: &Value) -> bool {
    list.as_array().is_some_and(|items| !items.is_empty())
}

fn generation_moves(rule: Generation, old: &Value, new: &Value) -> bool {
    match rule {
        Generation::None | Generation::Fixed => false,
        Generation::Spec | Generation::ChangedSpec => old.get("spec") != new.get("spec"),
        Generation::SpecAndAnnotations => {
            let annotations =
                |object: &Value| object["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
            old.get("spec") != new.get("spec") || annotations(old) != annotations(new)
        }
        Generation::Webhooks => old.get("webhooks") != new.get("webhooks"),
        Generation::Content => content(old) != content(new),
        Generation::Template => old.get("template") != new.get("template"),
        Generation::ContentAndLabels => {
            let labels =
                |object: &Value| object["metadata"]["labels"].as_object().cloned().unwrap_or_default();
            labels(old) != labels(new) || content(old) != content(new)
        }
    }
}

/// Everything outside of the metadata.
fn content(object: &Value) -> serde_json::Map<String, Value> {
    let mut content = object.as_object().cloned().unwrap_or_default();
    content.remove("metadata");
    content
}

/// Tracks who owns what. Fields are owned under the names that they have in the form that was written.
fn track(resource: &Resource, old: Option<&Value>, new: &mut Value, writer: &Writer, now: Timestamp) {
    if writer.tracked {
        return;
    }
    if resource.is_storage_form() {
        return managed_fields::track_update(old, new, writer, now);
    }
    let served = |object: &Value| {
        let mut object = object.clone();
        resource.encode(&mut object);
        object
    };
    let mut served_new = served(new);
    managed_fields::track_update(old.map(served).as_ref(), &mut served_new, writer, now);
    object::restore_metadata(new, &served_new, "managedFields");
}

/// Brings an object into the form that the server keeps.
pub(crate) fn normalize(resource: &Resource, object: &mut Value) {
    if resource.custom.is_some() {
        if let (Some(definition), Some(metadata)) =
            (schema::type_named("meta.v1.ObjectMeta"), object.get_mut("metadata"))
        {
            schema::normalize(definition, metadata);
        }
        return;
    }
    match schema::of(&resource.storage_group, &resource.kind) {
        Some(definition) => schema::normalize(definition, object),
        None => object::drop_nulls(object),
    }
}

/// Takes the status out of an object of a kind that splits it off.
fn take_status(resource: &Resource, object: &mut Value) -> Option<Value> {
    if !resource.rules.status_split {
        return None;
    }
    object.as_object_mut()?.remove("status")
}

fn validate_kind(resource: &Resource, new: &Value, old: Option<&Value>, subresource: &str) -> Vec<Cause> {
    if let Some(custom) = &resource.custom {
        return custom.validate(new, old, subresource);
    }
    if resource.is_definition() {
        return crd::validate_definition(new, old, subresource);
    }
    let errors = if subresource == "status" {
        defaults::validate_status(&resource.storage_group, &resource.kind, new)
    } else if let ("events.k8s.io", Some(old)) = (resource.group.as_str(), old) {
        defaults::validate_event_update(new, old)
    } else {
        defaults::validate(&resource.storage_group, &resource.kind, new, old)
    };
    errors
        .into_iter()
        .map(|error| Cause { reason: error.reason.to_string(), message: error.message, field: error.field })
        .collect()
}

fn invalid(resource: &Resource, object: &Value, causes: &[Cause]) -> Result<(), ApiError> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(&resource.group, &resource.kind, object::name(object), causes))
}
