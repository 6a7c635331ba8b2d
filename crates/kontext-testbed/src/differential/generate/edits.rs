//! Draws changes of an object.

use serde_json::{Value, json};

use super::super::resolve::segments;
use super::super::script::Edit;
use super::kinds::Kind;
use super::metadata;
use super::writer::Writer;

/// Draws one change: of a field of the kind mostly, of the metadata, or of something that is not to be changed.
pub(super) fn edit(writer: &mut Writer, kind: &Kind) -> Edit {
    let drawn = writer.dice.weighted(&[if kind.fields.is_empty() { 0 } else { 55 }, 30, 12, 8]);
    match drawn {
        0 => value(writer, &kind.fields),
        1 => value(writer, &metadata::common()),
        2 => {
            let places = metadata::strange(writer.frontier);
            value(writer, &places)
        }
        _ => removal(writer, kind),
    }
}

/// Draws several.
pub(super) fn edits(writer: &mut Writer, kind: &Kind, most: usize) -> Vec<Edit> {
    let count = writer.dice.below(most + 1);
    (0..count).map(|_| edit(writer, kind)).collect()
}

/// Draws a place and a value for it.
pub(super) fn value(writer: &mut Writer, places: &[(&'static str, Vec<Value>)]) -> Edit {
    let (at, values) = writer.dice.pick(places);
    Edit::Set((*at).to_owned(), writer.dice.pick(values).clone())
}

/// Takes away something that the template has, or that other edits may have put there.
fn removal(writer: &mut Writer, kind: &Kind) -> Edit {
    let mut places = vec![
        "/metadata/labels".to_owned(),
        "/metadata/annotations".to_owned(),
        "/metadata/finalizers".to_owned(),
        "/metadata/ownerReferences".to_owned(),
    ];
    if writer.frontier {
        places.extend(leaves(&kind.template, String::new()));
        places.extend(kind.fields.iter().map(|(at, _)| (*at).to_owned()));
    }
    Edit::Remove(writer.dice.pick(&places).clone())
}

/// JSON pointers to everything in a value but the value itself.
pub(super) fn leaves(value: &Value, at: String) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => return Vec::new(),
    };
    children
        .into_iter()
        .flat_map(|(key, value)| {
            let at = format!("{at}/{key}");
            std::iter::once(at.clone()).chain(leaves(value, at))
        })
        .collect()
}

/// The merge patch that makes a change; `None` for places inside of lists, which it cannot name.
pub(super) fn as_merge(edit: &Edit) -> Option<Value> {
    let (at, value) = match edit {
        Edit::Set(at, value) => (at, value.clone()),
        Edit::Remove(at) => (at, Value::Null),
    };
    let segments = segments(at);
    if segments.iter().any(|segment| segment.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    Some(segments.into_iter().rev().fold(value, |inner, key| json!({ key: inner })))
}
