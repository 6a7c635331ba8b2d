//! YAML as the API reads and writes it: YAML 1.1 scalars, the last of duplicate keys wins unless the request is strict.
//!
//! What a document can cost is bounded whatever it says: nesting of 100 levels, 250 000 nodes after the expansion of
//! aliases, and the size of the request's body.

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error, Options};

/// The deepest nesting that is read, in JSON and in YAML.
const MAX_DEPTH: usize = 100;

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
    }
}

/// Reads one document. JSON is YAML, and is what most clients send under that name.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    if looks_like_json(bytes)
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return Ok(value);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| "error converting YAML to JSON: yaml: invalid leading UTF-8 octet".to_owned())?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    with_room(|| read(text, DuplicateKeyPolicy::LastWins))?
        .map_err(|error| format!("error converting YAML to JSON: yaml: {}", without_position(&error)))
}

fn read(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Value, Box<Error>> {
    serde_saphyr::from_str_with_options(text, options(duplicate_keys)).map_err(Box::new)
}

/// Runs the parser, which goes one call deeper with each level, where [`MAX_DEPTH`] levels fit: the stack of a test's
/// thread, in a debug build, is not deep enough.
fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    const STACK: usize = 16 << 20;
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let reader = reader.map_err(|error| format!("no thread to read YAML on: {error}"))?;
        reader.join().map_err(|_| "the YAML reader panicked".to_owned())
    })
}

/// Reads one document that must be a map; an empty document is an empty one.
pub(crate) fn parse_map(bytes: &[u8]) -> Result<Value, String> {
    let kind = match parse(bytes)? {
        Value::Null => return Ok(Value::Object(serde_json::Map::new())),
        mut map @ Value::Object(_) => {
            make_whole(&mut map);
            return Ok(map);
        }
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
    };
    Err(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type \
         map[string]interface {{}}"
    ))
}

/// Writes whole numbers without a fraction, as the API does with what was applied.
fn make_whole(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            if float.fract() == 0.0
                && let Ok(whole) = format!("{float}").parse::<i64>()
            {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

/// What the API says of the first key that stands twice in its map.
pub(crate) fn duplicate_key(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let error = with_room(|| read(text, DuplicateKeyPolicy::Error)).ok()?.err()?;
    match error.without_snippet() {
        Error::DuplicateMappingKey { key, location } => Some(format!(
            "unmarshal errors:\n  line {}: key {:?} already set in map",
            location.line(),
            key.as_deref().unwrap_or_default()
        )),
        _ => None,
    }
}

/// Writes an answer.
pub(crate) fn write(value: &Value) -> String {
    // A JSON value has nothing that YAML cannot say; if ever it had, JSON is YAML too.
    serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string())
}

fn looks_like_json(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn without_position(error: &Error) -> String {
    let line = error.location().map_or(0, |location| location.line());
    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or_default();
    if line == 0 { text.to_owned() } else { format!("line {line}: {text}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_and_json_are_read() {
        assert_eq!(
            parse(b"a: {b: [1, 'x', yes]}\nc: null\n"),
            Ok(json!({"a": {"b": [1, "x", true]}, "c": null}))
        );
        assert_eq!(parse(br#" {"a": 1}"#), Ok(json!({"a": 1})));
        assert_eq!(parse(b""), Ok(Value::Null));
        assert_eq!(parse_map(b"a: [1.0, 1.5, 1e3]"), Ok(json!({"a": [1, 1.5, 1000]})));
        assert!(parse(b"a: [").is_err() && parse(&[0xff]).is_err());
    }

    #[test]
    fn the_last_of_duplicate_keys_wins_and_strict_reading_names_it() {
        assert_eq!(parse(b"a: 1\nb: 0\na: 2\n"), Ok(json!({"a": 2, "b": 0})));
        assert_eq!(
            duplicate_key(b"a: 1\nb: 0\na: 2\n").as_deref(),
            Some("unmarshal errors:\n  line 3: key \"a\" already set in map")
        );
        assert_eq!(duplicate_key(b"a: 1\n"), None);
    }

    #[test]
    fn an_alias_bomb_and_a_deep_document_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let refs = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
        }
        assert!(parse(bomb.as_bytes()).is_err());
        let allowed = format!("a: {}{}", "[".repeat(90), "]".repeat(90));
        assert!(parse(allowed.as_bytes()).is_ok(), "on the stack of a test's thread");
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(parse(deep.as_bytes()).is_err());
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!({"a": "yes", "b": "1", "c": [null, true, 1.5, {"d": ""}], "e": "line\nline"});
        assert_eq!(parse(write(&value).as_bytes()), Ok(value));
    }
}
