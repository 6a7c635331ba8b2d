//! Durations as people write them in annotations and flags.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads `5s`, `1m30s`, `500ms`, `1.5h` or `0`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| format!("{text:?} is no duration; write it as 5s, 500ms or 1m30s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let ms = |text| parse(text).map(|duration| duration.as_millis()).ok();
        assert_eq!(ms("5s"), Some(5_000));
        assert_eq!(ms("1m30s"), Some(90_000));
        assert_eq!(ms(" 500ms "), Some(500));
        assert_eq!(ms("1.5h"), Some(5_400_000));
        assert_eq!(ms("0"), Some(0));
        for wrong in ["", "5", "-1s", "s", "soon", "99999999999999999999s"] {
            assert_eq!(ms(wrong), None, "{wrong:?}");
        }
    }
}
