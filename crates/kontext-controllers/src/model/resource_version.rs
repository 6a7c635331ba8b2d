use std::{cmp::Ordering, fmt};

use super::Text;

/// An object's resourceVersion, compared as Kubernetes 1.35 and later document: as a decimal number of any length.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResourceVersion(Text);

impl ResourceVersion {
    /// Wraps the text as the API server sent it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Text::from(text))
    }

    pub(crate) fn from_text(text: Text) -> Self {
        Self(text)
    }

    /// The text as the API server sent it; empty for an object that never was on a server.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Older or newer? `None` if one of both is not a decimal number without leading zeros, which a server of another
    /// making may well send: then nothing can be said.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        (decimal(a) && decimal(b)).then(|| a.len().cmp(&b.len()).then_with(|| a.cmp(b)))
    }
}

fn decimal(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'1'..=b'9')) && text.iter().all(u8::is_ascii_digit)
}

impl fmt::Debug for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rv:{}", self.0)
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers_and_garbage_does_not_compare() {
        let compare = |a: &str, b: &str| ResourceVersion::new(a).compare(&ResourceVersion::new(b));
        assert_eq!(compare("9", "10"), Some(Ordering::Less));
        assert_eq!(compare("11", "10"), Some(Ordering::Greater));
        assert_eq!(compare("10", "10"), Some(Ordering::Equal));
        assert_eq!(
            compare("340282366920938463463374607431768211456", "5"),
            Some(Ordering::Greater),
            "longer than any integer type"
        );
        for broken in ["", "0", "010", "1a", "-1"] {
            assert_eq!(compare(broken, "10"), None, "{broken:?}");
        }
    }
}
