//! Durations as Go writes them, because upstream's flags take these.

use std::time::Duration;

/// Reads `15s`, `1m30s`, `500ms`, `1.5h`, `0`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write it as 15s, 500ms or 1m30s");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        seconds += number
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                _ => return Err(wrong()),
            };
        rest = tail;
    }
    if text.is_empty() {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let ms = |text| parse(text).map(|duration| duration.as_millis()).ok();
        assert_eq!(ms("15s"), Some(15_000));
        assert_eq!(ms("1m30s"), Some(90_000));
        assert_eq!(ms("500ms"), Some(500));
        assert_eq!(ms("1.5h"), Some(5_400_000));
        assert_eq!(ms("0"), Some(0));
        for wrong in ["", "15", "s", "-1s", "1 s", "1d", "1s2", "NaNs", "1e3s"] {
            assert_eq!(ms(wrong), None, "{wrong:?}");
        }
    }
}
