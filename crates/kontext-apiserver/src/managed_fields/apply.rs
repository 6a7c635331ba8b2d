//! Server-side apply: the applied object merged into the live one, what the manager no longer declares pruned, and
//! ownership moved, or the conflicts that forbid it.

use jiff::Timestamp;
use serde_json::Value;

use super::conflict::{self, Conflict};
use super::entries::{self, Entries, Entry, Identity, Operation};
use super::last_applied;
use super::path::same;
use super::set::FieldSet;
use super::typed::{self, Duplicates};
use super::update::{self, give_up};
use super::versions::{Version, Versions};
use super::{Writer, cap, managed_fields, set_managed_fields, untracked};
use crate::object;
use crate::schema;

/// Why an apply was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApplyError {
    /// 400.
    BadRequest(String),
    /// 409: others own what it would change.
    Conflicts(Vec<Conflict>),
    /// 500: the object does not fit its type.
    Internal(String),
}

/// The manager that owns what was there before the first apply, where nobody was tracked.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Applies an object. `live` is the stored object in the version of the request; none: the apply creates. The result is
/// the object to store, not yet defaulted, with its managedFields.
pub(crate) fn apply(
    live: Option<&Value>,
    applied: &Value,
    writer: &Writer,
    force: bool,
    now: Timestamp,
) -> Result<Value, ApplyError> {
    let own = &writer.versions.own;
    let blank;
    let live = match live {
        Some(live) => live,
        None => {
            blank = own.blank();
            &blank
        }
    };
    let entries = match managed_fields(live) {
        Some(list) => entries::decode(list)
            .map_err(|why| ApplyError::Internal(format!("failed to decode managed fields: {why}")))?,
        None => Entries::new(),
    };
    check_applied(own, applied)?;
    let entries = if entries.is_empty() { before_first_apply(writer, live, now) } else { entries };
    let plan = Plan { writer, live, applied, entries, now };
    let (mut result, entries) = match plan.run(force) {
        Err(Refused::Conflicts(found)) if writer.manager == last_applied::KUBECTL => plan.take_over(found)?,
        other => other.map_err(ApplyError::from)?,
    };
    if writer.manager == last_applied::KUBECTL {
        last_applied::keep(&mut result, applied);
    }
    set_managed_fields(&mut result, &entries);
    Ok(result)
}

/// What can be said of the applied object without the live one.
fn check_applied(own: &Version, applied: &Value) -> Result<(), ApplyError> {
    let text = |field: &str| applied.get(field).and_then(Value::as_str).unwrap_or_default();
    if (text("apiVersion"), text("kind")) != (&own.api_version, &own.kind) {
        let kind = go_kind(text("apiVersion"), text("kind"));
        return Err(ApplyError::BadRequest(format!("invalid object type: {kind}")));
    }
    if managed_fields(applied).is_some() {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    typed::validate(&own.of, applied, Duplicates::Refused).map_err(|why| {
        ApplyError::Internal(format!(
            "failed to create typed patch object ({}/{}; {}): {why}",
            object::namespace(applied),
            object::name(applied),
            go_kind(&own.api_version, &own.kind)
        ))
    })
}

fn go_kind(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    format!("{group}/{version}, Kind={kind}")
}

/// Somebody must own what is there already.
fn before_first_apply(writer: &Writer, live: &Value, now: Timestamp) -> Entries {
    let own = &writer.versions.own;
    let identity = Identity {
        manager: BEFORE_FIRST_APPLY.to_owned(),
        operation: Operation::Update,
        api_version: own.api_version.clone(),
        subresource: writer.subresource.clone().unwrap_or_default(),
    };
    let entries = update::update(&writer.versions, &own.blank(), live, Entries::new(), &identity, now);
    cap::cap_updaters(entries)
}

impl Version {
    /// The empty object of this version.
    fn blank(&self) -> Value {
        let mut blank =
            schema::blank(&serde_json::json!({"apiVersion": self.api_version, "kind": self.kind}));
        if let Some(fields) = blank.as_object_mut() {
            fields.insert("apiVersion".to_owned(), self.api_version.clone().into());
            fields.insert("kind".to_owned(), self.kind.clone().into());
        }
        blank
    }
}

enum Refused {
    Conflicts(Vec<(Identity, FieldSet)>),
    Internal(String),
}

impl From<Refused> for ApplyError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Conflicts(found) => Self::Conflicts(conflict::conflicts(found)),
            Refused::Internal(why) => Self::Internal(why),
        }
    }
}

struct Plan<'a> {
    writer: &'a Writer,
    live: &'a Value,
    applied: &'a Value,
    entries: Entries,
    now: Timestamp,
}

impl Plan<'_> {
    fn run(&self, force: bool) -> Result<(Value, Entries), Refused> {
        let versions = &self.writer.versions;
        let own = &versions.own;
        let identity = Identity {
            manager: self.writer.manager.clone(),
            operation: Operation::Apply,
            api_version: String::new(),
            subresource: self.writer.subresource.clone().unwrap_or_default(),
        };
        let merged = typed::merge(&own.of, self.live, self.applied)
            .map_err(|why| Refused::Internal(format!("failed to merge config: {why}")))?;
        let mut entries = self.entries.clone();
        let last = entries.remove(&identity);
        let fields = own.writable(typed::field_set(&own.of, self.applied));
        let time = last.as_ref().and_then(|entry| entry.time.clone());
        let entry = Entry { fields, api_version: own.api_version.clone(), time };
        entries.insert(identity.clone(), entry);
        let new = match &last {
            Some(last) if !last.fields.is_empty() => prune(versions, merged, &entries, last),
            _ => merged,
        };
        if !force {
            let found = update::conflicts(versions, self.live, &new, &entries, &identity);
            if !found.is_empty() {
                return Err(Refused::Conflicts(found));
            }
        }
        let changes = own.compare(self.live, &new);
        let mut entries = give_up(versions, self.live, &new, entries, changes, Some(&identity));
        if let Some(entry) = entries.get_mut(&identity) {
            entry.fields = entry.fields.difference(&untracked());
            // The object did not change: then the time does not either, whatever becomes of ownership.
            if !same(self.live, &new) {
                entry.time = Some(entries::whole_seconds(self.now));
            }
        }
        entries.retain(|_, entry| !entry.fields.is_empty());
        Ok((new, entries))
    }

    /// Conflicts on what kubectl's own record covers are none.
    fn take_over(&self, found: Vec<(Identity, FieldSet)>) -> Result<(Value, Entries), ApplyError> {
        let Some(ours) = last_applied::taken_over(&self.writer.versions, self.live) else {
            return Err(Refused::Conflicts(found).into());
        };
        let rest: Vec<(Identity, FieldSet)> = found
            .into_iter()
            .map(|(identity, fields)| (identity, fields.difference(&ours)))
            .filter(|(_, fields)| !fields.is_empty())
            .collect();
        if rest.is_empty() {
            self.run(true).map_err(ApplyError::from)
        } else {
            Err(Refused::Conflicts(rest).into())
        }
    }
}

/// Removes what the manager declared last time and not this time, unless somebody else owns it.
fn prune(versions: &Versions, merged: Value, entries: &Entries, last: &Entry) -> Value {
    // The version of the last apply may be served no more: then nothing is known to be gone.
    let Some(version) = versions.named(&last.api_version) else { return merged };
    let own = &versions.own;
    let merged = own.convert(&merged, version);
    let of = Some(&version.of);
    let last = last.fields.with_named_fields(of);
    let mut pruned = typed::remove(&version.of, &merged, &last);
    pruned = add_back_owned(versions, version, &merged, pruned, entries);
    // Only what this manager had declared may go.
    let fields = |value: &Value| typed::field_set(&version.of, value).with_named_fields(of);
    let gone = fields(&merged).difference(&fields(&pruned)).intersection(&last);
    version.convert(&typed::remove(&version.of, &merged, &gone), own)
}

/// Puts back what anybody owns, in each version that somebody owns something in; the version of the object first.
fn add_back_owned(
    versions: &Versions,
    of: &Version,
    merged: &Value,
    pruned: Value,
    entries: &Entries,
) -> Value {
    let mut owned: Vec<(&Version, FieldSet)> = Vec::new();
    for entry in entries.values() {
        let Some(version) = versions.named(&entry.api_version) else { continue };
        match owned.iter_mut().find(|(known, _)| known.api_version == version.api_version) {
            Some((_, fields)) => *fields = fields.union(&entry.fields),
            None => owned.push((version, entry.fields.clone())),
        }
    }
    owned.sort_by_key(|(version, _)| version.api_version != of.api_version);
    let mut pruned = pruned;
    for (version, fields) in owned {
        let merged = of.convert(merged, version);
        let kept = of.convert(&pruned, version);
        let named = |value: &Value| typed::field_set(&version.of, value).with_named_fields(Some(&version.of));
        let gone =
            named(&merged).difference(&named(&kept).union(&fields.with_named_fields(Some(&version.of))));
        pruned = version.convert(&typed::remove(&version.of, &merged, &gone), of);
    }
    pruned
}
