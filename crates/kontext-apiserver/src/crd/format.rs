//! The formats of texts that the real server checks; others are kept in a schema and mean nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use super::schema::Schema;
use crate::defaults::names::{dns1123_label, dns1123_subdomain};

/// Whether the format says anything about values of the schema's type.
pub(super) fn applies(schema: &Schema) -> bool {
    match schema.kind.as_str() {
        "" | "string" => applies_to_text(schema).is_some(),
        "integer" => matches!(schema.limits.format.as_str(), "int32" | "int64"),
        "number" => matches!(schema.limits.format.as_str(), "float" | "double"),
        _ => false,
    }
}

/// The format of texts, where there is one that is checked.
pub(super) fn applies_to_text(schema: &Schema) -> Option<&str> {
    let name = schema.limits.format.as_str();
    (matches!(schema.kind.as_str(), "" | "string") && !schema.int_or_string && is_known(name)).then_some(name)
}

/// Whether the real server would warn about a format that it does not know.
pub(super) fn is_unrecognized(schema: &Schema) -> bool {
    !schema.limits.format.is_empty() && !applies(schema)
}

fn is_known(name: &str) -> bool {
    matches!(
        name.replace('-', "").as_str(),
        "bsonobjectid"
            | "uri"
            | "email"
            | "hostname"
            | "ipv4"
            | "ipv6"
            | "cidr"
            | "mac"
            | "uuid"
            | "uuid3"
            | "uuid4"
            | "uuid5"
            | "isbn"
            | "isbn10"
            | "isbn13"
            | "creditcard"
            | "ssn"
            | "hexcolor"
            | "rgbcolor"
            | "byte"
            | "password"
            | "date"
            | "duration"
            | "datetime"
            | "k8sshortname"
            | "k8slongname"
    )
}

/// Whether a text is of a known format.
pub(super) fn is_valid(name: &str, text: &str) -> bool {
    match name.replace('-', "").as_str() {
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()),
        "uri" => is_uri(text),
        "email" => is_email(text),
        "hostname" => is_hostname(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is_mac(text),
        "uuid" => uuid(text, None),
        "uuid3" => uuid(text, Some('3')),
        "uuid4" => uuid(text, Some('4')) && variant(text),
        "uuid5" => uuid(text, Some('5')) && variant(text),
        "isbn" => isbn10(text) || isbn13(text),
        "isbn10" => isbn10(text),
        "isbn13" => isbn13(text),
        "creditcard" => credit_card(text),
        "ssn" => matches_regex(&SSN, r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$", text),
        "hexcolor" => matches_regex(&HEX_COLOR, r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$", text),
        "rgbcolor" => matches_regex(&RGB_COLOR, RGB_COLOR_PATTERN, text),
        "byte" => STANDARD.decode(text).is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
        "duration" => is_duration(text),
        "datetime" => is_date_time(text),
        "k8sshortname" => dns1123_label(text).is_empty(),
        "k8slongname" => dns1123_subdomain(text).is_empty(),
        _ => true,
    }
}

static SSN: OnceLock<Regex> = OnceLock::new();
static HEX_COLOR: OnceLock<Regex> = OnceLock::new();
static RGB_COLOR: OnceLock<Regex> = OnceLock::new();
static DURATION: OnceLock<Regex> = OnceLock::new();
static LONG_DURATION: OnceLock<Regex> = OnceLock::new();

const RGB_COLOR_PATTERN: &str = r"^rgb\(\s*(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])\s*\)$";

fn matches_regex(cell: &OnceLock<Regex>, pattern: &str, text: &str) -> bool {
    cell.get_or_init(|| Regex::new(pattern).expect("a constant pattern")).is_match(text)
}

/// An absolute URI or an absolute path.
fn is_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !rest.is_empty()
}

fn is_email(text: &str) -> bool {
    let address = match (text.find('<'), text.strip_suffix('>')) {
        (Some(start), Some(inner)) => &inner[start + 1..],
        _ => text,
    };
    address.rsplit_once('@').is_some_and(|(local, domain)| {
        let atom = |text: &str, more: &str| {
            !text.is_empty()
                && text.split('.').all(|part| {
                    !part.is_empty()
                        && part.chars().all(|c| c.is_alphanumeric() || more.contains(c) || !c.is_ascii())
                })
        };
        atom(local, "!#$%&'*+-/=?^_`{|}~") && atom(domain, "!#$%&'*+-/=?^_`{|}~")
    })
}

fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    !text.is_empty()
        && text.len() <= 255
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        let most = match address.parse() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        digits && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
    })
}

fn is_mac(text: &str) -> bool {
    let hex = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    [(':', 2, [6, 8, 20]), ('-', 2, [6, 8, 20]), ('.', 4, [3, 4, 10])].into_iter().any(
        |(separator, length, counts)| {
            let parts: Vec<&str> = text.split(separator).collect();
            counts.contains(&parts.len()) && parts.iter().all(|part| hex(part, length))
        },
    )
}

/// Groups of 8, 4, 4, 4 and 12 digits; each dash may be missing.
fn uuid(text: &str, version: Option<char>) -> bool {
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some(group) = rest.get(..length) else { return false };
        if !group.bytes().all(|b| b.is_ascii_hexdigit())
            || (index == 2 && version.is_some_and(|v| !group.starts_with(v)))
        {
            return false;
        }
        rest = &rest[length..];
    }
    rest.is_empty()
}

fn variant(text: &str) -> bool {
    text.chars().filter(|c| *c != '-').nth(16).is_some_and(|c| "89abAB".contains(c))
}

fn isbn10(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let digit = |index: usize, c: char| if index == 9 && c == 'X' { Some(10) } else { c.to_digit(10) };
    let digits: Option<Vec<u32>> = text.chars().enumerate().map(|(index, c)| digit(index, c)).collect();
    digits.is_some_and(|digits| {
        digits.len() == 10 && (1..).zip(&digits).map(|(weight, d)| weight * d).sum::<u32>() % 11 == 0
    })
}

fn isbn13(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    digits.is_some_and(|digits| {
        digits.len() == 13
            && digits.iter().zip([1, 3].into_iter().cycle()).map(|(d, weight)| d * weight).sum::<u32>() % 10
                == 0
    })
}

fn credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let luhn: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, d)| {
            if index % 2 == 0 {
                *d
            } else if d * 2 > 9 {
                d * 2 - 9
            } else {
                d * 2
            }
        })
        .sum();
    (13..=16).contains(&digits.len()) && luhn.is_multiple_of(10)
}

/// As Go writes durations (`1h2m`), or a number with a unit in words (`22 ns`, `3 days`).
fn is_duration(text: &str) -> bool {
    matches_regex(&DURATION, r"^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$", text)
        || matches_regex(
            &LONG_DURATION,
            r"(?i)^\s*([0-9]+\s*(ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s*)+$",
            text,
        )
}

fn is_date_time(text: &str) -> bool {
    let separated = text.as_bytes().get(10).is_some_and(|b| matches!(b, b'T' | b't'));
    separated && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_their_format_or_not() {
        for (format, good, bad) in [
            ("date-time", "2014-12-15T19:30:20.000Z", "2014-12-15"),
            ("date-time", "2014-12-15T19:30:20+01:00", "now"),
            ("date", "2006-01-02", "2006-13-02"),
            ("uuid", "6BA7B810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810"),
            ("uuid4", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            ("ipv4", "10.0.0.1", "10.0.0"),
            ("ipv6", "::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("mac", "01:23:45:67:89:ab", "01:23"),
            ("uri", "https://example.com/x", "example"),
            ("email", "a@example.com", "a@"),
            ("hostname", "example.com", "-a"),
            ("byte", "aGVsbG8=", "%"),
            ("duration", "1h30m", "1x"),
            ("duration", "22 ns", "long"),
            ("hexcolor", "#FFF", "#FF"),
            ("rgbcolor", "rgb(255,0,1)", "rgb(256,0,0)"),
            ("isbn10", "0321751043", "0321751044"),
            ("isbn13", "978-0321751041", "978-0321751042"),
            ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
            ("ssn", "111-11-1111", "11-1"),
            ("k8s-short-name", "a-b", "A"),
        ] {
            assert!(is_valid(format, good), "{format} {good}");
            assert!(!is_valid(format, bad), "{format} {bad}");
        }
    }
}
