//! Who wrote: the field manager of a change, read from `managedFields`.
//!
//! The API server keeps for each manager the set of fields it last wrote, with a time in whole seconds. That
//! cannot always name the writer: removed fields leave no trace, `/scale` entries carry no time, and from the
//! eleventh manager on the oldest are merged. So every answer says how sure it is.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::change::{Change, Changes, FieldPath, Segment};

/// A field manager as `managedFields` knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// `kubectl-set`, `kube-controller-manager`, …: a claim by the client, not an authenticated name.
    pub manager: Box<str>,
    /// `Update` or `Apply`.
    pub operation: Box<str>,
    /// `status`, `scale`; `None` for the object itself.
    pub subresource: Option<Box<str>>,
    /// When its entry last changed, in whole seconds.
    pub time: Option<Timestamp>,
    /// Whether it owns a field that changed; otherwise it is only the latest manager of the object.
    pub owns_change: bool,
}

/// The writer of `changes`, by the managed fields of the object after the change.
///
/// Among the managers that own a changed field, the latest one; where none does (fields were removed), the
/// latest manager of the main resource, marked as not owning. `None` where `managedFields` says nothing.
///
/// `changes` may be of several writes, where a watch was down meanwhile. The one that says most is asked for: of the
/// spec before metadata before status, so that nobody who only told a status is named for a wish.
pub fn writer_of(managed_fields: &Value, changes: &Changes) -> Option<Writer> {
    let entries = managed_fields.as_array()?;
    let tier = |change: &Change| (change.path.is_status(), change.path.is_metadata());
    let first = changes.shown.iter().map(tier).min();
    let owned = |entry: &Value| {
        let fields = &entry["fieldsV1"];
        let telling = changes.shown.iter().filter(|change| Some(tier(change)) == first);
        telling.filter(|change| owns(fields, &change.path)).count()
    };
    let latest_owner = entries
        .iter()
        .filter(|entry| owned(entry) > 0)
        .max_by_key(|entry| (time(entry), owned(entry)))
        .and_then(|entry| writer(entry, true));
    latest_owner.or_else(|| {
        entries
            .iter()
            .filter(|entry| entry["subresource"].as_str().unwrap_or_default().is_empty())
            .max_by_key(|entry| time(entry))
            .and_then(|entry| writer(entry, false))
    })
}

/// The managers that own the annotation `key`, in the order of `managedFields`.
pub fn annotation_owners<'a>(managed_fields: &'a Value, key: &str) -> Vec<&'a str> {
    let path = FieldPath::of(["metadata", "annotations", key]);
    let entries = managed_fields.as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .filter(|entry| owns(&entry["fieldsV1"], &path))
        .filter_map(|entry| entry["manager"].as_str())
        .collect()
}

fn time(entry: &Value) -> Option<Timestamp> {
    entry["time"].as_str()?.parse().ok()
}

fn writer(entry: &Value, owns_change: bool) -> Option<Writer> {
    Some(Writer {
        manager: entry["manager"].as_str()?.into(),
        operation: entry["operation"].as_str().unwrap_or("Update").into(),
        subresource: entry["subresource"].as_str().filter(|name| !name.is_empty()).map(Into::into),
        time: time(entry),
        owns_change,
    })
}

/// Whether a `fieldsV1` set has the field at `path`, or an atomic field above it.
fn owns(fields: &Value, path: &FieldPath) -> bool {
    let mut set = fields;
    for segment in path.segments() {
        let Some(map) = set.as_object() else { return false };
        match child(map, segment) {
            Some(below) => set = below,
            None => return false,
        }
        if set.as_object().is_some_and(Map::is_empty) {
            return true;
        }
    }
    set.is_object()
}

fn child<'a>(set: &'a Map<String, Value>, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Field(name) => set.get(&format!("f:{name}")),
        Segment::Index(at) => set.get(&format!("i:{at}")),
        Segment::Item { key, value } => set.iter().find_map(|(name, below)| {
            let keys: Value = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
            (keys[&**key] == **value).then_some(below)
        }),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn fields() -> Value {
        json!([
            {"manager": "kubectl-create", "operation": "Update", "time": "2026-01-01T10:00:00Z", "fieldsV1": {
                "f:metadata": {"f:annotations": {".": {}, "f:kontext.dev/cause": {}}},
                "f:spec": {"f:selector": {}, "f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
                    "k:{\"name\":\"app\"}": {".": {}, "f:name": {}}}}}}}},
            {"manager": "kubectl-set", "operation": "Update", "time": "2026-01-01T11:00:00Z", "fieldsV1": {
                "f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {"f:image": {}}}}}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
             "time": "2026-01-01T12:00:00Z", "fieldsV1": {"f:status": {"f:replicas": {}}}},
        ])
    }

    fn check(path: FieldPath, expected: Expect) {
        let changes: Changes = [Change::of(path)].into_iter().collect();
        let writer = writer_of(&fields(), &changes);
        expected.assert_eq(&writer.map_or("nobody".into(), |w| {
            format!("{} {:?} owns={}", w.manager, w.subresource, w.owns_change)
        }));
    }

    fn app() -> FieldPath {
        let name = Segment::Item { key: "name".into(), value: "app".into() };
        FieldPath::of(["spec", "template", "spec", "containers"]).then(name)
    }

    #[test]
    fn the_manager_that_owns_the_changed_field_wrote_it() {
        check(app().field("image"), expect!["kubectl-set None owns=true"]);
        check(FieldPath::of(["spec", "replicas"]), expect!["kubectl-create None owns=true"]);
        check(
            FieldPath::of(["status", "replicas"]),
            expect![[r#"kube-controller-manager Some("status") owns=true"#]],
        );
    }

    #[test]
    fn of_several_writes_the_one_of_the_spec_is_told_and_not_a_later_status() {
        let paths = [FieldPath::of(["status", "replicas"]), app().field("image")];
        let changes: Changes = paths.into_iter().map(Change::of).collect();
        expect!["kubectl-set"].assert_eq(&writer_of(&fields(), &changes).expect("known").manager);
    }

    #[test]
    fn an_atomic_field_is_owned_with_all_below() {
        check(FieldPath::of(["spec", "selector", "matchLabels"]), expect!["kubectl-create None owns=true"]);
    }

    #[test]
    fn a_removed_field_is_laid_to_the_latest_manager_as_a_guess() {
        check(FieldPath::of(["spec", "paused"]), expect!["kubectl-set None owns=false"]);
    }

    #[test]
    fn nobody_is_named_where_nothing_is_known() {
        assert_eq!(writer_of(&json!([]), &Changes::default()), None);
        assert_eq!(writer_of(&json!("forged"), &Changes::default()), None);
    }

    #[test]
    fn the_owner_of_an_annotation_is_known() {
        assert_eq!(annotation_owners(&fields(), "kontext.dev/cause"), ["kubectl-create"]);
    }
}
