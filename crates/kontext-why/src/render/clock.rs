//! Times and spans of time, as people read them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::model::{At, Precision};

/// `14:02:11.482`, with the date where it is not today and a `Z` where the zone is UTC.
pub(super) fn clock(at: At, zone: &TimeZone, now: Timestamp) -> String {
    let time = at.time.to_zoned(zone.clone());
    let today = now.to_zoned(zone.clone()).date() == time.date();
    let date = if today { "" } else { "%Y-%m-%d " };
    let fraction = if at.precision == Precision::Millisecond { "%.3f" } else { "" };
    let utc = if *zone == TimeZone::UTC { "Z" } else { "" };
    time.strftime(&format!("{date}%H:%M:%S{fraction}{utc}")).to_string()
}

/// How much later `this` was than `below`: `+2 ms`, `+1.4 s`, `~6 s` where one of them is only known to the second.
pub(super) fn since(this: At, below: At) -> String {
    let span = this.time.duration_since(below.time);
    if this.precision == Precision::Second || below.precision == Precision::Second {
        return match span.as_secs() {
            ..=1 => "<2 s".into(),
            _ => format!("~{}", rough(span)),
        };
    }
    let sign = if span.is_negative() { "-" } else { "+" };
    format!("{sign}{}", rough(span.abs()))
}

fn rough(span: SignedDuration) -> String {
    let (seconds, milliseconds) = (span.as_secs(), span.as_millis());
    match seconds {
        ..1 => format!("{milliseconds} ms"),
        1..10 => format!("{seconds}.{} s", (milliseconds % 1000) / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At::millisecond(text.parse().expect("a time"))
    }

    #[test]
    fn the_date_is_told_where_it_is_not_today() {
        let now: Timestamp = "2026-03-01T20:00:00Z".parse().expect("a time");
        assert_eq!(clock(at("2026-03-01T14:02:11.482Z"), &TimeZone::UTC, now), "14:02:11.482Z");
        assert_eq!(clock(at("2026-02-28T14:02:11.482Z"), &TimeZone::UTC, now), "2026-02-28 14:02:11.482Z");
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        let second = At::second(at("2026-03-01T14:02:11Z").time);
        assert_eq!(clock(second, &zone, now), "2026-03-01 23:02:11");
    }

    #[test]
    fn spans_are_told_as_exactly_as_they_are_known() {
        let start = at("2026-03-01T14:00:00Z");
        for (end, told) in [
            ("2026-03-01T14:00:00.002Z", "+2 ms"),
            ("2026-03-01T14:00:01.450Z", "+1.4 s"),
            ("2026-03-01T14:00:42Z", "+42 s"),
            ("2026-03-01T14:03:04Z", "+3 min 4 s"),
            ("2026-03-02T15:30:00Z", "+25 h 30 min"),
            ("2026-03-09T15:30:00Z", "+8 days"),
            ("2026-03-01T13:59:59.997Z", "-3 ms"),
        ] {
            assert_eq!(since(at(end), start), told);
        }
        assert_eq!(since(At::second(at("2026-03-01T14:00:06Z").time), start), "~6.0 s");
        assert_eq!(since(At::second(start.time), start), "<2 s");
    }
}
