use serde::Deserialize;
use thiserror::Error;

use super::Text;

/// A number, or a percentage of something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub enum IntOrString {
    /// A plain number.
    Int(i32),
    /// A percentage such as `25%`.
    String(Text),
}

/// A string that is no percentage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid value for IntOrString: {0:?} is not a percentage")]
pub struct IntOrStringError(pub Text);

#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    Int(i32),
    String(String),
}

impl From<Wire> for IntOrString {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Int(number) => Self::Int(number),
            Wire::String(text) => Self::String(super::intern(&text)),
        }
    }
}

impl IntOrString {
    /// The number, or the percentage of `total` rounded up or down.
    pub fn of(&self, total: i32, round_up: bool) -> Result<i32, IntOrStringError> {
        match self {
            Self::Int(number) => Ok(*number),
            Self::String(text) => {
                let percent = text.strip_suffix('%').and_then(|digits| digits.parse::<i32>().ok());
                let percent = percent.ok_or_else(|| IntOrStringError(Text::clone(text)))?;
                let hundredths = i64::from(percent) * i64::from(total);
                let floor = hundredths.div_euclid(100);
                let value = floor + i64::from(round_up && hundredths.rem_euclid(100) != 0);
                Ok(i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_asked_and_words_are_errors() {
        let of = |json: &str, up| serde_json::from_str::<IntOrString>(json).unwrap().of(10, up);
        assert_eq!(of("3", true), Ok(3));
        assert_eq!((of("\"25%\"", true), of("\"25%\"", false)), (Ok(3), Ok(2)));
        assert_eq!((of("\"100%\"", true), of("\"0%\"", true)), (Ok(10), Ok(0)));
        assert_eq!(
            of("\"many\"", true).unwrap_err().to_string(),
            "invalid value for IntOrString: \"many\" is not a percentage"
        );
        assert!(of("\"5\"", false).is_err());
    }
}
