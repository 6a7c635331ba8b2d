//! Regular expressions as the API server understands them: Go's syntax, whose classes are ASCII.

use regex::{Regex, RegexBuilder};

/// How large a compiled expression may become, in bytes.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;

/// Compiles an expression of Go's syntax.
pub(super) fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(&translate(text)).size_limit(SIZE_LIMIT).build().map_err(|error| {
        // The last line says what is wrong; those before draw where.
        error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

/// Writes what the two syntaxes read differently in the way that Rust's reads as Go's would.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    // Inside of a class: how many characters of it were seen.
    let mut class: Option<usize> = None;
    while let Some(c) = chars.next() {
        match (c, &mut class) {
            ('\\', inside) => {
                let Some(escaped) = chars.next() else {
                    out.push('\\');
                    break;
                };
                out.push_str(&escape(escaped, inside.is_some()));
                if let Some(seen) = inside {
                    *seen += 1;
                }
            }
            ('[', None) => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                class = Some(0);
            }
            // Only `[:name:]` nests in Go; any other bracket is itself.
            ('[', Some(seen)) => {
                if chars.peek() == Some(&':') {
                    out.push('[');
                    for part in chars.by_ref() {
                        out.push(part);
                        if part == ']' {
                            break;
                        }
                    }
                } else {
                    out.push_str("\\[");
                }
                *seen += 1;
            }
            (']', Some(0)) => {
                out.push_str("\\]");
                class = Some(1);
            }
            (']', Some(_)) => {
                out.push(']');
                class = None;
            }
            // Operators on classes in Rust, characters in Go.
            ('&' | '~', Some(seen)) => {
                out.push('\\');
                out.push(c);
                *seen += 1;
            }
            ('-', Some(seen)) => {
                out.push('-');
                while chars.next_if_eq(&'-').is_some() {
                    out.push_str("\\-");
                }
                *seen += 1;
            }
            (other, inside) => {
                out.push(other);
                if let Some(seen) = inside {
                    *seen += 1;
                }
            }
        }
    }
    out
}

fn escape(escaped: char, in_class: bool) -> String {
    match (escaped, in_class) {
        ('d', true) => "0-9".to_owned(),
        ('d', false) => "[0-9]".to_owned(),
        ('D', _) => "[^0-9]".to_owned(),
        ('w', true) => "0-9A-Za-z_".to_owned(),
        ('w', false) => "[0-9A-Za-z_]".to_owned(),
        ('W', _) => "[^0-9A-Za-z_]".to_owned(),
        ('s', true) => "\\t\\n\\f\\r ".to_owned(),
        ('s', false) => "[\\t\\n\\f\\r ]".to_owned(),
        ('S', _) => "[^\\t\\n\\f\\r ]".to_owned(),
        ('b', false) => "(?-u:\\b)".to_owned(),
        (other, _) => format!("\\{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_they_mean_in_go() {
        for (pattern, matches, differs) in [
            (r"^\d+$", "12", "١٢"),
            (r"^[\w.-]+$", "a_b.c-1", "é"),
            (r"^[[]a]$", "[a]", "a"),
            (r"^[]a]$", "]", "b"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[[:alpha:]]+$", "abc", "1"),
            (r"^[^\s]+$", "ab", "a b"),
            (r"^(Mi|Gi)?$", "Gi", "Ki"),
        ] {
            let compiled = compile(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
            assert!(compiled.is_match(matches), "{pattern} {matches}");
            assert!(!compiled.is_match(differs), "{pattern} {differs}");
        }
    }

    #[test]
    fn an_expression_that_is_none_is_an_error_and_not_a_panic() {
        for broken in ["(", "[", "a{1000000}{1000000}", "\\", "(?P<", "[z-a]", "[a--z]"] {
            assert!(compile(broken).is_err(), "{broken}");
        }
    }
}
