use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

/// Annotations, by key.
pub type Annotations = BTreeMap<String, String>;

/// The full JSON of an object without `metadata.managedFields`, kept to write the object back whole.
///
/// `managedFields` is often larger than all the rest, and a PUT without it changes nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct RawObject(Box<str>);

impl RawObject {
    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str) -> serde_json::Result<Self> {
        let mut top: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
        let mut metadata: BTreeMap<String, &RawValue> = match top.get("metadata") {
            Some(raw) => serde_json::from_str(raw.get())?,
            None => BTreeMap::new(),
        };
        if metadata.remove("managedFields").is_none() {
            return Ok(Self(text.into()));
        }
        let metadata = serde_json::value::to_raw_value(&metadata)?;
        top.insert("metadata".to_owned(), &metadata);
        serde_json::to_string(&top).map(|text| Self(text.into_boxed_str()))
    }

    /// The object as a tree, with `apiVersion` and `kind` set (items of a list come without).
    pub(super) fn to_value(&self, kind: &str) -> Map<String, Value> {
        let value = serde_json::from_str(&self.0).expect("invariant: the text was parsed when it came in");
        let Value::Object(mut object) = value else {
            unreachable!("invariant: only JSON objects deserialise into a view")
        };
        object.insert("apiVersion".to_owned(), "apps/v1".into());
        object.insert("kind".to_owned(), kind.into());
        object
    }

    /// Whether both have the same `spec`, byte for byte; the API server writes equal specs alike.
    pub(crate) fn has_spec_of(&self, other: &Self) -> bool {
        #[derive(Deserialize)]
        struct Object<'a> {
            #[serde(borrow)]
            spec: Option<&'a RawValue>,
        }
        let spec = |raw: &'_ Self| {
            serde_json::from_str::<Object<'_>>(&raw.0)
                .ok()
                .and_then(|o| o.spec.map(|spec| spec.get().to_owned()))
        };
        spec(self) == spec(other)
    }

    /// `spec.template` as a tree.
    pub(super) fn template(&self) -> Value {
        #[derive(Deserialize)]
        struct Object {
            spec: Spec,
        }
        #[derive(Deserialize)]
        struct Spec {
            #[serde(default)]
            template: Value,
        }
        serde_json::from_str::<Object>(&self.0).map_or(Value::Null, |object| object.spec.template)
    }
}

impl fmt::Debug for RawObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawObject({} bytes)", self.0.len())
    }
}

/// The object under `key`, made if it is not there.
pub(super) fn object_at<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let child = parent.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    child.as_object_mut().expect("invariant: just made an object")
}

/// Sets annotations, leaving the others alone.
pub(super) fn set_annotations(object: &mut Map<String, Value>, annotations: &Annotations) {
    if annotations.is_empty() {
        return;
    }
    let all = object_at(object_at(object, "metadata"), "annotations");
    for (key, value) in annotations {
        all.insert(key.clone(), value.as_str().into());
    }
}

/// Writes a field the way the API server does: fields that are empty are left out.
pub(super) fn put<T: Serialize>(object: &mut Map<String, Value>, key: &str, value: Option<T>) {
    match value {
        Some(value) => {
            let value = serde_json::to_value(value).expect("invariant: numbers and lists serialise");
            object.insert(key.to_owned(), value);
        }
        None => {
            object.remove(key);
        }
    }
}

/// `None` for zero, which the API leaves out.
pub(super) fn non_zero<T: PartialEq + Default>(number: T) -> Option<T> {
    (number != T::default()).then_some(number)
}
