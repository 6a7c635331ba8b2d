//! The edit: sets and removes members of the annotations.

use std::ops::Range;

use super::{
    Place, Scanned, SpliceError,
    scan::{Cursor, Key},
};

/// What to do with one annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit<'a> {
    /// Give it this value.
    Set(&'a str),
    /// Leave it out.
    Remove,
    /// Have a merge patch remove it.
    Null,
}

/// `body` with the annotations edited; `scanned` is its scan. Keys that are not in `edits` keep their bytes.
pub(crate) fn splice(
    body: &[u8],
    scanned: &Scanned<'_>,
    edits: &[(&str, Edit<'_>)],
) -> Result<Vec<u8>, SpliceError> {
    let members = members(edits);
    let mut out = Vec::with_capacity(body.len() + members.len() + 32);
    if let (Place::Absent { .. } | Place::Null(_), true) = (&scanned.annotations, members.is_empty()) {
        out.extend_from_slice(body);
        return Ok(out);
    }
    let in_metadata = matches!(scanned.metadata, Place::Object(_));
    let (before, after) =
        if in_metadata { (&b""[..], &b""[..]) } else { (&b"{\"annotations\":"[..], &b"}"[..]) };
    match &scanned.annotations {
        Place::Object(range) => {
            out.extend_from_slice(&body[..range.start]);
            rewrite(&body[range.clone()], edits, &members, &mut out)?;
            out.extend_from_slice(&body[range.end..]);
        }
        Place::Null(range) => {
            out.extend_from_slice(&body[..range.start]);
            [before, b"{", &members, b"}", after].iter().for_each(|part| out.extend_from_slice(part));
            out.extend_from_slice(&body[range.end..]);
        }
        Place::Absent { insert_at, others } => {
            let name: &[u8] = if in_metadata { b"\"annotations\":" } else { b"\"metadata\":" };
            let comma: &[u8] = if *others { b"," } else { b"" };
            out.extend_from_slice(&body[..*insert_at]);
            [name, before, b"{", &members, b"}", after, comma]
                .iter()
                .for_each(|part| out.extend_from_slice(part));
            out.extend_from_slice(&body[*insert_at..]);
        }
    }
    Ok(out)
}

/// The members to write, separated by commas.
fn members(edits: &[(&str, Edit<'_>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(768);
    for (key, edit) in edits {
        let value = match edit {
            Edit::Set(value) => Some(*value),
            Edit::Null => None,
            Edit::Remove => continue,
        };
        if !out.is_empty() {
            out.push(b',');
        }
        push_string(&mut out, key);
        out.push(b':');
        match value {
            Some(value) => push_string(&mut out, value),
            None => out.extend_from_slice(b"null"),
        }
    }
    out
}

/// Appends `text` as a JSON string.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is JSON, and a vector takes it");
}

/// Writes `object`, from brace to brace, with the edited keys left out and `members` in front.
fn rewrite(
    object: &[u8],
    edits: &[(&str, Edit<'_>)],
    members: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SpliceError> {
    let mut cursor = Cursor { body: object, at: 0 };
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut dropped = false;
    let mut start = 1;
    cursor.members(|cursor, key: Key<'_>| {
        cursor.skip()?;
        let text = key.text()?;
        if edits.iter().any(|(edited, _)| *edited == text) {
            dropped = true;
        } else {
            kept.push(start..cursor.at);
        }
        // The next member begins after the comma.
        cursor.space();
        start = cursor.at + 1;
        Ok(())
    })?;
    out.push(b'{');
    out.extend_from_slice(members);
    if !members.is_empty() && !kept.is_empty() {
        out.push(b',');
    }
    if dropped {
        for (index, range) in kept.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&object[range]);
        }
        out.push(b'}');
    } else {
        out.extend_from_slice(&object[1..]);
    }
    Ok(())
}
