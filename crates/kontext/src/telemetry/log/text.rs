//! Lines for people.

use serde_json::Value;

use super::line::{Line, escaped, quoted};

/// Keys that say again what the object under its kind says.
const REDUNDANT: [&str; 4] = ["controllerGroup", "controllerKind", "namespace", "name"];

pub(super) fn write(line: &Line<'_>) -> String {
    let mut out =
        format!("{:.3} {:5} {}", line.time, line.level.to_ascii_uppercase(), message(&line.message));
    let has_object = line.fields.iter().any(|(key, _)| key == "controllerKind");
    for (key, value) in &line.fields {
        if has_object && REDUNDANT.contains(&&**key) {
            continue;
        }
        out.push(' ');
        out.push_str(&plain_or_quoted(key));
        out.push('=');
        match value {
            Value::String(text) => out.push_str(&plain_or_quoted(text)),
            Value::Object(object) if object.contains_key("name") => {
                let part = |name: &str| object.get(name).and_then(Value::as_str);
                let name = part("name").unwrap_or_default();
                let key =
                    part("namespace").map_or(name.to_owned(), |namespace| format!("{namespace}/{name}"));
                out.push_str(&plain_or_quoted(&key));
            }
            other => out.push_str(&escaped(other.to_string())),
        }
    }
    out
}

/// The message without quotes around it, but escaped as if it had them.
fn message(text: &str) -> String {
    if text.chars().any(char::is_control) {
        let quoted = quoted(text);
        return quoted[1..quoted.len() - 1].to_owned();
    }
    escaped(text.to_owned())
}

fn plain_or_quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\');
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { quoted(text) }
}
