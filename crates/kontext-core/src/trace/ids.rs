//! Trace and span ids: bytes inside, lower-case hexadecimal outside, never all zero.

use std::fmt;

use rand::Rng;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes `bytes` as lower-case hexadecimal to the front of `out`, which holds two bytes for each.
pub(crate) fn write_hex(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 0xf)];
    }
}

/// One lower-case hexadecimal digit; upper case is not of the form (W3C Trace Context §3.2.2).
const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Reads exactly `N` bytes from `2 * N` lower-case hexadecimal digits.
pub(crate) fn read_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// From raw bytes; `None` where all are zero, which W3C defines as invalid.
            pub fn from_bytes(bytes: [u8; $bytes]) -> Option<Self> {
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }

            /// From lower-case hexadecimal of exactly the right length; `None` for anything else.
            pub fn from_hex(text: &str) -> Option<Self> {
                Self::from_bytes(read_hex(text.as_bytes())?)
            }

            /// A new random id.
            pub fn random(rng: &mut impl Rng) -> Self {
                loop {
                    if let Some(id) = Self::from_bytes(rng.random()) {
                        return id;
                    }
                }
            }

            /// The raw bytes, in network order.
            pub const fn to_bytes(self) -> [u8; $bytes] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 2 * $bytes];
                write_hex(&self.0, &mut text);
                f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(
    /// The id of a trace: 16 bytes.
    TraceId,
    16
);
id!(
    /// The id of a span: 8 bytes.
    SpanId,
    8
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_the_round_trip_through_text() {
        let text = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(TraceId::from_hex(text).expect("valid").to_string(), text);
    }

    #[test]
    fn zero_upper_case_and_wrong_lengths_are_refused() {
        for bad in [
            "0000000000000000",
            "00F067AA0BA902B7",
            "00f067aa0ba902b",
            "00f067aa0ba902b70",
            "+0f067aa0ba902b7",
        ] {
            assert_eq!(SpanId::from_hex(bad), None, "{bad}");
        }
    }
}
