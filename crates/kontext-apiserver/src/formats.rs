//! Texts that must have a form (times, quantities, base64), and what Go's decoders say of those that have not.

/// How metadata writes times.
pub(crate) const TIME: &str = "2006-01-02T15:04:05Z07:00";
/// How leases and events write times.
pub(crate) const MICRO_TIME: &str = "2006-01-02T15:04:05.000000Z07:00";

/// Checks a time; the error is that of Go's `time.Parse` with this layout.
pub(crate) fn time(layout: &str, text: &str) -> Result<(), String> {
    let cannot = |rest: &str, element: &str| {
        Err(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {element:?}"))
    };
    let out_of_range = |what: &str| Err(format!("parsing time {text:?}: {what} out of range"));
    let mut rest = text;
    let mut numbers = Vec::new();
    for element in ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05"] {
        let length = element.len();
        let Some(part) = rest.get(..length) else { return cannot(rest, element) };
        let is_number = element.bytes().all(|byte| byte.is_ascii_digit());
        let fits = if is_number { part.bytes().all(|byte| byte.is_ascii_digit()) } else { part == element };
        if !fits {
            return cannot(rest, element);
        }
        if is_number {
            numbers.push(part.parse::<u32>().unwrap_or_default());
        }
        rest = &rest[length..];
    }
    let digits = rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if layout == MICRO_TIME {
        if digits != 6 {
            return cannot(rest, ".000000");
        }
        rest = &rest[7..];
    } else if digits > 0 {
        rest = &rest[digits + 1..];
    }
    if !is_zone(rest) {
        return cannot(rest, "Z07:00");
    }
    if let [_, month, day, hour, minute, second] = numbers[..] {
        for (value, range, what) in [
            (month, 1..=12, "month"),
            (day, 1..=31, "day"),
            (hour, 0..=23, "hour"),
            (minute, 0..=59, "minute"),
            (second, 0..=59, "second"),
        ] {
            if !range.contains(&value) {
                return out_of_range(what);
            }
        }
    }
    Ok(())
}

/// `Z` or an offset such as `+01:00`.
fn is_zone(text: &str) -> bool {
    text == "Z"
        || text.len() == 6
            && text.starts_with(['+', '-'])
            && text.as_bytes()[3] == b':'
            && [1, 2, 4, 5].iter().all(|index| text.as_bytes()[*index].is_ascii_digit())
}

/// Checks bytes in base64; the error names the first that is wrong, as Go's decoder does.
pub(crate) fn base64(text: &str) -> Result<(), String> {
    let illegal = |at: usize| Err(format!("illegal base64 data at input byte {at}"));
    let mut given = text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')).peekable();
    let mut count = 0;
    while let Some((at, byte)) = given.next() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => count += 1,
            b'=' => {
                // Padding ends the last group of four, after two characters or after three.
                let second = if count % 4 == 2 { given.next().map(|(_, byte)| byte) } else { Some(b'=') };
                return match (count % 4, second, given.next()) {
                    (2 | 3, Some(b'='), None) => Ok(()),
                    (2 | 3, Some(b'='), Some((after, _))) => illegal(after),
                    (2, None, _) => illegal(text.len()),
                    (2, _, _) => illegal(at + 1),
                    _ => illegal(at),
                };
            }
            _ => return illegal(at),
        }
    }
    if count % 4 == 0 { Ok(()) } else { illegal(text.len()) }
}

/// Checks a quantity.
pub(crate) fn quantity(text: &str) -> Result<(), String> {
    const FORM: &str =
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let known = matches!(suffix, "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E")
        || matches!(suffix, "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei")
        || suffix.strip_prefix(['e', 'E']).is_some_and(|power| power.parse::<i32>().is_ok());
    let is_number = number.bytes().any(|byte| byte.is_ascii_digit())
        && number.bytes().filter(|byte| *byte == b'.').count() <= 1;
    if is_number && known { Ok(()) } else { Err(FORM.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_refused_in_the_words_of_go() {
        assert_eq!(time(TIME, "2001-02-03T04:05:06Z"), Ok(()));
        assert_eq!(time(TIME, "2001-02-03T04:05:06.7+01:00"), Ok(()));
        assert_eq!(time(MICRO_TIME, "2001-02-03T04:05:06.123456Z"), Ok(()));
        assert_eq!(
            time(TIME, "yesterday").unwrap_err(),
            r#"parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006""#
        );
        assert_eq!(
            time(MICRO_TIME, "2001-02-03T04:05:06Z").unwrap_err(),
            r#"parsing time "2001-02-03T04:05:06Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#
        );
        assert_eq!(
            time(TIME, "2001-13-03T04:05:06Z").unwrap_err(),
            r#"parsing time "2001-13-03T04:05:06Z": month out of range"#
        );
    }

    #[test]
    fn base64_is_refused_at_the_byte_that_is_wrong() {
        for good in ["", "aGVsbG8=", "aGVs\nbG8=", "YQ=="] {
            assert_eq!(base64(good), Ok(()), "{good}");
        }
        assert_eq!(base64("not base64!").unwrap_err(), "illegal base64 data at input byte 3");
        assert!(base64("abc").is_err() && base64("YQ=").is_err() && base64("YQ==x").is_err());
    }

    #[test]
    fn quantities_have_a_number_and_a_known_suffix() {
        for good in ["1", "1.5Gi", "-3m", "2e3", "1E", ".5"] {
            assert_eq!(quantity(good), Ok(()), "{good}");
        }
        assert!(quantity("much").is_err() && quantity("").is_err() && quantity("1X").is_err());
    }
}
