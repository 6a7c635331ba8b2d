//! Symbols for what a server makes up, given in order of first appearance.

use std::collections::HashMap;

/// The symbols of one play.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    versions: HashMap<String, usize>,
    uids: HashMap<String, usize>,
    ports: HashMap<String, usize>,
    /// Generated names, with the symbols that stand for them, longest first.
    names: Vec<(String, String)>,
}

fn symbol(map: &mut HashMap<String, usize>, value: &str, prefix: &str) -> String {
    let next = map.len() + 1;
    let number = *map.entry(value.to_owned()).or_insert(next);
    format!("<{prefix} {number}>")
}

/// Characters of the suffixes that the API server makes.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Symbols {
    pub(super) fn version(&mut self, value: &str) -> String {
        // What is no number was sent by the script, and 0 has a meaning of its own.
        if value.is_empty() || value == "0" || !value.bytes().all(|b| b.is_ascii_digit()) {
            return value.to_owned();
        }
        symbol(&mut self.versions, value, "version")
    }

    pub(super) fn port(&mut self, value: &str) -> String {
        symbol(&mut self.ports, value, "port")
    }

    /// Remembers a name that `generateName` made.
    pub(super) fn generated(&mut self, prefix: &str, name: &str) {
        let Some(suffix) = name.strip_prefix(prefix) else { return };
        if suffix.len() != 5 || !suffix.bytes().all(|byte| SUFFIX.contains(&byte)) {
            return;
        }
        if self.names.iter().all(|(known, _)| known != name) {
            let symbol = format!("{prefix}<random {}>", self.names.len() + 1);
            self.names.push((name.to_owned(), symbol));
        }
    }

    /// Replaces uids, generated names, cluster addresses, times and versions inside a text.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut text = self.uids(text);
        self.generated_in(&text);
        for (name, symbol) in &self.names {
            if text.contains(name.as_str()) {
                text = text.replace(name.as_str(), symbol);
            }
        }
        let text = Self::addresses(&text);
        let text = self.versions_in(&text);
        times(&text)
    }

    /// Remembers names that a refusal tells: scripts generate names that begin with `gen-` and no others.
    fn generated_in(&mut self, text: &str) {
        for (start, mark) in text.match_indices("gen-") {
            let end = start + mark.len() + 5;
            if let Some(name) = text.get(start..end) {
                self.generated(mark, name);
            }
        }
    }

    fn uids(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = find_uid(rest) {
            out.push_str(&rest[..start]);
            out.push_str(&symbol(&mut self.uids, &rest[start..start + 36], "uid"));
            rest = &rest[start + 36..];
        }
        out + rest
    }

    fn addresses(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        // The networks that the two servers give Service addresses from. Addresses in scripts are from others.
        while let Some(start) = ["10.0.0.", "10.96."].iter().filter_map(|net| rest.find(net)).min() {
            out.push_str(&rest[..start]);
            let end = rest[start..]
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .map_or(rest.len(), |length| start + length);
            // Whether an address that was given back comes again is left to chance.
            out.push_str("<address>");
            rest = &rest[end..];
        }
        out + rest
    }

    fn versions_in(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for before in [
            "ResourceVersion in precondition: ",
            "ResourceVersion in object meta: ",
            "ResourceVersion in the precondition (",
            "ResourceVersion in record (",
        ] {
            if let Some(start) = text.find(before).map(|start| start + before.len()) {
                let end = text[start..]
                    .find(|c: char| !c.is_ascii_digit())
                    .map_or(text.len(), |length| start + length);
                let version = self.version(&text[start..end]);
                text.replace_range(start..end, &version);
            }
        }
        text
    }
}

/// Where a uid begins: 8-4-4-4-12 hexadecimal digits.
fn find_uid(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(35)).find(|start| {
        bytes[*start..start + 36].iter().enumerate().all(|(index, byte)| {
            if matches!(index, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
    })
}

/// Replaces times of this century's twenties and later; scripts write earlier ones.
fn times(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) = find_time(rest) {
        out.push_str(&rest[..start]);
        out.push_str(if rest[start..end].contains('.') { "<time with fraction>" } else { "<time>" });
        rest = &rest[end..];
    }
    out + rest
}

fn find_time(text: &str) -> Option<(usize, usize)> {
    const FORM: &[u8] = b"20dd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    let fits = |start: &usize| {
        bytes[*start..start + FORM.len()]
            .iter()
            .zip(FORM)
            .all(|(byte, form)| if *form == b'd' { byte.is_ascii_digit() } else { byte == form })
            && bytes[start + 2] >= b'2'
    };
    let start = (0..(bytes.len() + 1).saturating_sub(FORM.len())).find(fits)?;
    let rest = &text[start + FORM.len()..];
    let fraction = rest.strip_prefix('.').map_or(0, |digits| {
        digits.find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| length + 1)
    });
    let end = start + FORM.len() + fraction;
    Some((start, if text[end..].starts_with('Z') { end + 1 } else { end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_the_same_symbol_and_another_has_another() {
        let mut symbols = Symbols::default();
        let drawn: Vec<String> = ["7", "9", "7", "0", "x"].iter().map(|v| symbols.version(v)).collect();
        assert_eq!(drawn, ["<version 1>", "<version 2>", "<version 1>", "0", "x"]);
    }

    #[test]
    fn what_servers_make_up_inside_of_texts_is_replaced() {
        let mut symbols = Symbols::default();
        symbols.generated("a-", "a-x2f4q");
        let text =
            "pod a-x2f4q (6f7c5b1e-0000-4000-8000-0123456789ab) at 10.0.0.17, since 2026-01-02T03:04:05Z";
        assert_eq!(symbols.text(text), "pod a-<random 1> (<uid 1>) at <address>, since <time>");
        assert_eq!(
            symbols.text("2031-01-02T03:04:05.123456Z 2001-01-02T03:04:05Z"),
            "<time with fraction> 2001-01-02T03:04:05Z"
        );
    }
}
