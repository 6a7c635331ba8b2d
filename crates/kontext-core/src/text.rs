//! Text that came from outside, made fit for terminals, logs and small annotations.

use std::borrow::Cow;

/// Whether a character may reach a terminal: no controls, no line or paragraph separators, and none of the
/// marks that turn the direction of text, with which a forged name could pose as another.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `text` with every character that could steer a terminal or break a log line replaced by `\u{fffd}`.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| if is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER })
        .collect::<String>()
        .into()
}

/// The longest front of `text` that has at most `bytes` bytes, with `…` where something was cut.
pub fn shortened(text: &str, bytes: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let mut end = bytes.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}{}", &text[..end], if bytes < MARK.len() { "" } else { MARK }))
}

/// The longest end of `text` that has at most `bytes` bytes, with `…` where something was cut: of a field path
/// with its values, the end tells most.
pub fn shortened_front(text: &str, bytes: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    if bytes < MARK.len() {
        return Cow::Borrowed("");
    }
    let mut start = text.len() - (bytes - MARK.len());
    while !text.is_char_boundary(start) {
        start += 1;
    }
    Cow::Owned(format!("{MARK}{}", &text[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_newlines_and_direction_marks_do_not_pass() {
        assert_eq!(
            harmless("a\u{1b}[31mb\r\nc\u{202e}d\u{9b}e"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}d\u{fffd}e"
        );
        assert!(matches!(harmless("1 of 3 replicas missing ✓ ä"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcdef", 5), "ab…");
        assert_eq!(shortened("ääää", 6), "ä…");
        assert_eq!(shortened("abcdef", 0), "");
        assert_eq!(shortened_front("abcdef", 5), "…ef");
        assert_eq!(shortened_front("ääää", 6), "…ä");
        assert_eq!(shortened_front("abcdef", 1), "");
    }
}
