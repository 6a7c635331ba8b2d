//! From the bytes of a request to an object of the kind that its path names.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::kinds;
use crate::protobuf;

/// The bytes of a body and what they claim to be.
#[derive(Clone, Copy)]
pub(crate) struct Encoded<'a> {
    pub(crate) content_type: &'a str,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Encoded<'a> {
    pub(crate) fn new(headers: &'a HeaderMap, bytes: &'a [u8]) -> Self {
        let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Self { content_type, bytes }
    }

    /// The media type without its parameters.
    pub(crate) fn media_type(&self) -> &'a str {
        self.content_type.split(';').next().unwrap_or_default().trim()
    }
}

/// Decodes an object that must be of this group, version and kind. Type fields that are missing are filled in.
pub(crate) fn decode_object(
    encoded: Encoded<'_>,
    group: &str,
    version: &str,
    kind: &str,
) -> Result<Value, ApiError> {
    let mut value = decode_value(encoded)?;
    let expected = kinds::api_version(group, version);
    let Some(fields) = value.as_object_mut() else {
        return Err(ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: json: cannot unmarshal {} into Go value of type {kind}",
            type_name(&value)
        )));
    };
    let given_kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let given_version = fields.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !given_version.is_empty() && given_version != expected {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({given_version}) does not match the expected API version ({expected})"
        )));
    }
    if !given_kind.is_empty() && given_kind != kind {
        return Err(ApiError::bad_request(format!(
            "{given_kind} in version {version:?} cannot be handled as a {kind}: the kind in the data does not match the request"
        )));
    }
    fields.insert("kind".to_owned(), json!(kind));
    fields.insert("apiVersion".to_owned(), json!(expected));
    check_metadata(kind, version, &value)?;
    Ok(value)
}

/// Decodes a body that may be missing, such as delete options.
pub(crate) fn decode_optional(encoded: Encoded<'_>) -> Result<Value, ApiError> {
    if encoded.bytes.is_empty() { Ok(json!({})) } else { decode_value(encoded) }
}

fn decode_value(encoded: Encoded<'_>) -> Result<Value, ApiError> {
    match encoded.media_type() {
        "" | "application/json" | "*/*" => parse_json(encoded.bytes),
        protobuf::MEDIA_TYPE => protobuf::decode(encoded.bytes).map_err(|error| match error {
            protobuf::DecodeError::UnknownKind(kind) => ApiError::unsupported_media_type(format!(
                "this server does not read {kind} from protobuf; send application/json"
            )),
            protobuf::DecodeError::Malformed(why) => {
                ApiError::bad_request(format!("the body is not valid protobuf: {why}"))
            }
        }),
        _ => Err(ApiError::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: application/json, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// Parses JSON that came from outside.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type JSON): couldn't get version/kind; json parse error: {error}"
        ))
    })
}

/// The parts of metadata that every rule relies on have the right types.
pub(crate) fn check_metadata(kind: &str, version: &str, object: &Value) -> Result<(), ApiError> {
    let wrong = |field: &str, value: &Value, wanted: &str| {
        Err(ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: json: cannot unmarshal {} into Go struct field \
             ObjectMeta.{field} of type {wanted}",
            type_name(value)
        )))
    };
    let metadata = match object.get("metadata") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(metadata)) => metadata,
        Some(other) => return wrong("metadata", other, "v1.ObjectMeta"),
    };
    for field in [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
    ] {
        match metadata.get(field) {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(other) => return wrong(field, other, "string"),
        }
    }
    for field in ["labels", "annotations"] {
        match metadata.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entries)) => {
                if let Some(other) = entries.values().find(|v| !v.is_string() && !v.is_null()) {
                    return wrong(field, other, "string");
                }
            }
            Some(other) => return wrong(field, other, "map[string]string"),
        }
    }
    for (field, wanted) in [
        ("finalizers", "[]string"),
        ("ownerReferences", "[]v1.OwnerReference"),
        ("managedFields", "[]v1.ManagedFieldsEntry"),
    ] {
        match metadata.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                let fits =
                    |item: &Value| if field == "finalizers" { item.is_string() } else { item.is_object() };
                if let Some(other) = items.iter().find(|item| !fits(item)) {
                    return wrong(field, other, wanted);
                }
            }
            Some(other) => return wrong(field, other, wanted),
        }
    }
    Ok(())
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
