//! `traceparent`, level 2.

use std::{fmt, str::FromStr};

use rand::Rng;
use thiserror::Error;

use super::ids::{SpanId, TraceId, read_hex, write_hex};

/// Length of a version 00 `traceparent` in bytes.
const LENGTH: usize = 55;

/// The flags that level 2 defines; all others are dropped when read, as the specification demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TraceFlags(u8);

impl TraceFlags {
    /// Not sampled, not known to be random.
    pub const NONE: Self = Self(0);
    /// The caller recorded this trace.
    pub const SAMPLED: Self = Self(0b01);
    /// The right-most 7 bytes of the trace id are random (level 2).
    pub const RANDOM: Self = Self(0b10);

    /// Keeps the bits that level 2 defines.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b11)
    }

    /// The bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the caller recorded this trace.
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// Whether the trace id is known to be random.
    pub const fn is_random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }

    /// These flags and `other` together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Trace id, span id and flags of one span, as W3C Trace Context writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Traceparent {
    /// The trace.
    pub trace_id: TraceId,
    /// The span in it.
    pub span_id: SpanId,
    /// Sampled, random.
    pub flags: TraceFlags,
}

impl Traceparent {
    /// A new root with random ids, not sampled.
    pub fn random(rng: &mut impl Rng) -> Self {
        Self { trace_id: TraceId::random(rng), span_id: SpanId::random(rng), flags: TraceFlags::RANDOM }
    }

    /// A new span in the same trace.
    #[must_use]
    pub fn child(self, rng: &mut impl Rng) -> Self {
        Self { span_id: SpanId::random(rng), ..self }
    }

    /// The 55 bytes for an annotation: all level 2 flags.
    pub fn to_annotation(self) -> String {
        self.to_string()
    }

    /// The 55 bytes for a header: flags 00 or 01 only, because kube-apiserver 1.36 drops a `traceparent` with
    /// flags 03 and zeroes 02.
    pub fn to_header(self) -> [u8; LENGTH] {
        Self { flags: self.flags.without(TraceFlags::RANDOM), ..self }.to_bytes()
    }

    fn to_bytes(self) -> [u8; LENGTH] {
        let mut text = [b'-'; LENGTH];
        write_hex(&[0], &mut text[..2]);
        write_hex(&self.trace_id.to_bytes(), &mut text[3..35]);
        write_hex(&self.span_id.to_bytes(), &mut text[36..52]);
        write_hex(&[self.flags.bits()], &mut text[53..]);
        text
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_bytes()).expect("hexadecimal digits are ASCII"))
    }
}

/// Why a text is not a `traceparent`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceparentError {
    /// Version 00 has exactly 55 bytes; a later version has those and, if more, a dash after them.
    #[error("a traceparent has 55 bytes, this has {0}")]
    Length(usize),
    /// The version is not two lower-case hexadecimal digits, or `ff`.
    #[error("the version of a traceparent is two lower-case hexadecimal digits other than ff")]
    Version,
    /// A dash is missing between the fields.
    #[error("the fields of a traceparent are separated by dashes at bytes 2, 35 and 52")]
    Separator,
    /// The trace id is not 32 lower-case hexadecimal digits, or all zero.
    #[error("a trace id is 32 lower-case hexadecimal digits, not all zero")]
    TraceId,
    /// The span id is not 16 lower-case hexadecimal digits, or all zero.
    #[error("a span id is 16 lower-case hexadecimal digits, not all zero")]
    SpanId,
    /// The flags are not two lower-case hexadecimal digits.
    #[error("trace flags are two lower-case hexadecimal digits")]
    Flags,
}

impl FromStr for Traceparent {
    type Err = TraceparentError;

    fn from_str(text: &str) -> Result<Self, TraceparentError> {
        let text = text.as_bytes();
        if text.len() < LENGTH {
            return Err(TraceparentError::Length(text.len()));
        }
        let [version] = read_hex(&text[..2]).ok_or(TraceparentError::Version)?;
        if version == 0xff {
            return Err(TraceparentError::Version);
        }
        let longer_is_allowed = version > 0 && text.get(LENGTH) == Some(&b'-');
        if text.len() > LENGTH && !longer_is_allowed {
            return Err(TraceparentError::Length(text.len()));
        }
        if [text[2], text[35], text[52]] != [b'-'; 3] {
            return Err(TraceparentError::Separator);
        }
        let trace_id = read_hex(&text[3..35]).and_then(TraceId::from_bytes);
        let span_id = read_hex(&text[36..52]).and_then(SpanId::from_bytes);
        let [flags] = read_hex(&text[53..LENGTH]).ok_or(TraceparentError::Flags)?;
        Ok(Self {
            trace_id: trace_id.ok_or(TraceparentError::TraceId)?,
            span_id: span_id.ok_or(TraceparentError::SpanId)?,
            flags: TraceFlags::from_bits(flags),
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";

    fn check(text: &str, expected: expect_test::Expect) {
        let shown = match text.parse::<Traceparent>() {
            Ok(parsed) => parsed.to_string(),
            Err(error) => format!("error: {error}"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn level_2_keeps_the_random_flag() {
        check(VALID, expect!["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"]);
    }

    #[test]
    fn unknown_flags_are_dropped() {
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
            expect!["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"],
        );
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        check(
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings",
            expect!["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
        );
    }

    #[test]
    fn what_stock_propagators_accept_is_refused() {
        check("00-1-2-1", expect!["error: a traceparent has 55 bytes, this has 8"]);
        check(
            "00-+af92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            expect!["error: a traceparent has 55 bytes, this has 56"],
        );
        check(
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            expect!["error: a trace id is 32 lower-case hexadecimal digits, not all zero"],
        );
        check(&format!("{VALID}-"), expect!["error: a traceparent has 55 bytes, this has 56"]);
        check(
            &format!(" {VALID}"),
            expect!["error: the version of a traceparent is two lower-case hexadecimal digits other than ff"],
        );
        check(&format!("{VALID}\n"), expect!["error: a traceparent has 55 bytes, this has 56"]);
    }

    #[test]
    fn forged_and_broken_values_are_refused() {
        check(
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            expect!["error: the version of a traceparent is two lower-case hexadecimal digits other than ff"],
        );
        check(
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            expect!["error: a trace id is 32 lower-case hexadecimal digits, not all zero"],
        );
        check(
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            expect!["error: a trace id is 32 lower-case hexadecimal digits, not all zero"],
        );
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            expect!["error: a span id is 16 lower-case hexadecimal digits, not all zero"],
        );
        check(
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            expect!["error: the fields of a traceparent are separated by dashes at bytes 2, 35 and 52"],
        );
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            expect!["error: trace flags are two lower-case hexadecimal digits"],
        );
        check(
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
            expect!["error: a traceparent has 55 bytes, this has 60"],
        );
        check(
            "00-äf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            expect!["error: a trace id is 32 lower-case hexadecimal digits, not all zero"],
        );
    }

    #[test]
    fn a_header_never_carries_the_random_flag() {
        let parsed: Traceparent = VALID.parse().expect("valid");
        assert!(parsed.to_header().ends_with(b"-01"));
        assert!(parsed.to_annotation().ends_with("-03"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<Traceparent>();
        }

        #[test]
        fn what_is_written_is_read_back(trace: [u8; 16], span: [u8; 8], flags in 0_u8..4) {
            prop_assume!(trace != [0; 16] && span != [0; 8]);
            let written = Traceparent {
                trace_id: TraceId::from_bytes(trace).expect("not zero"),
                span_id: SpanId::from_bytes(span).expect("not zero"),
                flags: TraceFlags::from_bits(flags),
            };
            prop_assert_eq!(written.to_string().parse::<Traceparent>(), Ok(written));
        }
    }
}
