//! Quantities (`100m`, `1.5Gi`) in the canonical form in which the server stores them.

/// Nano units: the finest that a quantity can say.
const NANO: i128 = 1_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// A parsed quantity.
#[derive(Clone, Copy)]
pub(super) struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    /// `None` for what is no quantity, or one beyond the range that is handled exactly.
    pub(super) fn parse(text: &str) -> Option<Quantity> {
        let split =
            text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(split);
        let (format, numerator, denominator) = scale(suffix)?;
        let (negative, digits) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let unit = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?.checked_mul(denominator)?;
        let scaled = mantissa.checked_mul(NANO)?.checked_mul(numerator)?;
        // Finer than nano is rounded up, away from zero.
        let nanos = scaled / unit + i128::from(scaled % unit != 0);
        Some(Quantity { nanos: if negative { -nanos } else { nanos }, format })
    }

    pub(super) fn is_zero(self) -> bool {
        self.nanos == 0
    }

    pub(super) fn is_negative(self) -> bool {
        self.nanos < 0
    }

    pub(super) fn same(self, other: Quantity) -> bool {
        self.nanos == other.nanos
    }

    pub(super) fn exceeds(self, other: Quantity) -> bool {
        self.nanos > other.nanos
    }

    /// Rounded up to thousandths, as resource lists are.
    pub(super) fn rounded_to_milli(self) -> Quantity {
        let milli = NANO / 1000;
        let rest = self.nanos.rem_euclid(milli);
        let nanos = if rest == 0 { self.nanos } else { self.nanos - rest + milli };
        Quantity { nanos, ..self }
    }

    /// The canonical text.
    pub(super) fn canonical(self) -> String {
        let whole = self.nanos % NANO == 0;
        let units = self.nanos / NANO;
        let format = match self.format {
            Format::Binary if !whole || units.abs() < 1024 => Format::Decimal,
            format => format,
        };
        if self.nanos == 0 {
            return "0".to_owned();
        }
        if format == Format::Binary {
            let suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
            let (mut number, mut step) = (units, 0);
            while number % 1024 == 0 && step + 1 < suffixes.len() {
                number /= 1024;
                step += 1;
            }
            return format!("{number}{}", suffixes[step]);
        }
        let (mut number, mut exponent) = (self.nanos, -9_i32);
        while number % 1000 == 0 && exponent < 18 {
            number /= 1000;
            exponent += 3;
        }
        let suffix = match (format, exponent) {
            (Format::Exponent, 0) => String::new(),
            (Format::Exponent, exponent) => format!("e{exponent}"),
            (_, -9) => "n".to_owned(),
            (_, -6) => "u".to_owned(),
            (_, -3) => "m".to_owned(),
            (_, 0) => String::new(),
            (_, 3) => "k".to_owned(),
            (_, 6) => "M".to_owned(),
            (_, 9) => "G".to_owned(),
            (_, 12) => "T".to_owned(),
            (_, 15) => "P".to_owned(),
            (_, _) => "E".to_owned(),
        };
        format!("{number}{suffix}")
    }
}

/// Format, numerator and denominator of a suffix.
fn scale(suffix: &str) -> Option<(Format, i128, i128)> {
    let decimal = |power: u32| Some((Format::Decimal, 10_i128.pow(power), 1));
    let binary = |power: u32| Some((Format::Binary, 1024_i128.pow(power), 1));
    match suffix {
        "" => decimal(0),
        "n" => Some((Format::Decimal, 1, 1_000_000_000)),
        "u" => Some((Format::Decimal, 1, 1_000_000)),
        "m" => Some((Format::Decimal, 1, 1000)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_i128.checked_pow(exponent.unsigned_abs().min(18))?;
            Some(if exponent < 0 { (Format::Exponent, 1, power) } else { (Format::Exponent, power, 1) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_has_no_fraction_and_the_largest_suffix() {
        for (text, canonical) in [
            ("0.1", "100m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("64Mi", "64Mi"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("1e3", "1e3"),
            ("512", "512"),
            ("0Gi", "0"),
            ("-5m", "-5m"),
            ("100Ki", "100Ki"),
            ("0.5Ki", "512"),
            ("+2", "2"),
        ] {
            assert_eq!(Quantity::parse(text).expect(text).canonical(), canonical, "{text}");
        }
        for text in ["", "x", "1.2.3", "1Kib", "--1", "."] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }
}
