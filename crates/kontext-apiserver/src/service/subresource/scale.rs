//! `/scale`: the number of replicas, and nothing else, of any kind that has one.

use http::StatusCode;
use serde_json::{Value, json};

use crate::crd::{Scale, follow};
use crate::error::{ApiError, invalid_value};
use crate::kinds::Resource;
use crate::managed_fields::{Versions, Writer, give_scale_its_owners, take_owners_from_scale, track_update};
use crate::object;
use crate::schema::{self, MergeType};
use crate::service::Call;
use crate::service::call::Reply;
use crate::service::write::{
    Change, Patch, Prepared, carry_out, decode_object, encoded, patch_document, prepare_update,
};
use crate::store::{Key, Stored};

/// Reads the scale.
pub(in crate::service) fn read(call: &Call<'_>) -> Result<Reply, ApiError> {
    let resource = &call.target.resource;
    let stored = call
        .shared
        .store
        .find(resource.table, &key(call))
        .ok_or_else(|| ApiError::not_found(resource, &call.target.name))?;
    reply(call, &stored.value(), false)
}

/// Replaces the scale.
pub(in crate::service) async fn update(call: &Call<'_>) -> Result<Reply, ApiError> {
    let sent = decode_object(encoded(call), "autoscaling", "v1", "Scale")?;
    write(call, false, |_: &Value| Ok(sent.clone())).await
}

/// Patches the scale.
pub(in crate::service) async fn patch(call: &Call<'_>) -> Result<Reply, ApiError> {
    match Patch::of(call)? {
        Patch::Apply(applied) => {
            let writer = scale_writer(call)?;
            write(call, true, |scale: &Value| {
                let new = applied.to(call, Some(scale), &writer)?;
                if call.target.resource.custom.is_some() {
                    unconvertible(scale, &new)?;
                }
                Ok(new)
            })
            .await
        }
        Patch::Document => {
            write(call, false, |scale: &Value| patch_document(call, "autoscaling", "Scale", scale)).await
        }
    }
}

/// The real server cannot store what an apply makes of the Scale of a custom resource, unless that is nothing.
fn unconvertible(old: &Value, new: &Value) -> Result<(), ApiError> {
    if object::same_but_for_managed_fields(old, new) {
        return Ok(());
    }
    let why = format!(
        "failed to convert new object (/{}; autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an \
         invalid group/version: autoscaling/v1",
        object::name(new)
    );
    Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", why))
}

/// Who writes the Scale, which has one version of its own.
fn scale_writer(call: &Call<'_>) -> Result<Writer, ApiError> {
    let of = schema::merge_type_of("autoscaling", "v1", "Scale").unwrap_or_else(MergeType::deduced);
    Ok(Writer { versions: Versions::single("autoscaling/v1", "Scale", of), ..call.writer("scale")? })
}

/// Where the number of replicas is.
fn replicas_path(resource: &Resource) -> Vec<&str> {
    match custom_scale(resource) {
        Some(scale) => scale.spec_replicas.iter().map(String::as_str).collect(),
        None => vec!["spec", "replicas"],
    }
}

fn key(call: &Call<'_>) -> Key {
    Key::new(&call.target.namespace, &call.target.name)
}

async fn write(
    call: &Call<'_>,
    tracked: bool,
    scale: impl Fn(&Value) -> Result<Value, ApiError> + Send + Sync,
) -> Result<Reply, ApiError> {
    let writer = Writer { tracked, ..scale_writer(call)? };
    let parent_writer = Writer { tracked: true, ..call.writer("scale")? };
    let change = Rescale { call, writer, parent_writer, scale };
    let (stored, changed) = carry_out(call, &key(call), &change).await?;
    reply(call, &stored.value(), changed)
}

/// A change of the number of replicas. Webhooks see the Scale, never the object.
struct Rescale<'a, F> {
    call: &'a Call<'a>,
    /// Who writes the Scale.
    writer: Writer,
    /// Who writes the object, whose ownership comes from the Scale.
    parent_writer: Writer,
    /// The new scale, made of the present one.
    scale: F,
}

impl<F> Change for Rescale<'_, F>
where
    F: Fn(&Value) -> Result<Value, ApiError> + Send + Sync,
{
    fn wanted(&self, old: &Value) -> Result<Value, ApiError> {
        let old_scale = self.shown(old);
        let mut scale = (self.scale)(&old_scale)?;
        let (named, asked) = (object::name(&scale), &self.call.target.name);
        if named != asked {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({named}) does not match the name on the URL ({asked})"
            )));
        }
        if !self.writer.tracked {
            // A Scale leaves replicas out when they are 0.
            if scale["spec"]["replicas"] == 0 {
                object::child(&mut scale, "spec").remove("replicas");
            }
            track_update(Some(&old_scale), &mut scale, &self.writer, self.call.now);
        }
        // Always there in the API's JSON, whatever was sent.
        object::child(&mut scale, "status").entry("replicas").or_insert_with(|| json!(0));
        Ok(scale)
    }

    fn prepare(&self, old: &Value, scale: Value) -> Result<Prepared, ApiError> {
        let target = self.call.target;
        // Of a custom resource the schema says what is too few.
        let least = if custom_scale(&target.resource).is_some() { i64::from(i32::MIN) } else { 0 };
        let replicas = replicas(&scale, &target.name, least)?;
        let (given, stored) = (object::uid(&scale), object::uid(old));
        if !given.is_empty() && given != stored {
            return Err(ApiError::scale_uid_conflict(&target.resource, &target.name, given, stored));
        }
        let mut new = old.clone();
        // A version or uid in the scale is a precondition on the object.
        for field in ["resourceVersion", "uid"] {
            let given = object::text(&scale, &["metadata", field]).to_owned();
            if given.is_empty() {
                object::metadata(&mut new).remove(field);
            } else {
                object::metadata(&mut new).insert(field.to_owned(), json!(given));
            }
        }
        set_replicas(&target.resource, &mut new, replicas);
        take_owners_from_scale(
            &mut new,
            &scale,
            &self.parent_writer.versions,
            &replicas_path(&target.resource),
        );
        // The object is written through its main door: a scale moves the generation.
        let prepared =
            prepare_update(&target.resource, "", old, new, &self.parent_writer, self.call.now, false)?;
        Ok(match prepared {
            Prepared::Remove(new) => Prepared::Write(new),
            other => other,
        })
    }

    fn shown(&self, stored: &Value) -> Value {
        let mut scale = scale_of(&self.call.target.resource, stored);
        give_scale_its_owners(
            &mut scale,
            stored,
            &self.parent_writer.versions,
            &replicas_path(&self.call.target.resource),
        );
        scale
    }

    /// By then the Scale is made anew of the object, and has no owners.
    fn validated(&self, stored: &Value) -> Value {
        scale_of(&self.call.target.resource, stored)
    }

    fn plugins(&self, _: &mut Value) {}
}

fn replicas(scale: &Value, name: &str, least: i64) -> Result<i64, ApiError> {
    let replicas = match &scale["spec"]["replicas"] {
        Value::Null => 0,
        Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {
            number.as_i64().unwrap_or_default()
        }
        other => {
            let why = crate::fields::wrong(other, "ScaleSpec", "spec.replicas", "int32");
            return Err(ApiError::bad_request(format!(
                "Scale in version \"v1\" cannot be handled as a Scale: {why}"
            )));
        }
    };
    if replicas < least {
        let cause = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(ApiError::invalid("autoscaling", "Scale", name, &[cause]));
    }
    Ok(replicas)
}

fn reply(call: &Call<'_>, stored: &Value, changed: bool) -> Result<Reply, ApiError> {
    let scale = Stored::unsaved(scale_of(&call.target.resource, stored));
    call.plain_reply(StatusCode::OK, &scale, changed)
}

/// The `autoscaling/v1` Scale of an object.
fn scale_of(resource: &Resource, stored: &Value) -> Value {
    let mut metadata = json!({
        "name": object::name(stored),
        "namespace": object::namespace(stored),
    });
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        metadata[field] = stored["metadata"][field].clone();
    }
    let (wanted, there, selector) = numbers(resource, stored);
    let mut status = json!({"replicas": there.unwrap_or_default()});
    if !selector.is_empty() {
        status["selector"] = json!(selector);
    }
    let mut spec = json!({});
    if let Some(replicas) = wanted.filter(|replicas| *replicas != 0) {
        spec["replicas"] = json!(replicas);
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

/// Replicas wanted, replicas there, and the selector.
fn numbers(resource: &Resource, stored: &Value) -> (Option<i64>, Option<i64>, String) {
    let Some(scale) = custom_scale(resource) else {
        let selector = selector_text(resource, &stored["spec"]["selector"]);
        return (stored["spec"]["replicas"].as_i64(), stored["status"]["replicas"].as_i64(), selector);
    };
    let number = |path: &[String]| follow(stored, path).and_then(Value::as_i64);
    let selector =
        scale.selector.as_ref().and_then(|path| follow(stored, path)?.as_str()).unwrap_or_default();
    (number(&scale.spec_replicas), number(&scale.status_replicas), selector.to_owned())
}

fn custom_scale(resource: &Resource) -> Option<&Scale> {
    resource.custom.as_ref().and_then(|custom| custom.scale())
}

/// Writes the number of replicas where the kind keeps it.
fn set_replicas(resource: &Resource, object: &mut Value, replicas: i64) {
    match custom_scale(resource).map(|scale| scale.spec_replicas.as_slice()) {
        Some([path @ .., last]) => {
            let mut inner = object;
            for field in path {
                object::child(inner, field);
                inner = &mut inner[field.as_str()];
            }
            if let Some(fields) = inner.as_object_mut() {
                fields.insert(last.clone(), json!(replicas));
            }
        }
        _ => {
            object::child(object, "spec").insert("replicas".to_owned(), json!(replicas));
        }
    }
}

/// A selector as text, in the form that clients put into a query.
fn selector_text(resource: &Resource, selector: &Value) -> String {
    let empty = serde_json::Map::new();
    // A ReplicationController's selector is the map of labels itself.
    let labels = if resource.storage_group.is_empty() { selector } else { &selector["matchLabels"] };
    let mut terms: Vec<(String, String)> = labels
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .map(|(key, value)| (key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())))
        .collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default().to_owned();
        let mut values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let term = match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("Exists") => key.clone(),
            Some("DoesNotExist") => format!("!{key}"),
            _ => continue,
        };
        terms.push((key, term));
    }
    terms.sort();
    terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Registry;

    #[test]
    fn a_selector_is_written_as_a_query_would() {
        let registry = Registry::built_in();
        let deployments = registry.find("apps", "v1", "deployments").unwrap();
        let selector = json!({"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["y", "x"]}, {"key": "d", "operator": "DoesNotExist"}]});
        assert_eq!(selector_text(deployments, &selector), "a=1,b=2,c in (x,y),!d");
        let controllers = registry.find("", "v1", "replicationcontrollers").unwrap();
        assert_eq!(selector_text(controllers, &json!({"a": "1"})), "a=1");
    }
}
