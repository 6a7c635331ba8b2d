//! One request for a resource with everything that answering it needs, and the answer.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::auth::{self, User};
use super::negotiate::{Form, negotiate};
use super::route::{Query, Target, Verb};
use super::warnings::Warnings;
use crate::admission::{Admission, Attributes, Operation};
use crate::body::Body;
use crate::crd;
use crate::error::{ApiError, Cause};
use crate::fields;
use crate::managed_fields::{Versions, Writer};
use crate::server::Shared;
use crate::store::Stored;
use crate::strict;
use crate::table::{self, TableOptions};
use crate::yaml;

/// A request for a resource.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) target: &'a Target,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) now: Timestamp,
    /// What the client is told beside its answer.
    pub(crate) warnings: &'a Warnings,
    pub(crate) user: &'a User,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Body,
    /// Whether something was written to the store.
    pub(crate) changed: bool,
    pub(crate) etag: Option<String>,
    /// Seconds for the `Retry-After` header.
    pub(crate) retry_after: Option<u64>,
    /// The name of what was created, for the request log.
    pub(crate) created: Option<String>,
}

/// What a request wants done about unknown and duplicate fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    Warn,
    Strict,
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const YAML: &str = "application/yaml";
const TEXT: &str = "text/plain; charset=utf-8";

impl Reply {
    pub(crate) fn json(status: StatusCode, value: &Value, changed: bool) -> Self {
        Self::bytes(status, value.to_string(), changed)
    }

    pub(crate) fn bytes(status: StatusCode, bytes: impl Into<Bytes>, changed: bool) -> Self {
        Self {
            status,
            content_type: JSON,
            body: Body::full(bytes),
            changed,
            etag: None,
            retry_after: None,
            created: None,
        }
    }

    /// The same, as the answer to the creation of an object.
    pub(crate) fn creating(self, name: &str) -> Self {
        Self { created: Some(name.to_owned()), ..self }
    }

    pub(crate) fn text(text: &'static str) -> Self {
        let mut reply = Self::bytes(StatusCode::OK, text, false);
        reply.content_type = TEXT;
        reply
    }

    pub(crate) fn failure(error: &ApiError) -> Self {
        if let Some(text) = error.plain_text() {
            let mut reply = Self::bytes(error.code, text.to_owned(), false);
            reply.content_type = TEXT;
            return reply;
        }
        Self { retry_after: error.retry_after_seconds(), ..Self::json(error.code, &error.status(), false) }
    }
}

impl Call<'_> {
    /// Tells the client what is legal and not wise about an object that it writes.
    pub(crate) fn warn_about(&self, new: &Value, old: Option<&Value>) {
        let target = self.target;
        let texts = match &target.resource.custom {
            _ if !target.subresource.is_empty() => return,
            Some(_) => crd::finalizer_warnings(new, old),
            None if target.resource.is_definition() => crd::definition_warnings(new, old),
            None => return,
        };
        texts.into_iter().for_each(|text| self.warnings.add(text));
    }

    pub(crate) fn accept(&self) -> Option<&str> {
        self.headers.get(http::header::ACCEPT).and_then(|v| v.to_str().ok())
    }

    /// Whether the body is a server-side apply.
    pub(crate) fn is_apply(&self) -> bool {
        let content_type = self.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        content_type.is_some_and(|kind| kind.starts_with("application/apply-patch+"))
    }

    fn user_agent(&self) -> &str {
        self.headers.get(http::header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// Whether nothing may be stored.
    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        let mut any = false;
        for value in self.query.values("dryRun").filter(|v| !v.is_empty()) {
            if value != "All" {
                let message = format!("Unsupported value: {:?}: supported values: \"All\"", [value]);
                return Err(self.unsupported_option("dryRun", message));
            }
            any = true;
        }
        Ok(any)
    }

    /// Who this write is tracked under.
    pub(crate) fn writer(&self, subresource: &str) -> Result<Writer, ApiError> {
        Ok(Writer {
            manager: self.field_manager()?,
            subresource: (!subresource.is_empty()).then(|| subresource.to_owned()),
            versions: self.versions(subresource),
            tracked: false,
        })
    }

    /// The versions in which the objects of this request are served.
    pub(crate) fn versions(&self, subresource: &str) -> Versions {
        Versions::of(&self.target.resource, &self.shared.registry(), subresource)
    }

    pub(crate) fn field_manager(&self) -> Result<String, ApiError> {
        auth::field_manager(self.query, self.user_agent(), self.options_kind())
    }

    /// What the request wants done about unknown and duplicate fields.
    pub(crate) fn validation(&self) -> Result<Validation, ApiError> {
        match self.query.value("fieldValidation") {
            None | Some("" | "Warn") => Ok(Validation::Warn),
            Some("Ignore") => Ok(Validation::Ignore),
            Some("Strict") => Ok(Validation::Strict),
            Some(other) => {
                let message = format!(
                    "Unsupported value: {other:?}: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
                );
                Err(self.unsupported_option("fieldValidation", message))
            }
        }
    }

    fn content_type(&self) -> &str {
        self.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// What is to be said of the keys that stand twice in the body, where the request wants to know.
    pub(crate) fn duplicates(&self) -> Vec<String> {
        match self.validation() {
            Ok(Validation::Ignore) | Err(_) => Vec::new(),
            Ok(Validation::Warn | Validation::Strict) if self.content_type().starts_with(YAML) => {
                let found = yaml::duplicate_key(&self.body).unwrap_or_default();
                found.lines().skip(1).map(|line| line.trim().to_owned()).collect()
            }
            Ok(Validation::Warn | Validation::Strict) => strict::duplicate_fields(&self.body)
                .into_iter()
                .map(|path| format!("duplicate field {path:?}"))
                .collect(),
        }
    }

    /// Checks the values of an object against the types of its kind, and drops the fields that the kind does not have.
    pub(crate) fn check_types(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let resource = &self.target.resource;
        match &resource.custom {
            Some(custom) => custom.decode(object),
            None => fields::check(&resource.api_version(), &resource.kind, object),
        }
    }

    /// Checks an object against the types of its kind: wrong types are refused; unknown fields are dropped, and they
    /// and `duplicates` refused or warned of as the request asks with `fieldValidation`. `refuse` makes the error.
    pub(crate) fn check_fields(
        &self,
        object: &mut Value,
        duplicates: &[String],
        refuse: impl Fn(String) -> ApiError,
    ) -> Result<(), ApiError> {
        let validation = self.validation()?;
        let unknown = self.check_types(object).map_err(&refuse)?;
        let found: Vec<String> = duplicates
            .iter()
            .cloned()
            .chain(unknown.iter().map(|path| format!("unknown field {path:?}")))
            .collect();
        match validation {
            Validation::Strict if !found.is_empty() => {
                return Err(refuse(format!("strict decoding error: {}", found.join(", "))));
            }
            Validation::Warn => found.into_iter().for_each(|text| self.warnings.add(text)),
            Validation::Strict | Validation::Ignore => {}
        }
        Ok(())
    }

    /// A parameter with a value that the API does not know.
    fn unsupported_option(&self, field: &str, message: String) -> ApiError {
        let cause = Cause { reason: "FieldValueNotSupported".to_owned(), message, field: field.to_owned() };
        ApiError::invalid("meta.k8s.io", self.options_kind(), "", &[cause])
    }

    /// Admission of this request by webhooks; nothing if none are configured. `name` is that of the object, empty where
    /// it is generated.
    pub(crate) fn admission(
        &self,
        operation: Operation,
        name: &str,
    ) -> Result<Option<Admission<'_>>, ApiError> {
        Admission::of(self.shared, self.headers, self.warnings, || {
            let kind = if operation == Operation::Create { "CreateOptions" } else { "UpdateOptions" };
            let mut options = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
            let dry_run = self.dry_run()?;
            if dry_run {
                options["dryRun"] = json!(["All"]);
            }
            for field in ["fieldManager", "fieldValidation"] {
                if let Some(value) = self.query.value(field) {
                    options[field] = json!(value);
                }
            }
            Ok(Attributes::new(operation, self.target, name, self.user, options, dry_run))
        })
    }

    /// What the API calls the parameters of this request.
    fn options_kind(&self) -> &'static str {
        match self.target.verb {
            Verb::Create => "CreateOptions",
            Verb::Update => "UpdateOptions",
            Verb::Patch => "PatchOptions",
            Verb::Delete | Verb::DeleteCollection => "DeleteOptions",
            Verb::Get | Verb::List | Verb::Watch => "ListOptions",
        }
    }

    /// Answers with one object in the form that the client accepts.
    pub(crate) fn object_reply(
        &self,
        status: StatusCode,
        stored: &Arc<Stored>,
        changed: bool,
    ) -> Result<Reply, ApiError> {
        let form = negotiate(self.accept(), false)?;
        let bytes = match form {
            Form::Object => self.object_bytes(stored),
            Form::Metadata => Bytes::from(metadata_of(&stored.value()).to_string()),
            Form::Table => {
                let version = json!({"resourceVersion": crate::object::resource_version(&stored.value())});
                self.table(std::slice::from_ref(stored), &version).to_string().into()
            }
        };
        Ok(Reply::bytes(status, bytes, changed))
    }

    /// Answers with an object that has one form only, such as a Scale.
    pub(crate) fn plain_reply(
        &self,
        status: StatusCode,
        object: &Arc<Stored>,
        changed: bool,
    ) -> Result<Reply, ApiError> {
        match negotiate(self.accept(), false)? {
            Form::Metadata => Ok(Reply::json(status, &metadata_of(&object.value()), changed)),
            Form::Table if object.value()["kind"] == "Scale" => {
                let scale = object.value();
                let options = TableOptions::from_query(self.query.value("includeObject"));
                let mut table = table::table("autoscaling", "Scale", &[&scale], self.now, options);
                table["metadata"] = json!({"resourceVersion": crate::object::resource_version(&scale)});
                Ok(Reply::json(status, &table, changed))
            }
            Form::Object | Form::Table => Ok(Reply::bytes(status, object.bytes(), changed)),
        }
    }

    /// An object's bytes in the form of the resource that was asked for.
    pub(crate) fn object_bytes(&self, stored: &Arc<Stored>) -> Bytes {
        if self.target.resource.is_storage_form() {
            stored.bytes()
        } else {
            self.encoded(stored).to_string().into()
        }
    }

    pub(crate) fn encoded(&self, stored: &Arc<Stored>) -> Value {
        let mut object = stored.value();
        self.target.resource.encode(&mut object);
        object
    }

    /// Answers with a list in the form that the client accepts.
    pub(crate) fn list_reply(&self, objects: &[Arc<Stored>], metadata: &Value) -> Result<Reply, ApiError> {
        let resource = &self.target.resource;
        let bytes: Bytes = match negotiate(self.accept(), true)? {
            Form::Object => {
                let head = format!(
                    "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
                    resource.list_kind(),
                    resource.api_version()
                );
                self.join_items(&head, objects)
            }
            Form::Metadata => {
                let items: Vec<Value> = objects.iter().map(|o| metadata_of(&o.value())).collect();
                // Made anew for each answer, this list is none where there is nothing.
                let items = if items.is_empty() { Value::Null } else { Value::Array(items) };
                json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                    "metadata": metadata, "items": items,
                })
                .to_string()
                .into()
            }
            Form::Table => self.table(objects, metadata).to_string().into(),
        };
        Ok(Reply::bytes(StatusCode::OK, bytes, false))
    }

    fn join_items(&self, head: &str, objects: &[Arc<Stored>]) -> Bytes {
        let custom = self.target.resource.custom.is_some();
        let items: Vec<Bytes> = objects
            .iter()
            .map(|stored| {
                // Custom resources say what they are in lists too.
                if custom {
                    self.object_bytes(stored).slice(1..)
                } else if self.target.resource.is_storage_form() {
                    stored.item_bytes()
                } else {
                    Stored::unsaved(self.encoded(stored)).item_bytes()
                }
            })
            .collect();
        let mut out =
            BytesMut::with_capacity(head.len() + 2 + items.iter().map(|i| i.len() + 2).sum::<usize>());
        out.extend_from_slice(head.as_bytes());
        for (index, item) in items.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
            out.extend_from_slice(item);
        }
        out.extend_from_slice(b"]}");
        out.freeze()
    }

    /// Objects as rows, with the metadata of a list.
    pub(crate) fn table(&self, objects: &[Arc<Stored>], metadata: &Value) -> Value {
        let resource = &self.target.resource;
        let form = |stored: &Arc<Stored>| {
            let mut object = stored.value();
            if resource.custom.is_some() {
                resource.encode(&mut object);
            }
            object
        };
        let values: Vec<Value> = objects.iter().map(form).collect();
        let values: Vec<&Value> = values.iter().collect();
        let options = TableOptions::from_query(self.query.value("includeObject"));
        let mut table = table::of(resource, &values, self.now, options);
        table["metadata"] = metadata.clone();
        table
    }
}

/// `PartialObjectMetadata` of an object.
pub(crate) fn metadata_of(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}
