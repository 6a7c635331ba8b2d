//! The parameters of a write: checked all together, before anything else of the request is looked at.

use serde_json::json;

use super::Call;
use super::negotiate::{Form, negotiate};
use super::route::Verb;
use crate::error::{ApiError, Cause, forbidden_field, invalid_value, required};

/// Longest name of a field manager, in bytes.
const MANAGER_LIMIT: usize = 128;

/// Refuses parameters that the API does not know, all of them at once. What reads them later finds them in order.
pub(in crate::service) fn check(call: &Call<'_>) -> Result<(), ApiError> {
    let kind = match call.target.verb {
        Verb::Create => "CreateOptions",
        Verb::Update => "UpdateOptions",
        Verb::Patch => "PatchOptions",
        // Those of a delete come in its body too.
        _ => return Ok(()),
    };
    let mut causes = Vec::new();
    let manager = call.query.value("fieldManager").unwrap_or_default();
    if call.target.verb == Verb::Patch {
        if call.is_apply() {
            if manager.is_empty() {
                causes.push(required("fieldManager", "is required for apply patch"));
            }
        } else if call.query.value("force").is_some() {
            causes.push(forbidden_field("force", "may not be specified for non-apply patch"));
        }
    }
    field_manager(manager, &mut causes);
    let dry_run: Vec<&str> = call.query.values("dryRun").filter(|value| !value.is_empty()).collect();
    if dry_run.iter().any(|value| *value != "All") {
        causes.push(unsupported("dryRun", format!("{dry_run:?}"), "\"All\""));
    }
    let validation = call.query.value("fieldValidation").unwrap_or_default();
    if !matches!(validation, "" | "Ignore" | "Strict" | "Warn") {
        let known = "\"\", \"Ignore\", \"Strict\", \"Warn\"";
        causes.push(unsupported("fieldValidation", format!("{validation:?}"), known));
    }
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", kind, "", &causes)) }
}

fn field_manager(manager: &str, causes: &mut Vec<Cause>) {
    if manager.len() > MANAGER_LIMIT {
        causes.push(Cause {
            reason: "FieldValueTooLong".to_owned(),
            message: format!("Too long: may not be more than {MANAGER_LIMIT} bytes"),
            field: "fieldManager".to_owned(),
        });
    }
    for (position, character) in manager.char_indices().filter(|(_, character)| character.is_control()) {
        let why = format!("invalid character U+{:04X} (at position {position})", u32::from(character));
        causes.push(invalid_value("fieldManager", go_quoted(manager), &why));
    }
}

fn unsupported(field: &str, given: String, known: &str) -> Cause {
    Cause {
        reason: "FieldValueNotSupported".to_owned(),
        message: format!("Unsupported value: {given}: supported values: {known}"),
        field: field.to_owned(),
    }
}

/// A text in quotes, as Go's `%q` writes it.
fn go_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Refuses to make tables in a way that the API does not know.
pub(super) fn check_table(call: &Call<'_>) -> Result<(), ApiError> {
    let is_list = call.target.verb == Verb::List;
    if !matches!(negotiate(call.accept(), is_list), Ok(Form::Table)) {
        return Ok(());
    }
    match call.query.value("includeObject") {
        None | Some("" | "None" | "Metadata" | "Object") => Ok(()),
        Some(other) => Err(ApiError::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', 'Object', 'None', or empty",
            json!(other)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_that_cannot_be_printed_is_named() {
        let mut causes = Vec::new();
        field_manager("a\u{1}b\n", &mut causes);
        let messages: Vec<&str> = causes.iter().map(|cause| cause.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                r#"Invalid value: "a\x01b\n": invalid character U+0001 (at position 1)"#,
                r#"Invalid value: "a\x01b\n": invalid character U+000A (at position 3)"#,
            ]
        );
    }
}
