//! `tracestate`: passed on as it came, once it is known to be of the form.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Members that W3C allows at most.
const MAX_MEMBERS: usize = 32;
/// Bytes that every vendor passes on at least, and we at most.
const MAX_LENGTH: usize = 512;

/// A non-empty `tracestate` of the right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracestate(Box<str>);

impl Tracestate {
    /// The list as it stands in a header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tracestate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a `tracestate`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracestateError {
    /// No member: an empty `tracestate` is never passed on.
    #[error("a tracestate has at least one member")]
    Empty,
    /// Longer than 512 bytes.
    #[error("a tracestate has at most {MAX_LENGTH} bytes, this has {0}")]
    Length(usize),
    /// More than 32 members.
    #[error("a tracestate has at most {MAX_MEMBERS} members")]
    Members,
    /// A member is not `key=value` in the allowed characters, or its key stands twice.
    #[error("member {0} of the tracestate is not a key=value of the allowed characters, or stands twice")]
    Member(usize),
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let starts_well = key.as_bytes().first().is_some_and(|first| matches!(first, b'a'..=b'z' | b'0'..=b'9'));
    starts_well && key.len() <= 256 && key.bytes().all(allowed) && key.matches('@').count() <= 1
}

fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, 0x20..=0x2b | 0x2d..=0x3c | 0x3e..=0x7e);
    !value.is_empty() && value.len() <= 256 && value.bytes().all(allowed) && !value.ends_with(' ')
}

impl FromStr for Tracestate {
    type Err = TracestateError;

    fn from_str(text: &str) -> Result<Self, TracestateError> {
        if text.len() > MAX_LENGTH {
            return Err(TracestateError::Length(text.len()));
        }
        let mut keys: Vec<&str> = Vec::new();
        for (index, member) in text.split(',').enumerate() {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=').ok_or(TracestateError::Member(index))?;
            if !is_key(key) || !is_value(value) || keys.contains(&key) {
                return Err(TracestateError::Member(index));
            }
            keys.push(key);
        }
        match keys.len() {
            0 => Err(TracestateError::Empty),
            1..=MAX_MEMBERS => Ok(Self(text.trim_matches([' ', '\t']).into())),
            _ => Err(TracestateError::Members),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_members_is_kept_as_it_came() {
        let text = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,tenant@vendor=x";
        assert_eq!(text.parse::<Tracestate>().expect("valid").as_str(), text);
    }

    #[test]
    fn nothing_empty_forged_or_doubled_is_passed_on() {
        for bad in ["", ",", "a", "a=1,a=2", "A=1", "a=\u{1b}[31m", "a=b\nc", "a=ä", "=1", "a="] {
            assert!(bad.parse::<Tracestate>().is_err(), "{bad:?}");
        }
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        assert_eq!(many.join(",").parse::<Tracestate>(), Err(TracestateError::Members));
        assert_eq!("a=".to_owned().repeat(300).parse::<Tracestate>(), Err(TracestateError::Length(600)));
    }
}
