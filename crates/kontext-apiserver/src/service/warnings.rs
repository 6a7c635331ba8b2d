//! What a client is told beside its answer: `Warning` headers.

use std::collections::HashSet;

use http::HeaderValue;
use parking_lot::Mutex;

/// From how many characters of warnings on each is cut, so that they fit into the headers that clients accept.
const ALL_TOGETHER: usize = 4 * 1024;

/// What is left of one warning when there are too many.
const EACH: usize = 256;

/// The warnings of one request, each once, in the order in which they arose.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    /// Adds a warning; an empty one, or one that was given before, says nothing.
    pub(crate) fn add(&self, text: impl Into<String>) {
        let text = text.into();
        let mut texts = self.0.lock();
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }

    /// The values of the headers: code 299, no agent, a quoted text.
    pub(crate) fn headers(&self) -> Vec<HeaderValue> {
        let texts = self.0.lock();
        let total: usize = texts.iter().map(|text| text.chars().count()).sum();
        let each = if total > ALL_TOGETHER { EACH } else { usize::MAX };
        let (mut written, mut seen, mut headers) = (0, HashSet::new(), Vec::new());
        for text in texts.iter() {
            let text: String = text.chars().take(each).collect();
            written += text.chars().count();
            if written > ALL_TOGETHER {
                break;
            }
            // Cut warnings may have become equal.
            if seen.insert(text.clone())
                && let Ok(value) = HeaderValue::from_str(&format!("299 - \"{}\"", quoted(&text)))
            {
                headers.push(value);
            }
        }
        headers
    }
}

/// As in the quoted string of a header; control characters cannot be in a header at all.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(texts: &[&str]) -> Vec<String> {
        let warnings = Warnings::default();
        texts.iter().for_each(|text| warnings.add(*text));
        warnings
            .headers()
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    #[test]
    fn each_warning_is_said_once_and_quoted() {
        assert_eq!(
            headers(&["unknown field \"a\"", "", "unknown field \"a\"", "two\nlines"]),
            [r#"299 - "unknown field \"a\"""#, r#"299 - "twolines""#]
        );
    }

    #[test]
    fn many_warnings_are_cut_so_that_clients_accept_the_headers() {
        let texts: Vec<String> = (0..100).map(|n| format!("{n} {}", "x".repeat(300))).collect();
        let headers = headers(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(headers.iter().all(|header| header.len() < 300), "{headers:?}");
        assert_eq!(headers.len(), ALL_TOGETHER / EACH);
    }
}
