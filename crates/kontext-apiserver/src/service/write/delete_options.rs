//! What a delete is asked to do: `DeleteOptions` in the body, or in the query where there is no body.

use serde_json::{Value, json};

use super::decode::{self, Encoded, decode_optional};
use crate::error::{ApiError, Cause, invalid_value};
use crate::fields;
use crate::kinds::Resource;
use crate::object;
use crate::service::Call;

/// What a delete was asked to do.
#[derive(Clone, Debug, Default)]
pub(in crate::service) struct Options {
    pub(super) grace: Option<i64>,
    pub(in crate::service) uid: Option<String>,
    pub(in crate::service) resource_version: Option<String>,
    pub(super) orphan: Option<bool>,
    pub(super) policy: Option<String>,
    pub(in crate::service) dry_run: bool,
}

impl Options {
    /// Reads the options of a request. A body makes the query not count.
    pub(super) fn of_request(call: &Call<'_>) -> Result<Self, ApiError> {
        if !call.body.is_empty() {
            return Self::of_object(&decode_optional(Encoded::new(call.headers, &call.body))?);
        }
        let mut options = Self {
            grace: call.query.number("gracePeriodSeconds")?,
            policy: call.query.value("propagationPolicy").map(str::to_owned),
            dry_run: call.dry_run()?,
            ..Self::default()
        };
        if call.query.value("orphanDependents").is_some() {
            options.orphan = Some(call.query.flag("orphanDependents"));
        }
        options.checked()
    }

    /// Reads the options from a `DeleteOptions` object.
    pub(in crate::service) fn of_object(object: &Value) -> Result<Self, ApiError> {
        let kind = object["kind"].as_str().unwrap_or("DeleteOptions");
        if kind != "DeleteOptions" {
            let version = object["apiVersion"].as_str().unwrap_or_default();
            return Err(ApiError::bad_request(decode::not_registered(version, kind)));
        }
        for (field, fits, wanted) in [
            ("gracePeriodSeconds", object["gracePeriodSeconds"].is_i64(), "int64"),
            ("orphanDependents", object["orphanDependents"].is_boolean(), "bool"),
            ("propagationPolicy", object["propagationPolicy"].is_string(), "v1.DeletionPropagation"),
            ("preconditions", object["preconditions"].is_object(), "v1.Preconditions"),
            ("dryRun", object["dryRun"].is_array(), "[]string"),
        ] {
            if !fits && !object[field].is_null() {
                return Err(ApiError::bad_request(fields::wrong(
                    &object[field],
                    "DeleteOptions",
                    field,
                    wanted,
                )));
            }
        }
        let text = |value: &Value| value.as_str().filter(|t| !t.is_empty()).map(str::to_owned);
        let dry_run = object["dryRun"].as_array().map_or(&[][..], Vec::as_slice);
        if dry_run.iter().any(|value| value != "All") {
            let message = format!("Unsupported value: {}: supported values: \"All\"", json!(dry_run));
            let reason = "FieldValueNotSupported".to_owned();
            return Err(refuse(&[Cause { reason, message, field: "dryRun".to_owned() }]));
        }
        let options = Self {
            grace: object["gracePeriodSeconds"].as_i64(),
            uid: text(&object["preconditions"]["uid"]),
            resource_version: text(&object["preconditions"]["resourceVersion"]),
            orphan: object["orphanDependents"].as_bool(),
            policy: text(&object["propagationPolicy"]),
            dry_run: !dry_run.is_empty(),
        };
        options.checked()
    }

    /// Checks the preconditions against what is stored.
    pub(in crate::service) fn check(
        &self,
        resource: &Resource,
        name: &str,
        old: &Value,
    ) -> Result<(), ApiError> {
        let is_namespace = resource.storage_group.is_empty() && resource.plural == "namespaces";
        if is_namespace {
            // Namespaces are deleted by code of their own, with words of its own.
            for (what, given, stored) in [
                ("UID", &self.uid, object::uid(old)),
                ("ResourceVersion", &self.resource_version, object::resource_version(old)),
            ] {
                if let Some(given) = given.as_deref().filter(|given| *given != stored) {
                    let why = format!(
                        "Precondition failed: {what} in precondition: {given}, {what} in object meta: {stored}"
                    );
                    return Err(ApiError::conflict(resource, name, why));
                }
            }
            return Ok(());
        }
        if let Some(uid) = self.uid.as_deref().filter(|uid| *uid != object::uid(old)) {
            return Err(ApiError::precondition_failed(
                resource,
                name,
                &format!(
                    "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                    object::uid(old)
                ),
            ));
        }
        let version = object::resource_version(old);
        if let Some(given) = self.resource_version.as_deref().filter(|given| *given != version) {
            return Err(ApiError::precondition_failed(
                resource,
                name,
                &format!(
                    "the ResourceVersion in the precondition ({given}) does not match the ResourceVersion in record ({version}). The object might have been modified"
                ),
            ));
        }
        Ok(())
    }

    fn checked(mut self) -> Result<Self, ApiError> {
        let mut causes = Vec::new();
        if let Some(policy) = &self.policy {
            if self.orphan.is_some() {
                causes.push(invalid_value(
                    "propagationPolicy",
                    json!(policy),
                    "orphanDependents and deletionPropagation cannot be both set",
                ));
            }
            if !matches!(policy.as_str(), "Foreground" | "Background" | "Orphan") {
                causes.push(Cause {
                    reason: "FieldValueNotSupported".to_owned(),
                    message: format!(
                        "Unsupported value: {policy:?}: supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
                    ),
                    field: "propagationPolicy".to_owned(),
                });
            }
        }
        if !causes.is_empty() {
            return Err(refuse(&causes));
        }
        if let Some(seconds) = self.grace.as_mut().filter(|seconds| **seconds < 0) {
            *seconds = 1;
        }
        Ok(self)
    }

    /// The options as webhooks see them; `decided` is the grace period that the kind came to.
    pub(super) fn shown(&self, decided: Option<i64>) -> Value {
        let mut shown = json!({"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"});
        if let Some(seconds) = decided.or(self.grace) {
            shown["gracePeriodSeconds"] = json!(seconds);
        }
        for (field, value) in [("uid", &self.uid), ("resourceVersion", &self.resource_version)] {
            if let Some(value) = value {
                shown["preconditions"][field] = json!(value);
            }
        }
        if let Some(orphan) = self.orphan {
            shown["orphanDependents"] = json!(orphan);
        }
        if let Some(policy) = &self.policy {
            shown["propagationPolicy"] = json!(policy);
        }
        if self.dry_run {
            shown["dryRun"] = json!(["All"]);
        }
        shown
    }
}

fn refuse(causes: &[Cause]) -> ApiError {
    ApiError::invalid("meta.k8s.io", "DeleteOptions", "", causes)
}
