//! The scan: top-level `kind` and `metadata` of an object, and where the annotations stand.

use std::{borrow::Cow, ops::Range};

use super::SpliceError;

/// Where a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is missing; the position after the brace that would hold it, and whether other members follow there.
    Absent { insert_at: usize, others: bool },
    /// It is null.
    Null(Range<usize>),
    /// It is an object, from brace to brace.
    Object(Range<usize>),
}

/// What the scan finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scanned<'a> {
    pub(crate) kind: Option<Cow<'a, str>>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) generate_name: Option<Cow<'a, str>>,
    pub(crate) uid: Option<Cow<'a, str>>,
    pub(crate) resource_version: Option<Cow<'a, str>>,
    pub(crate) metadata: Place,
    /// Below `metadata` where that is an object; otherwise as `metadata`.
    pub(crate) annotations: Place,
}

/// Scans the JSON of one object. Members that it does not look for are skipped without being checked: that is
/// the API server's part.
pub(crate) fn scan(body: &[u8]) -> Result<Scanned<'_>, SpliceError> {
    let mut cursor = Cursor { body, at: 0 };
    let (mut kind, mut metadata, mut inner) = (None, None, Inner::default());
    let start = cursor.space();
    let others = cursor.members(|cursor, key| match &*key.text()? {
        "kind" => once(&mut kind, cursor.value()?),
        "metadata" => {
            let value = cursor.space();
            let place = if cursor.peek() == Some(b'{') {
                inner = Inner::read(cursor)?;
                Place::Object(value..cursor.at)
            } else {
                cursor.null()?
            };
            once(&mut metadata, place)
        }
        _ => cursor.skip(),
    })?;
    cursor.space();
    if cursor.at != body.len() {
        return Err(SpliceError::Form);
    }
    let metadata = metadata.unwrap_or(Place::Absent { insert_at: start + 1, others });
    let annotations = inner.annotations.unwrap_or_else(|| match &metadata {
        Place::Object(range) => Place::Absent { insert_at: range.start + 1, others: inner.others },
        other => other.clone(),
    });
    let text = |range: Option<Range<usize>>| {
        range.map(|range| string(&body[range])).transpose().map(Option::flatten)
    };
    Ok(Scanned {
        kind: text(kind)?,
        name: text(inner.name)?,
        generate_name: text(inner.generate_name)?,
        uid: text(inner.uid)?,
        resource_version: text(inner.resource_version)?,
        metadata,
        annotations,
    })
}

#[derive(Default)]
struct Inner {
    name: Option<Range<usize>>,
    generate_name: Option<Range<usize>>,
    uid: Option<Range<usize>>,
    resource_version: Option<Range<usize>>,
    annotations: Option<Place>,
    others: bool,
}

impl Inner {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, SpliceError> {
        let mut inner = Self::default();
        inner.others = cursor.members(|cursor, key| match &*key.text()? {
            "name" => once(&mut inner.name, cursor.value()?),
            "generateName" => once(&mut inner.generate_name, cursor.value()?),
            "uid" => once(&mut inner.uid, cursor.value()?),
            "resourceVersion" => once(&mut inner.resource_version, cursor.value()?),
            "annotations" => {
                let start = cursor.space();
                let place = if cursor.peek() == Some(b'{') {
                    cursor.skip()?;
                    Place::Object(start..cursor.at)
                } else {
                    cursor.null()?
                };
                once(&mut inner.annotations, place)
            }
            _ => cursor.skip(),
        })?;
        Ok(inner)
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), SpliceError> {
    if slot.replace(value).is_some() { Err(SpliceError::Duplicate) } else { Ok(()) }
}

/// The text of a JSON string; `None` for null and an empty string, which mean absent here.
fn string(raw: &[u8]) -> Result<Option<Cow<'_, str>>, SpliceError> {
    if raw == b"null" {
        return Ok(None);
    }
    Ok(Some(Key { raw }.text()?).filter(|text| !text.is_empty()))
}

/// A string with its quotes, as it stands in the body.
pub(super) struct Key<'a> {
    raw: &'a [u8],
}

impl<'a> Key<'a> {
    /// The text, with escapes resolved.
    pub(super) fn text(&self) -> Result<Cow<'a, str>, SpliceError> {
        let inside =
            self.raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")).ok_or(SpliceError::Form)?;
        if inside.contains(&b'\\') {
            return serde_json::from_slice(self.raw).map(Cow::Owned).map_err(|_| SpliceError::Form);
        }
        std::str::from_utf8(inside).map(Cow::Borrowed).map_err(|_| SpliceError::Form)
    }
}

/// What a byte means outside of strings.
const PLAIN: u8 = 0;
const QUOTE: u8 = 1;
const OPEN: u8 = 2;
const CLOSE: u8 = 3;
const CLASS: [u8; 256] = {
    let mut class = [PLAIN; 256];
    class[b'"' as usize] = QUOTE;
    class[b'{' as usize] = OPEN;
    class[b'[' as usize] = OPEN;
    class[b'}' as usize] = CLOSE;
    class[b']' as usize] = CLOSE;
    class
};

pub(super) struct Cursor<'a> {
    pub(super) body: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    /// Skips white space and tells where the next thing begins.
    pub(super) fn space(&mut self) -> usize {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self.at
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), SpliceError> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(SpliceError::Form);
        }
        self.at += 1;
        Ok(())
    }

    /// Walks over the members of an object: `each` gets the key, and has to pass the value. Tells whether there was any.
    pub(super) fn members(
        &mut self,
        mut each: impl FnMut(&mut Self, Key<'a>) -> Result<(), SpliceError>,
    ) -> Result<bool, SpliceError> {
        self.expect(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(false);
        }
        loop {
            let start = self.space();
            self.string()?;
            let key = Key { raw: &self.body[start..self.at] };
            self.expect(b':')?;
            each(self, key)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(true);
                }
                _ => return Err(SpliceError::Form),
            }
        }
    }

    /// Passes a value and tells where it stands.
    pub(super) fn value(&mut self) -> Result<Range<usize>, SpliceError> {
        let start = self.space();
        self.skip()?;
        Ok(start..self.at)
    }

    fn null(&mut self) -> Result<Place, SpliceError> {
        let range = self.value()?;
        if &self.body[range.clone()] == b"null" { Ok(Place::Null(range)) } else { Err(SpliceError::Form) }
    }

    /// Passes a string; the cursor stands at its first quote.
    fn string(&mut self) -> Result<(), SpliceError> {
        if self.peek() != Some(b'"') {
            return Err(SpliceError::Form);
        }
        let mut at = self.at + 1;
        loop {
            match self.body.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => return Err(SpliceError::Form),
            }
        }
        self.at = at + 1;
        Ok(())
    }

    /// Passes a value.
    pub(super) fn skip(&mut self) -> Result<(), SpliceError> {
        self.space();
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => self.nested(),
            Some(_) => {
                let start = self.at;
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                    self.at += 1;
                }
                if self.at == start { Err(SpliceError::Form) } else { Ok(()) }
            }
            None => Err(SpliceError::Form),
        }
    }

    /// Passes a list or an object: counts brackets outside of strings.
    fn nested(&mut self) -> Result<(), SpliceError> {
        let mut depth = 0_usize;
        loop {
            let rest = &self.body[self.at..];
            let next =
                rest.iter().position(|byte| CLASS[usize::from(*byte)] != PLAIN).ok_or(SpliceError::Form)?;
            self.at += next;
            match CLASS[usize::from(self.body[self.at])] {
                QUOTE => self.string()?,
                OPEN => {
                    depth += 1;
                    self.at += 1;
                }
                _ => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }
}
