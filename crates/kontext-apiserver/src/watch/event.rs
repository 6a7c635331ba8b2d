//! Events of a watch as lines of JSON.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::error::ApiError;
use crate::kinds::Resource;
use crate::service::Call;
use crate::service::call::metadata_of;
use crate::service::negotiate::{Form, negotiate};
use crate::store::{ChangeKind, LINE_END, Stored};
use crate::table::{self, TableOptions};

/// Turns objects into lines in the form that the client accepts.
pub(super) struct Encoder {
    resource: Arc<Resource>,
    form: Form,
    include_object: Option<String>,
    clock: Arc<dyn Clock>,
    /// The columns of a table go with the first event only.
    columns_sent: bool,
}

impl Encoder {
    pub(super) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            resource: call.target.resource.clone(),
            form: negotiate(call.accept(), false)?,
            include_object: call.query.value("includeObject").map(str::to_owned),
            clock: call.shared.clock.clone(),
            columns_sent: false,
        })
    }

    /// An ADDED, MODIFIED or DELETED event, which shows the object at the given version.
    pub(super) fn event(&mut self, kind: ChangeKind, stored: &Arc<Stored>, revision: u64) -> Bytes {
        if self.form == Form::Object && self.resource.is_storage_form() {
            return object_line(kind, stored, revision);
        }
        let mut object = stored.value();
        if revision != stored.revision() {
            crate::object::metadata(&mut object)
                .insert("resourceVersion".to_owned(), json!(revision.to_string()));
        }
        let object = match self.form {
            Form::Object => {
                self.resource.encode(&mut object);
                object
            }
            Form::Metadata => metadata_of(&object),
            Form::Table => {
                if self.resource.custom.is_some() {
                    self.resource.encode(&mut object);
                }
                self.table(&object)
            }
        };
        line(kind.line_start(), &[object.to_string().as_bytes()])
    }

    /// A bookmark: everything up to this version was sent.
    pub(super) fn bookmark(&self, revision: u64, initial_events_end: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if initial_events_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = match self.form {
            Form::Object => {
                let mut object =
                    json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version()});
                // An object of the kind with nothing in it.
                let mut blank = crate::schema::blank(&object);
                crate::object::child(&mut object, "metadata")
                    .extend(metadata.as_object().cloned().unwrap_or_default());
                if matches!(self.resource.kind.as_str(), "Deployment" | "ReplicaSet" | "StatefulSet") {
                    crate::object::child(&mut blank, "spec").insert("replicas".to_owned(), json!(0));
                }
                if let (Some(fields), Some(given)) = (blank.as_object_mut(), object.as_object()) {
                    fields.extend(given.clone());
                }
                blank
            }
            Form::Metadata => metadata_of(&json!({"metadata": metadata})),
            Form::Table => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": revision.to_string()},
                "columnDefinitions": [],
                "rows": [{"cells": [], "object": metadata_of(&json!({"metadata": metadata}))}],
            }),
        };
        line(BOOKMARK, &[object.to_string().as_bytes()])
    }

    fn table(&mut self, object: &Value) -> Value {
        let options = TableOptions::from_query(self.include_object.as_deref());
        let mut table = table::of(&self.resource, &[object], self.clock.now(), options);
        table["metadata"] = json!({"resourceVersion": crate::object::resource_version(object)});
        if self.columns_sent {
            table["columnDefinitions"] = Value::Null;
        }
        self.columns_sent = true;
        table
    }
}

/// The end of a watch that the server cannot go on with.
pub(super) fn error(error: &ApiError) -> Bytes {
    line(ERROR, &[error.status().to_string().as_bytes()])
}

const BOOKMARK: &str = "{\"type\":\"BOOKMARK\",\"object\":";
const ERROR: &str = "{\"type\":\"ERROR\",\"object\":";

/// The line of an object in its stored form. Where the event is that of the write itself, no byte is copied.
fn object_line(kind: ChangeKind, stored: &Stored, revision: u64) -> Bytes {
    if revision != stored.revision()
        && let Some((before, after)) = stored.around_version()
    {
        return line(kind.line_start(), &[before, revision.to_string().as_bytes(), after]);
    }
    stored.line(kind).unwrap_or_else(|| line(kind.line_start(), &[&stored.bytes()]))
}

fn line(start: &str, object: &[&[u8]]) -> Bytes {
    let length = object.iter().map(|part| part.len()).sum::<usize>();
    let mut line = BytesMut::with_capacity(start.len() + length + LINE_END.len());
    line.extend_from_slice(start.as_bytes());
    for part in object {
        line.extend_from_slice(part);
    }
    line.extend_from_slice(LINE_END);
    line.freeze()
}
