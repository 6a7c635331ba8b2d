//! W3C baggage: key and value pairs that travel with a context. Only what the policy allows by name passes,
//! inwards and outwards.

use std::{collections::BTreeSet, fmt};

/// Bytes of a baggage header that W3C has every party pass on.
const MAX_BYTES: usize = 8192;
/// Members of a baggage header likewise.
const MAX_MEMBERS: usize = 64;

/// Allowed baggage; values are kept percent-encoded, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage(Vec<(Box<str>, Box<str>)>);

fn is_token(key: &str) -> bool {
    let separators = |byte: u8| b"\"(),/:;<=>?@[\\]{}".contains(&byte);
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic() && !separators(byte))
}

fn is_encoded(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}

impl Baggage {
    /// The members of a `baggage` header or annotation whose keys are in `allowed`; properties are dropped.
    ///
    /// Members of the wrong form are left out, and counted in the second value together with those beyond the
    /// limits of W3C. Keys that are not allowed are none of our business and not counted.
    pub fn parse(text: &str, allowed: &BTreeSet<Box<str>>) -> (Self, u32) {
        if text.len() > MAX_BYTES {
            return (Self::default(), 1);
        }
        let (mut kept, mut refused) = (Self::default(), 0);
        for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|m| !m.is_empty())
        {
            let member = member.split(';').next().unwrap_or_default();
            match member.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some((key, value)) if is_token(key) && is_encoded(value) => {
                    if allowed.contains(key) {
                        refused += u32::from(!kept.insert(key, value));
                    }
                }
                _ => refused += 1,
            }
        }
        (kept, refused)
    }

    /// Adds or replaces a member; `value` is percent-encoded. `false` where the form or the limits forbid it.
    pub fn insert(&mut self, key: &str, value: &str) -> bool {
        let bytes: usize = self.0.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
        if !is_token(key) || !is_encoded(value) || bytes + key.len() + value.len() + 1 > MAX_BYTES {
            return false;
        }
        match self.0.iter().position(|(known, _)| **known == *key) {
            Some(at) => self.0[at].1 = value.into(),
            None if self.0.len() == MAX_MEMBERS => return false,
            None => self.0.push((key.into(), value.into())),
        }
        true
    }

    /// The percent-encoded value of a member.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| **known == *key).map(|(_, value)| &**value)
    }

    /// Whether there is nothing to pass on; an empty header is never sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members whose keys are in `allowed`.
    #[must_use]
    pub fn allowed(&self, allowed: &BTreeSet<Box<str>>) -> Self {
        Self(self.0.iter().filter(|(key, _)| allowed.contains(key)).cloned().collect())
    }
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> BTreeSet<Box<str>> {
        ["team", "change"].into_iter().map(Into::into).collect()
    }

    #[test]
    fn only_allowed_members_pass() {
        let (baggage, refused) = Baggage::parse("team=web; p=1 , secret=x,change=CHG%2D1", &allowed());
        assert_eq!((baggage.to_string().as_str(), refused), ("team=web,change=CHG%2D1", 0));
        assert_eq!(baggage.value("secret"), None);
    }

    #[test]
    fn broken_members_are_counted_and_left_out() {
        let (baggage, refused) = Baggage::parse("team=a\u{1b}b,change=1 2,te am=1,x", &allowed());
        assert!(baggage.is_empty());
        assert_eq!(refused, 4);
        assert_eq!(Baggage::parse(&"a".repeat(9000), &allowed()).1, 1);
    }
}
