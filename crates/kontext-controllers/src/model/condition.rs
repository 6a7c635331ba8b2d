use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// A condition in an object's status.
///
/// `last_update` exists on a Deployment's conditions only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Such as `Progressing`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When it was last looked at anew; on a Deployment's conditions.
    #[serde(
        rename = "lastUpdateTime",
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "seconds"
    )]
    pub last_update: Option<Timestamp>,
    /// When the status last changed.
    #[serde(
        rename = "lastTransitionTime",
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "seconds"
    )]
    pub last_transition: Option<Timestamp>,
    /// One word in CamelCase.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The condition of this type.
#[must_use]
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// Kubernetes' `Time` has whole seconds; a fraction would come back cut off and look like a change.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn seconds<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&whole_seconds(*time)),
        None => serializer.serialize_none(),
    }
}

/// Conditions as JSON. One that has not changed is taken over from the object as it was, with fields we do not know.
pub(super) fn to_json(conditions: &[Condition], before: Option<&Value>) -> Value {
    let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let same = |condition: &Condition| {
        before.iter().find(|old| Condition::deserialize(*old).is_ok_and(|old| old == *condition)).cloned()
    };
    conditions
        .iter()
        .map(|condition| {
            same(condition).unwrap_or_else(|| {
                serde_json::to_value(condition).expect("invariant: a struct of strings serialises")
            })
        })
        .collect()
}
