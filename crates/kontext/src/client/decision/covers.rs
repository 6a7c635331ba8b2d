//! Whether an object already is as a write wants it, where the write was not made from the object as read.
//!
//! The API server fills defaults in, so a body made from scratch differs from the object that it made before. Its
//! writer sends it again at every turn; were each taken for a change, each would get a new stamp, and a no-op
//! would become a write, which calls the writer again, for ever. So here a field that is missing in the body says
//! nothing. Should the write remove a field after all, the generation moves on under the live stamp, and the change
//! reads as unattributed, never as somebody else's.

use serde_json::Value;

/// What null stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Null {
    /// Nothing: in a body.
    Missing,
    /// The wish that the field be absent: in a merge patch.
    Absent,
}

/// Whether `known` has, beside metadata and status, everything that `wanted` asks for.
pub(crate) fn covers(known: &Value, wanted: &Value, null: Null) -> bool {
    let (Some(known), Some(wanted)) = (known.as_object(), wanted.as_object()) else { return false };
    wanted
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status"))
        .all(|(name, wanted)| field(known.get(name), wanted, null))
}

fn field(known: Option<&Value>, wanted: &Value, null: Null) -> bool {
    match (known, wanted) {
        (known, Value::Null) => null == Null::Missing || known.is_none_or(Value::is_null),
        // The server stores no empty lists and maps where it has a type for them.
        (None, Value::Array(list)) => list.is_empty(),
        (None, Value::Object(map)) => map.is_empty(),
        (Some(Value::Object(known)), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| field(known.get(name), wanted, null))
        }
        (Some(Value::Array(known)), Value::Array(wanted)) => {
            known.len() == wanted.len()
                // Within lists a patch is no patch any more: its null is stored as nothing.
                && known.iter().zip(wanted).all(|(known, wanted)| field(Some(known), wanted, Null::Missing))
        }
        (Some(known), wanted) => {
            known == wanted || known.as_f64().is_some_and(|known| wanted.as_f64() == Some(known))
        }
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(wanted: Value, null: Null, expected: bool) {
        let known = json!({
            "kind": "Pod", "metadata": {"name": "web"}, "status": {},
            "spec": {"replicas": 1, "containers": [{"name": "app", "image": "web:1", "policy": "Always"}]},
        });
        assert_eq!(covers(&known, &wanted, null), expected, "{wanted}");
    }

    #[test]
    fn fields_that_the_server_filled_in_do_not_count() {
        check(json!({"spec": {"containers": [{"name": "app", "image": "web:1"}]}}), Null::Missing, true);
        check(json!({"spec": {"replicas": 1.0, "volumes": [], "selector": {}}}), Null::Missing, true);
        check(json!({"metadata": {"name": "other"}, "status": {"x": 1}}), Null::Missing, true);
    }

    #[test]
    fn another_value_or_another_length_is_a_change() {
        check(json!({"spec": {"replicas": 2}}), Null::Missing, false);
        check(json!({"spec": {"containers": []}}), Null::Missing, false);
        check(json!({"spec": {"containers": [{"name": "app", "image": "web:2"}]}}), Null::Missing, false);
        check(json!({"spec": {"paused": true}}), Null::Missing, false);
        check(json!({"data": {"a": "1"}}), Null::Missing, false);
        check(json!([]), Null::Missing, false);
    }

    #[test]
    fn null_in_a_patch_removes() {
        check(json!({"spec": {"replicas": null}}), Null::Absent, false);
        check(json!({"spec": {"replicas": null}}), Null::Missing, true);
        check(json!({"spec": {"paused": null}}), Null::Absent, true);
    }
}
