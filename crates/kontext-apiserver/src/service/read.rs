//! `GET` of one object and of lists.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use super::list_options::{Continue, Page};
use super::negotiate::{Form, negotiate};
use super::route::{Verb, out_of_range};
use super::{Call, Reply};
use crate::error::ApiError;
use crate::selector::{FieldSelector, LabelSelector};
use crate::store::{Key, Snapshot, SnapshotError, Stored};

/// Reads one object.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let key = Key::new(&target.namespace, &target.name);
    let stored = call
        .shared
        .store
        .find(target.resource.table, &key)
        .ok_or_else(|| ApiError::not_found(&target.resource, &target.name))?;
    call.object_reply(StatusCode::OK, &stored, false)
}

/// Reads one object or a list as before the latest so many writes of its kind: an injected fault.
pub(super) fn stale(call: &Call<'_>, writes: u64) -> Result<Reply, ApiError> {
    let target = call.target;
    let revision = call.shared.store.revision_before(target.resource.table, writes);
    if target.verb == Verb::List {
        let mut page = Page::of(call)?;
        if !page.continued && page.revision.is_none() {
            page.revision = Some(revision.max(page.at_least));
        }
        return list_page(call, &Selection::of(call)?, &page);
    }
    let snapshot = call
        .shared
        .store
        .snapshot(target.resource.table, &target.namespace, Some(revision), None)
        .map_err(|_| ApiError::internal("what is remembered can be read"))?;
    let key = Key::new(&target.namespace, &target.name);
    let found = snapshot.objects.into_iter().find(|(other, _)| *other == key);
    let (_, stored) = found.ok_or_else(|| ApiError::not_found(&target.resource, &target.name))?;
    call.object_reply(StatusCode::OK, &stored, false)
}

/// Which objects a list or a watch is about.
pub(crate) struct Selection {
    namespace: String,
    name: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// Reads the selectors of a request.
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let target = call.target;
        let labels = call.query.value("labelSelector").unwrap_or_default();
        let fields = call.query.value("fieldSelector").unwrap_or_default();
        let fields = match &target.resource.custom {
            Some(custom) => FieldSelector::parse_custom(custom.selectable(), fields),
            None => FieldSelector::parse(&target.resource.storage_group, &target.resource.kind, fields),
        };
        let fields = fields.map_err(ApiError::bad_request)?;
        let name = if target.name.is_empty() { fields.name() } else { Some(target.name.as_str()) };
        Ok(Self {
            namespace: target.namespace.clone(),
            name: name.map(str::to_owned),
            labels: LabelSelector::parse(labels).map_err(ApiError::bad_request)?,
            fields,
        })
    }

    /// Whether there are no selectors.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    fn matches_fields(&self, key: &Key, object: &Stored) -> bool {
        if self.fields.looks_into_custom() {
            return self.fields.matches_custom(key.namespace(), key.name(), &object.value());
        }
        self.fields.matches(key.namespace(), key.name(), |extract| object.selectable(extract))
    }

    /// Whether an object is selected.
    pub(crate) fn matches(&self, key: &Key, object: &Stored) -> bool {
        key.is_in(&self.namespace)
            && self.name.as_deref().is_none_or(|name| name == key.name())
            && self.labels.matches(|label| object.label(label))
            && self.matches_fields(key, object)
    }
}

/// Lists objects: all that are selected, or a chunk of them.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, ApiError> {
    let selection = Selection::of(call)?;
    list_page(call, &selection, &Page::of(call)?)
}

fn list_page(call: &Call<'_>, selection: &Selection, page: &Page) -> Result<Reply, ApiError> {
    let snapshot = snapshot(call, page, selection.namespace())?;
    let mut selected: Vec<(Key, Arc<Stored>)> =
        snapshot.objects.into_iter().filter(|(key, stored)| selection.matches(key, stored)).collect();
    let mut metadata = json!({"resourceVersion": snapshot.revision.to_string()});
    // Lists of custom resources are written by hand, and say that there is no more.
    if call.target.resource.custom.is_some() && matches!(negotiate(call.accept(), true), Ok(Form::Object)) {
        metadata["continue"] = json!("");
    }
    if page.limit > 0 && selected.len() > page.limit {
        let remaining = selected.len() - page.limit;
        selected.truncate(page.limit);
        if let Some((last, _)) = selected.last() {
            metadata["continue"] =
                json!(Continue { revision: Some(snapshot.revision), after: last.clone() }.encode());
        }
        // The real server counts before it selects, and says nothing where that would be wrong.
        if selection.is_everything() {
            metadata["remainingItemCount"] = json!(remaining);
        }
    }
    let objects: Vec<Arc<Stored>> = selected.into_iter().map(|(_, stored)| stored).collect();
    call.list_reply(&objects, &metadata)
}

/// Everything that is selected now, in one piece.
pub(super) fn matching(call: &Call<'_>) -> Result<Snapshot, ApiError> {
    let selection = Selection::of(call)?;
    let mut snapshot = call
        .shared
        .store
        .snapshot(call.target.resource.table, selection.namespace(), None, None)
        .map_err(|_| ApiError::internal("the current state is always there"))?;
    snapshot.objects.retain(|(key, stored)| selection.matches(key, stored));
    Ok(snapshot)
}

/// The `resourceVersion` parameter; `None` where it is missing or empty.
pub(crate) fn resource_version(call: &Call<'_>) -> Result<Option<u64>, ApiError> {
    call.query
        .value("resourceVersion")
        .map(|text| {
            text.parse().map_err(|_| {
                let wrong = if !text.starts_with('-') && out_of_range(text) {
                    "value out of range"
                } else {
                    "invalid syntax"
                };
                let why = format!(
                    "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: {wrong}"
                );
                match call.target.verb {
                    Verb::Watch => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", why),
                    _ => ApiError::bad_request(format!("invalid resource version: {why}")),
                }
            })
        })
        .transpose()
}

fn snapshot(call: &Call<'_>, page: &Page, namespace: &str) -> Result<Snapshot, ApiError> {
    let store = &call.shared.store;
    let current = store.revision();
    if page.at_least > current {
        return Err(ApiError::too_large_resource_version(page.at_least, current));
    }
    store.snapshot(call.target.resource.table, namespace, page.revision, page.after.as_ref()).map_err(
        |error| match error {
            SnapshotError::Future(current) => {
                ApiError::too_large_resource_version(page.revision.unwrap_or_default(), current)
            }
            SnapshotError::Expired if page.continued => expired_continue(page),
            SnapshotError::Expired => {
                ApiError::expired("The resourceVersion for the provided list is too old.")
            }
        },
    )
}

/// A chunk of a state that is forgotten; the answer has a token that goes on in the newest one.
fn expired_continue(page: &Page) -> ApiError {
    let mut error = ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the \
         continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing \
         with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the \
         time the first chunk was returned and now may show up in the list.",
    );
    error.continue_token = page.after.clone().map(|after| Continue { revision: None, after }.encode());
    error
}
