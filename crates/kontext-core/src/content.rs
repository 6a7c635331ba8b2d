//! What an object is made of, as hashes: enough to tell whether a write changes anything, and what.
//!
//! The hash of a JSON value (so that other languages can compute it):
//!
//! - FNV-1a, 64 bits, over a tag byte and the value: `b0`/`b1` for booleans, `i` and the decimal digits for
//!   numbers without fraction, `f` and the eight bytes (big endian) of other numbers, `s` and the UTF-8 bytes of strings;
//! - a list: tag `l`, then the eight bytes (big endian) of each element's hash;
//! - an object: tag `m`, then the eight bytes of the wrapping sum, over all members that are not null, of the
//!   FNV-1a of tag `k`, the member's name, a zero byte and the eight bytes of its value's hash. So the order of
//!   members does not matter, and null is the same as absent.
//!
//! [`content_hash`] is the FNV-1a of four such sums in this order: members of the object other than `apiVersion`,
//! `kind`, `metadata` and `status`; annotations that carry no context; labels (these as a hash of the whole object,
//! 0 where there are none); and the members of metadata that
//! somebody wants (owner references, finalizers, …), empty ones left out.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What is known of one version of an object: its identity, hashes of its parts, and the context it bears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// `metadata.uid`.
    pub uid: Option<Box<str>>,
    /// `metadata.resourceVersion`.
    pub resource_version: Option<Box<str>>,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `kind`, where the text has it; items of lists do not.
    pub kind: Option<Box<str>>,
    /// Spec and all other members beside metadata and status.
    pub spec: u64,
    /// Annotations, those of [`context`](Self::context) left out.
    pub annotations: u64,
    /// Labels.
    pub labels: u64,
    /// Owner references, finalizers and what else of metadata is not bookkeeping.
    pub metadata: u64,
    /// Bytes of all annotations, keys and values.
    pub annotation_bytes: usize,
    /// The annotations that carry context, by us or by others, sorted by key.
    pub context: Vec<(Box<str>, Box<str>)>,
}

impl Fingerprint {
    /// The fingerprint of an object's JSON, read without building a tree.
    ///
    /// # Errors
    ///
    /// Where the text is not the JSON of an object.
    pub fn of_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The fingerprint of an object.
    ///
    /// # Errors
    ///
    /// Where the value is not an object, or its metadata is not of the form.
    pub fn of_value(object: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(object)
    }

    /// The hash of everything that is content.
    pub fn content(&self) -> u64 {
        [self.spec, self.annotations, self.labels, self.metadata]
            .iter()
            .fold(Fnv::new(b'o'), |hash, part| hash.bytes(&part.to_be_bytes()))
            .0
    }

    /// Whether both have the same content, whatever context they bear.
    pub fn same_content(&self, other: &Self) -> bool {
        (self.spec, self.annotations, self.labels, self.metadata)
            == (other.spec, other.annotations, other.labels, other.metadata)
    }
}

/// The hash of an object's content, by which the stamp of a kind without generation knows what it explains:
/// without status, bookkeeping and the annotations that carry context. 0 for what is no object.
pub fn content_hash(object: &Value) -> u64 {
    Fingerprint::of_value(object).map_or(0, |fingerprint| fingerprint.content())
}

/// Whether an annotation carries context and is no content, under whichever prefix.
fn is_context(key: &str) -> bool {
    key == "kontext.dev/cause"
        || ["traceparent", "tracestate", "baggage"].iter().any(|end| key.ends_with(end))
}

/// Members of metadata that the server fills in, or that name the object: no content.
fn is_bookkeeping(name: &str) -> bool {
    matches!(
        name,
        "name"
            | "generateName"
            | "namespace"
            | "creationTimestamp"
            | "deletionTimestamp"
            | "deletionGracePeriodSeconds"
            | "managedFields"
            | "selfLink"
    )
}

#[derive(Clone, Copy)]
struct Fnv(u64);

impl Fnv {
    fn new(tag: u8) -> Self {
        Self(0xcbf2_9ce4_8422_2325).bytes(&[tag])
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
    }
}

fn member(name: &str, value: u64) -> u64 {
    Fnv::new(b'k').bytes(name.as_bytes()).bytes(&[0]).bytes(&value.to_be_bytes()).0
}

/// The hash of any JSON value; `None` for null.
struct Hashed {
    hash: Option<u64>,
    empty: bool,
}

impl<'de> Deserialize<'de> for Hashed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HashVisitor)
    }
}

struct HashVisitor;

fn scalar(hash: Fnv) -> Hashed {
    Hashed { hash: Some(hash.0), empty: false }
}

impl<'de> Visitor<'de> for HashVisitor {
    type Value = Hashed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Hashed, E> {
        Ok(Hashed { hash: None, empty: true })
    }

    fn visit_bool<E>(self, value: bool) -> Result<Hashed, E> {
        Ok(scalar(Fnv::new(b'b').bytes(if value { b"1" } else { b"0" })))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Hashed, E> {
        Ok(scalar(Fnv::new(b'i').bytes(value.to_string().as_bytes())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Hashed, E> {
        Ok(scalar(Fnv::new(b'i').bytes(value.to_string().as_bytes())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Hashed, E> {
        // Every whole number up to 2^53 is exact in a double, and 1.0 is the same value as 1.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
            return self.visit_i64(value as i64);
        }
        Ok(scalar(Fnv::new(b'f').bytes(&value.to_be_bytes())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Hashed, E> {
        Ok(scalar(Fnv::new(b's').bytes(value.as_bytes())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Hashed, A::Error> {
        let (mut hash, mut empty) = (Fnv::new(b'l'), true);
        while let Some(element) = list.next_element::<Hashed>()? {
            hash = hash.bytes(&element.hash.unwrap_or(0).to_be_bytes());
            empty = false;
        }
        Ok(Hashed { hash: Some(hash.0), empty })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hashed, A::Error> {
        let (mut sum, mut empty) = (0_u64, true);
        while let Some(Text(name)) = map.next_key()? {
            if let Some(value) = map.next_value::<Hashed>()?.hash {
                sum = sum.wrapping_add(member(&name, value));
                empty = false;
            }
        }
        Ok(Hashed { hash: Some(Fnv::new(b'm').bytes(&sum.to_be_bytes()).0), empty })
    }
}

/// A string, borrowed where the text allows it.
struct Text<'a>(std::borrow::Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Fingerprint;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fingerprint, A::Error> {
                let mut found = Fingerprint::default();
                while let Some(Text(name)) = object.next_key()? {
                    match &*name {
                        "metadata" => object.next_value_seed(Metadata(&mut found))?,
                        "kind" => found.kind = object.next_value()?,
                        "apiVersion" | "status" => drop(object.next_value::<IgnoredAny>()?),
                        _ => {
                            if let Some(value) = object.next_value::<Hashed>()?.hash {
                                found.spec = found.spec.wrapping_add(member(&name, value));
                            }
                        }
                    }
                }
                found.context.sort_unstable();
                Ok(found)
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct Metadata<'a>(&'a mut Fingerprint);

impl<'de> serde::de::DeserializeSeed<'de> for Metadata<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Metadata<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metadata")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut metadata: A) -> Result<(), A::Error> {
        let found = self.0;
        while let Some(Text(name)) = metadata.next_key()? {
            match &*name {
                "uid" => found.uid = metadata.next_value()?,
                "resourceVersion" => found.resource_version = metadata.next_value()?,
                "generation" => found.generation = metadata.next_value()?,
                "annotations" => metadata.next_value_seed(AnnotationsOf(found))?,
                "labels" => {
                    let labels = metadata.next_value::<Hashed>()?;
                    found.labels = labels.hash.filter(|_| !labels.empty).unwrap_or(0);
                }
                name if is_bookkeeping(name) => drop(metadata.next_value::<IgnoredAny>()?),
                _ => {
                    let value = metadata.next_value::<Hashed>()?;
                    // The server stores no empty list of finalizers or owner references.
                    if let Some(hash) = value.hash.filter(|_| !value.empty) {
                        found.metadata = found.metadata.wrapping_add(member(&name, hash));
                    }
                }
            }
        }
        Ok(())
    }
}

struct AnnotationsOf<'a>(&'a mut Fingerprint);

impl<'de> serde::de::DeserializeSeed<'de> for AnnotationsOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnnotationsOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut annotations: A) -> Result<(), A::Error> {
        let found = self.0;
        while let Some(Text(key)) = annotations.next_key()? {
            // The server stores an annotation that is null as an empty one.
            let value =
                annotations.next_value::<Option<Text<'de>>>()?.map_or_else(Default::default, |text| text.0);
            found.annotation_bytes += key.len() + value.len();
            if is_context(&key) {
                found.context.push((key.into(), value.into()));
            } else {
                found.annotations =
                    found.annotations.wrapping_add(member(&key, Fnv::new(b's').bytes(value.as_bytes()).0));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn configuration() -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "2"},
            "metadata": {"name": "c", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"note": "x"}}})
    }

    #[test]
    fn the_hash_is_the_same_in_every_language() {
        assert_eq!(format!("{:016x}", content_hash(&configuration())), "622e0931770a7007");
    }

    #[test]
    fn order_bookkeeping_status_and_context_are_no_content() {
        let stored = r#"{"status": {"phase": "Active"}, "data": {"b": "2", "a": "1"}, "metadata": {
            "annotations": {"note": "x", "tracing.k8s.io/traceparent": "00-…", "kontext.dev/cause": "{}"},
            "labels": {"app": "web"}, "uid": "u", "resourceVersion": "7", "creationTimestamp": null, "name": "c",
            "finalizers": [], "managedFields": [{"manager": "kubectl"}]}}"#;
        let found = Fingerprint::of_json(stored).expect("an object");
        assert_eq!(found.content(), content_hash(&configuration()));
        assert_eq!((found.uid.as_deref(), found.resource_version.as_deref()), (Some("u"), Some("7")));
        let keys: Vec<&str> = found.context.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["kontext.dev/cause", "tracing.k8s.io/traceparent"]);
    }

    #[test]
    fn every_part_of_the_content_counts() {
        for (pointer, changed) in [
            ("/data", json!({"a": "1"})),
            ("/data/a", json!(1)),
            ("/metadata/labels/app", json!("db")),
            ("/metadata/annotations/note", json!("y")),
        ] {
            let mut object = configuration();
            *object.pointer_mut(pointer).expect("there") = changed;
            assert_ne!(content_hash(&object), content_hash(&configuration()), "{pointer}");
        }
        let mut owned = configuration();
        owned["metadata"]["ownerReferences"] = json!([{"uid": "o"}]);
        assert_ne!(content_hash(&owned), content_hash(&configuration()));
    }

    #[test]
    fn null_is_absent_and_whole_doubles_are_integers() {
        let hash = |value: Value| content_hash(&json!({"spec": value}));
        assert_eq!(hash(json!({"a": null, "b": 1.0})), hash(json!({"b": 1})));
        assert_ne!(hash(json!({"b": 1.5})), hash(json!({"b": 1})));
        assert_ne!(hash(json!(["a", "b"])), hash(json!(["b", "a"])));
        assert_ne!(hash(json!({"emptyDir": {}})), hash(json!({})));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for bad in ["[]", "7", "{", r#"{"metadata": 7}"#, r#"{"metadata": {"annotations": ["x"]}}"#] {
            assert!(Fingerprint::of_json(bad).is_err(), "{bad}");
        }
        assert_eq!(content_hash(&json!([])), 0);
    }
}
