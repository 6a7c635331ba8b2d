//! Kubernetes protobuf, read only: kubectl's `create` commands and Go controllers send it and do not fall back.
//!
//! The field numbers are in `fields.txt`, made by `tools/protobuf_fields.py` from the Go types:
//!
//! ```text
//! kind GROUP/VERSION/KIND TYPE
//! TYPE NUMBER=NAME:SHAPE | NUMBER^:SHAPE ...     (^: the fields of the struct are part of this one)
//!   SHAPE  s text, n number, b bool, x bytes, t time, u time with microseconds, d duration, q quantity,
//!          i int-or-string, r raw JSON, @T message, [SHAPE list, <SHAPE map from text
//! ```

mod table;
mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) use table::{Shape, named_fields};
use table::{message, type_of_kind};
use wire::{Reader, Wire};

/// The media type of Kubernetes protobuf.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// The four bytes that every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Why a body cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// The table has no such kind.
    UnknownKind(String),
    /// The bytes are not what they claim to be.
    Malformed(&'static str),
}

impl From<wire::Malformed> for DecodeError {
    fn from(error: wire::Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

/// Whether the table has this kind.
pub(crate) fn knows(api_version: &str, kind: &str) -> bool {
    type_of_kind(api_version, kind).is_some()
}

/// The name of the type of a kind's objects.
pub(crate) fn type_name(api_version: &str, kind: &str) -> Option<&'static str> {
    type_of_kind(api_version, kind)
}

/// Decodes a body into the JSON form of the same object.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    let envelope = bytes.strip_prefix(MAGIC).ok_or(DecodeError::Malformed("the prefix k8s\\0 is missing"))?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    let mut reader = Reader::new(envelope);
    while let Some((number, value)) = reader.field()? {
        match (number, value) {
            (1, Wire::Bytes(type_meta)) => {
                let mut reader = Reader::new(type_meta);
                while let Some((number, value)) = reader.field()? {
                    match (number, value) {
                        (1, Wire::Bytes(text)) => api_version = utf8(text)?.to_owned(),
                        (2, Wire::Bytes(text)) => kind = utf8(text)?.to_owned(),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            (3, Wire::Bytes(encoding)) if !encoding.is_empty() => {
                return Err(DecodeError::Malformed("an encoding inside the envelope is not supported"));
            }
            _ => {}
        }
    }
    let name = type_of_kind(&api_version, &kind)
        .ok_or_else(|| DecodeError::UnknownKind(format!("{api_version} {kind}")))?;
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    read_message(name, raw, &mut object)?;
    Ok(Value::Object(object))
}

fn read_message(name: &str, bytes: &[u8], object: &mut Map<String, Value>) -> Result<(), DecodeError> {
    let fields = message(name).ok_or(DecodeError::Malformed("a type is missing in the table"))?;
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        // Fields of a newer version are skipped, as Go does.
        let Some(field) = fields.get(&number) else { continue };
        match (&field.name, &field.shape) {
            (None, Shape::Message(inner)) => {
                let Wire::Bytes(bytes) = value else { return Err(wrong_type()) };
                read_message(inner, bytes, object)?;
            }
            (None, _) => return Err(DecodeError::Malformed("only messages are inlined")),
            (Some(name), Shape::List(element)) => {
                let list = object.entry(*name).or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    read_element(element, value, list)?;
                }
            }
            (Some(name), Shape::Map(element)) => {
                let map = object.entry(*name).or_insert_with(|| json!({}));
                if let Some(map) = map.as_object_mut() {
                    let (key, item) = read_entry(element, value)?;
                    map.insert(key, item);
                }
            }
            (Some(name), shape) => {
                object.insert((*name).to_owned(), read_value(shape, value)?);
            }
        }
    }
    Ok(())
}

/// One element of a list, or all of them where numbers are packed.
fn read_element(shape: &Shape, value: Wire<'_>, list: &mut Vec<Value>) -> Result<(), DecodeError> {
    match (shape, value) {
        (Shape::Number | Shape::Bool, Wire::Bytes(packed)) => {
            let mut reader = Reader::new(packed);
            while !reader.is_empty() {
                let number = reader.varint()?;
                list.push(read_value(shape, Wire::Varint(number))?);
            }
        }
        (shape, value) => list.push(read_value(shape, value)?),
    }
    Ok(())
}

fn read_entry(shape: &Shape, value: Wire<'_>) -> Result<(String, Value), DecodeError> {
    let Wire::Bytes(bytes) = value else { return Err(wrong_type()) };
    let (mut key, mut item) = (String::new(), None);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        match (number, value) {
            (1, Wire::Bytes(text)) => key = utf8(text)?.to_owned(),
            (2, value) => item = Some(read_value(shape, value)?),
            _ => {}
        }
    }
    let item = match item {
        Some(item) => item,
        None => read_value(shape, Wire::Bytes(&[]))?,
    };
    Ok((key, item))
}

fn read_value(shape: &Shape, value: Wire<'_>) -> Result<Value, DecodeError> {
    Ok(match (shape, value) {
        (Shape::Number, Wire::Varint(bits)) => json!(bits.cast_signed()),
        (Shape::Bool, Wire::Varint(bits)) => json!(bits != 0),
        (Shape::Text, Wire::Bytes(bytes)) => json!(utf8(bytes)?),
        (Shape::Bytes, Wire::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        (Shape::Time, Wire::Bytes(bytes)) => time(bytes, false)?,
        (Shape::MicroTime, Wire::Bytes(bytes)) => time(bytes, true)?,
        (Shape::Quantity, Wire::Bytes(bytes)) => json!(utf8(only_bytes(bytes, 1)?)?),
        (Shape::Raw, Wire::Bytes(bytes)) => match only_bytes(bytes, 1)? {
            [] => Value::Null,
            raw => serde_json::from_slice(raw).map_err(|_| DecodeError::Malformed("raw JSON is not JSON"))?,
        },
        (Shape::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (Shape::Message(name), Wire::Bytes(bytes)) => {
            let mut object = Map::new();
            read_message(name, bytes, &mut object)?;
            Value::Object(object)
        }
        _ => return Err(wrong_type()),
    })
}

fn time(bytes: &[u8], micros: bool) -> Result<Value, DecodeError> {
    let (mut seconds, mut nanos) = (0, 0);
    // No bytes at all is the zero time, which JSON writes as null.
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        match (number, value) {
            (1, Wire::Varint(bits)) => seconds = bits.cast_signed(),
            (2, Wire::Varint(bits)) => nanos = i32::try_from(bits.cast_signed()).unwrap_or_default(),
            _ => {}
        }
    }
    let time =
        Timestamp::new(seconds, nanos).map_err(|_| DecodeError::Malformed("a time is out of range"))?;
    let format = if micros { "%Y-%m-%dT%H:%M:%S.%6fZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
    Ok(json!(time.strftime(format).to_string()))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, DecodeError> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    let mut reader = Reader::new(bytes);
    while let Some((field, value)) = reader.field()? {
        match (field, value) {
            (1, Wire::Varint(kind)) => is_text = kind == 1,
            (2, Wire::Varint(bits)) => number = bits.cast_signed(),
            (3, Wire::Bytes(bytes)) => text = utf8(bytes)?.to_owned(),
            _ => {}
        }
    }
    Ok(if is_text { json!(text) } else { json!(number) })
}

/// The bytes of the one field that a message has.
fn only_bytes(bytes: &[u8], wanted: u32) -> Result<&[u8], DecodeError> {
    let mut found = &[][..];
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        if let (true, Wire::Bytes(bytes)) = (number == wanted, value) {
            found = bytes;
        }
    }
    Ok(found)
}

fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed("text is not UTF-8"))
}

fn wrong_type() -> DecodeError {
    DecodeError::Malformed("a field has another wire type than its kind says")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![(number << 3) | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &type_meta), field(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let entry = [field(1, b"key"), field(2, b"value")].concat();
        let raw = [field(1, &field(1, b"settings")), field(2, &entry)].concat();
        assert_eq!(
            decode(&body("v1", "ConfigMap", &raw)).unwrap(),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"key": "value"}})
        );
    }

    #[test]
    fn a_volume_source_is_part_of_its_volume() {
        let empty_dir = field(2, &field(2, &[]));
        let volume = [field(1, b"tmp"), empty_dir].concat();
        let raw = field(2, &field(1, &volume));
        let pod = decode(&body("v1", "Pod", &raw)).unwrap();
        assert_eq!(pod["spec"]["volumes"], json!([{"name": "tmp", "emptyDir": {}}]));
    }

    #[test]
    fn delete_options_are_read_in_every_group() {
        let raw = [0x08, 0x05];
        assert_eq!(decode(&body("apps/v1", "DeleteOptions", &raw)).unwrap()["gracePeriodSeconds"], 5);
    }

    #[test]
    fn broken_bytes_are_errors() {
        for bytes in
            [&b""[..], b"k8s", b"k8s\0\x0a\xff", b"k8s\0\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"]
        {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
        assert!(matches!(decode(&body("v1", "Unknown", &[])), Err(DecodeError::UnknownKind(_))));
        let whole = body("v1", "ConfigMap", &field(1, &field(1, b"settings")));
        for end in 0..whole.len() {
            // Never a panic; a shorter body may still be a valid one.
            let _ = decode(&whole[..end]);
        }
    }
}
