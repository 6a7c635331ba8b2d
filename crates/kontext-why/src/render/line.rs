//! Columns, wrapping and colour.

/// How a piece of text looks, where colour is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Bold,
    Dim,
}

/// Collects lines.
pub(super) struct Page {
    colour: bool,
    text: String,
}

impl Page {
    pub(super) fn new(colour: bool) -> Self {
        Self { colour, text: String::new() }
    }

    /// Adds one line of pieces; blanks at its end are left out.
    pub(super) fn line(&mut self, pieces: &[(Look, &str)]) {
        let last = pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        for (at, (look, text)) in pieces.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(at) == last { text.trim_end() } else { text };
            match look {
                Look::Bold if self.colour => self.text.extend(["\u{1b}[1m", text, "\u{1b}[0m"]),
                Look::Dim if self.colour => self.text.extend(["\u{1b}[2m", text, "\u{1b}[0m"]),
                _ => self.text.push_str(text),
            }
        }
        self.text.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Columns that a text takes; names and paths are ASCII, and reasons nearly always.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// `text` with blanks up to `width`.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// `text` with blanks before it up to `width`.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// `text` in lines of at most `width` columns, broken at blanks, and inside a word only where that alone is longer.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let line = lines.last().map_or(0, |line| columns(line));
        if line > 0 && line + 1 + word.len() > width {
            lines.push(String::new());
        } else if line > 0 {
            lines.last_mut().expect("never empty").push(' ');
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.last_mut().expect("never empty").extend(word);
            lines.push(String::new());
            word = rest;
        }
        lines.last_mut().expect("never empty").extend(word);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_and_long_words_where_they_must() {
        assert_eq!(wrapped("1 of 3 replicas missing", 10), ["1 of 3", "replicas", "missing"]);
        assert_eq!(wrapped("a registry.example/web", 8), ["a", "registry", ".example", "/web"]);
        assert_eq!(wrapped("", 8), [""]);
    }

    #[test]
    fn colour_is_only_used_when_wanted() {
        for (colour, expected) in [(false, "a b\n"), (true, "\u{1b}[1ma\u{1b}[0m b\n")] {
            let mut page = Page::new(colour);
            page.line(&[(Look::Bold, "a"), (Look::Plain, " b"), (Look::Dim, "  ")]);
            assert_eq!(page.finish(), expected);
        }
    }
}
