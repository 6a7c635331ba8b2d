//! Kubernetes quantities (`500m`, `1Gi`, `2e3`), compared by value.

/// The exact value as `<digits>e<exponent>` with no trailing zero digits, or `None` for text that is no quantity or
/// too large for 128 bits. Values finer than a billionth are rounded up (away from zero), as the API does.
pub(super) fn exact(text: &str) -> Option<String> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (power_of_two, power_of_ten) = scale(suffix)?;
    let mut mantissa: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    mantissa = mantissa.checked_mul(1_i128.checked_shl(power_of_two)?)?;
    let mut exponent = power_of_ten.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    while exponent < -9 && mantissa != 0 {
        let up = i128::from(mantissa % 10 != 0);
        mantissa = mantissa / 10 + up;
        exponent += 1;
    }
    while mantissa != 0 && mantissa % 10 == 0 && exponent < 0 {
        mantissa /= 10;
        exponent += 1;
    }
    while exponent > 0 {
        mantissa = mantissa.checked_mul(10)?;
        exponent -= 1;
    }
    Some(match (mantissa, negative) {
        (0, _) => "0e0".to_owned(),
        (_, true) => format!("-{mantissa}e{exponent}"),
        (_, false) => format!("{mantissa}e{exponent}"),
    })
}

/// Powers of two and ten that a suffix stands for.
fn scale(suffix: &str) -> Option<(u32, i32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        _ => {
            let digits = suffix.strip_prefix(['e', 'E'])?;
            (0, digits.parse::<i32>().ok().filter(|exponent| exponent.abs() <= 40)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_the_same_value_are_the_same() {
        for same in [
            &["1", "1000m", "1.0", "+1", "1e0", "0.001k", "1000000u", "1000000000n"][..],
            &["1Gi", "1024Mi", "1048576Ki", "1073741824"],
            &["1.5Gi", "1536Mi"],
            &["2E", "2e18", "2000P", "2E18"],
            &["0", "0Gi", "-0", "0.000"],
            &["100Ei", "102400Pi"],
            &["0.1n", "1n", "0.0000000001"],
            &["-500m", "-0.5"],
        ] {
            for one in same {
                assert_eq!(exact(one), exact(same[0]), "{one} and {}", same[0]);
                assert!(exact(one).is_some(), "{one}");
            }
        }
        assert_ne!(exact("1G"), exact("1Gi"));
        assert_ne!(exact("1"), exact("1001m"));
        assert_ne!(exact("1"), exact("-1"));
    }

    #[test]
    fn what_is_no_quantity_is_left_alone() {
        for text in ["", "-", "Gi", "1.2.3", "1 Gi", "1gi", "e3", "1e999", "NaN", "1e", "é"] {
            assert_eq!(exact(text), None, "{text:?}");
        }
    }
}
