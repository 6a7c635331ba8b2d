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
use crate::store::Stored;
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

    /// An ADDED, MODIFIED or DELETED event.
    pub(super) fn event(&mut self, kind: &str, stored: &Arc<Stored>) -> Bytes {
        match self.form {
            Form::Object if self.resource.is_storage_form() => line(kind, &stored.bytes()),
            Form::Object => {
                let mut object = stored.value().clone();
                self.resource.encode(&mut object);
                line(kind, object.to_string().as_bytes())
            }
            Form::Metadata => line(kind, metadata_of(stored.value()).to_string().as_bytes()),
            Form::Table => line(kind, self.table(stored).to_string().as_bytes()),
        }
    }

    /// A bookmark: everything up to this version was sent.
    pub(super) fn bookmark(&self, revision: u64, initial_events_end: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if initial_events_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = match self.form {
            Form::Object => json!({
                "kind": self.resource.kind, "apiVersion": self.resource.api_version(), "metadata": metadata,
            }),
            Form::Metadata => metadata_of(&json!({"metadata": metadata})),
            Form::Table => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": revision.to_string()},
                "columnDefinitions": [],
                "rows": [{"cells": [], "object": metadata_of(&json!({"metadata": metadata}))}],
            }),
        };
        line("BOOKMARK", object.to_string().as_bytes())
    }

    fn table(&mut self, stored: &Arc<Stored>) -> Value {
        let options = TableOptions::from_query(self.include_object.as_deref());
        let object = stored.value();
        let mut table = table::table(
            &self.resource.storage_group,
            &self.resource.kind,
            &[object],
            self.clock.now(),
            options,
        );
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
    line("ERROR", error.status().to_string().as_bytes())
}

fn line(kind: &str, object: &[u8]) -> Bytes {
    let mut line = BytesMut::with_capacity(object.len() + 32);
    for part in [b"{\"type\":\"", kind.as_bytes(), b"\",\"object\":", object, b"}\n"] {
        line.extend_from_slice(part);
    }
    line.freeze()
}
