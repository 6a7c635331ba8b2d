//! `GET` of one object and of lists.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use super::route::Verb;
use super::{Call, Reply};
use crate::error::{ApiError, Cause};
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
        let mut page = page(call)?;
        if !page.continued && page.revision.is_none() {
            page.revision = Some(revision.max(page.at_least));
        }
        return list_page(call, &page);
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
        let fields = FieldSelector::parse(&target.resource.storage_group, &target.resource.kind, fields)
            .map_err(ApiError::bad_request)?;
        let name = if target.name.is_empty() { fields.name() } else { Some(target.name.as_str()) };
        Ok(Self {
            namespace: target.namespace.clone(),
            name: name.map(str::to_owned),
            labels: LabelSelector::parse(labels).map_err(ApiError::bad_request)?,
            fields,
        })
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether an object is selected.
    pub(crate) fn matches(&self, key: &Key, object: &Stored) -> bool {
        key.is_in(&self.namespace)
            && self.name.as_deref().is_none_or(|name| name == key.name())
            && self.labels.matches(|label| object.label(label))
            && self.fields.matches(key.namespace(), key.name(), |extract| object.selectable(extract))
    }
}

/// Lists objects: all that are selected, or a chunk of them.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, ApiError> {
    list_page(call, &page(call)?)
}

fn list_page(call: &Call<'_>, page: &Page) -> Result<Reply, ApiError> {
    let selection = Selection::of(call)?;
    let snapshot = snapshot(call, page, selection.namespace())?;
    let mut selected: Vec<(Key, Arc<Stored>)> =
        snapshot.objects.into_iter().filter(|(key, stored)| selection.matches(key, stored)).collect();
    let mut metadata = json!({"resourceVersion": snapshot.revision.to_string()});
    if page.limit > 0 && selected.len() > page.limit {
        let remaining = selected.len() - page.limit;
        selected.truncate(page.limit);
        if let Some((last, _)) = selected.last() {
            metadata["continue"] =
                json!(Continue { revision: Some(snapshot.revision), after: last.clone() }.encode());
        }
        metadata["remainingItemCount"] = json!(remaining);
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

/// Which chunk of which state a list asks for.
struct Page {
    limit: usize,
    /// The exact state, or the newest.
    revision: Option<u64>,
    /// A state that the answer must not be older than.
    at_least: u64,
    after: Option<Key>,
    continued: bool,
}

fn page(call: &Call<'_>) -> Result<Page, ApiError> {
    let version = resource_version(call)?;
    let rule = call.query.value("resourceVersionMatch");
    let token = call.query.value("continue");
    let limit: i64 = call.query.number("limit")?.unwrap_or(0);
    let limit = usize::try_from(limit).unwrap_or(0);
    let refuse = |field: &str, message: &str| {
        let cause = Cause {
            reason: "FieldValueForbidden".to_owned(),
            message: format!("Forbidden: {message}"),
            field: field.to_owned(),
        };
        Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &[cause]))
    };
    if call.query.value("sendInitialEvents").is_some() {
        return refuse("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if let Some(token) = token {
        if rule.is_some() {
            return refuse(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden when continue is provided",
            );
        }
        if version.is_some_and(|v| v > 0) {
            return Err(ApiError::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let token = Continue::decode(token)
            .ok_or_else(|| ApiError::bad_request("invalid continue token: continue key is not valid"))?;
        return Ok(Page {
            limit,
            revision: token.revision,
            at_least: 0,
            after: Some(token.after),
            continued: true,
        });
    }
    let given = version.unwrap_or(0);
    let mut page = Page { limit, revision: None, at_least: 0, after: None, continued: false };
    match (rule, version) {
        (None, None) => {}
        // The watch cache, which answers version 0, knows no chunks.
        (None | Some("NotOlderThan"), Some(0)) => page.limit = 0,
        // With a limit, a version means exactly that state, for compatibility.
        (None, Some(_)) if limit > 0 => page.revision = Some(given),
        (None | Some("NotOlderThan"), Some(_)) => page.at_least = given,
        (Some("Exact"), Some(0)) => {
            return refuse(
                "resourceVersionMatch",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            );
        }
        (Some("Exact"), Some(_)) => page.revision = Some(given),
        (Some("Exact" | "NotOlderThan"), None) => {
            return refuse(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            );
        }
        (Some(other), _) => {
            let cause = Cause {
                reason: "FieldValueNotSupported".to_owned(),
                message: format!(
                    "Unsupported value: {other:?}: supported values: \"Exact\", \"NotOlderThan\", \"\""
                ),
                field: "resourceVersionMatch".to_owned(),
            };
            return Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &[cause]));
        }
    }
    Ok(page)
}

/// The `resourceVersion` parameter; `None` where it is missing or empty.
pub(crate) fn resource_version(call: &Call<'_>) -> Result<Option<u64>, ApiError> {
    call.query
        .value("resourceVersion")
        .map(|text| {
            text.parse().map_err(|_| {
                let why = format!(
                    "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
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

/// Where the next chunk of a list begins.
struct Continue {
    /// The state that all chunks show; `None` goes on in whatever is there.
    revision: Option<u64>,
    after: Key,
}

impl Continue {
    fn encode(&self) -> String {
        let revision = self.revision.map_or(json!(-1), |revision| json!(revision));
        let token =
            json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{}\u{0}", self.after.as_str())});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn decode(token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let token: Value = serde_json::from_slice(&bytes).ok()?;
        if token["v"] != "meta.k8s.io/v1" {
            return None;
        }
        let after = token["start"].as_str()?.strip_suffix('\u{0}')?;
        let revision = match token["rv"].as_i64()? {
            -1 => None,
            revision => Some(u64::try_from(revision).ok()?),
        };
        Some(Self { revision, after: Key::parse(after) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continue_token_survives_the_way_to_the_client_and_back() {
        let token = Continue { revision: Some(7), after: Key::new("ns", "a") }.encode();
        let back = Continue::decode(&token).unwrap();
        assert_eq!((back.revision, back.after), (Some(7), Key::new("ns", "a")));
        for broken in ["", "x", "e30", "%%%"] {
            assert!(Continue::decode(broken).is_none(), "{broken}");
        }
    }
}
