//! From the bytes of a request to an object of the kind that its path names.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::error::{ApiError, invalid_value};
use crate::fields;
use crate::kinds::{self, Resource};
use crate::object;
use crate::protobuf;
use crate::service::call::YAML;
use crate::yaml;

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
    let mut value = decode_value(encoded, kind)?;
    type_is_text(encoded, kind, &value)?;
    let expected = kinds::api_version(group, version);
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let given_kind = Some(text("kind")).filter(|k| !k.is_empty()).unwrap_or_else(|| kind.to_owned());
    let given_version =
        Some(text("apiVersion")).filter(|v| !v.is_empty()).unwrap_or_else(|| expected.clone());
    if (given_kind.as_str(), given_version.as_str()) != (kind, expected.as_str()) {
        let given = given_version.rsplit('/').next().unwrap_or_default();
        let why = if protobuf::knows(&given_version, &given_kind) {
            if given_kind == kind && given_version.split('/').count() == expected.split('/').count() {
                return Err(ApiError::bad_request(format!(
                    "the API version in the data ({given_version}) does not match the expected API version ({expected})"
                )));
            }
            let internal = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or(group) };
            format!("converting ({given}.{given_kind}) to ({internal}.{kind}): unknown conversion")
        } else {
            not_registered(&given_version, &given_kind)
        };
        return Err(ApiError::bad_request(format!(
            "{given_kind} in version {given:?} cannot be handled as a {kind}: {why}"
        )));
    }
    if let Some(fields) = value.as_object_mut() {
        fields.insert("kind".to_owned(), json!(kind));
        fields.insert("apiVersion".to_owned(), json!(expected));
    }
    fields::check_metadata(kind, &value).map_err(|why| cannot_be_handled(kind, version, &why))?;
    Ok(value)
}

/// Decodes the object of a create or an update.
pub(super) fn decode_body(encoded: Encoded<'_>, resource: &Resource) -> Result<Value, ApiError> {
    match &resource.custom {
        Some(_) => decode_custom(encoded, resource),
        None => decode_object(encoded, &resource.group, &resource.version, &resource.kind),
    }
}

/// Decodes a custom resource, which must say what it is. Another kind than that of the path is let through here:
/// [`check_kind`] refuses it where validation would.
fn decode_custom(encoded: Encoded<'_>, resource: &Resource) -> Result<Value, ApiError> {
    let (expected, kind) = (resource.api_version(), &resource.kind);
    let value = decode_value(encoded, kind)?;
    type_is_text(encoded, kind, &value)?;
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    if text("apiVersion").matches('/').count() > 1 {
        let why = format!("unexpected GroupVersion string: {}", text("apiVersion"));
        return Err(unrecognized(encoded, kind, &why));
    }
    if text("kind").is_empty() {
        let body = String::from_utf8_lossy(encoded.bytes);
        return Err(unrecognized(encoded, kind, &format!("Object 'Kind' is missing in '{body}'")));
    }
    if text("apiVersion") != expected {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({}) does not match the expected API version ({expected})",
            text("apiVersion")
        )));
    }
    fields::check_metadata(kind, &value).map_err(|why| cannot_be_handled(kind, &resource.version, &why))?;
    Ok(value)
}

/// Refuses a custom resource of another kind or version than its path says.
pub(super) fn check_kind(resource: &Resource, object: &Value) -> Result<(), ApiError> {
    let expected = resource.api_version();
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let (kind, version) = (text("kind"), text("apiVersion"));
    let mut causes = Vec::new();
    if kind != resource.kind {
        causes.push(invalid_value("kind", json!(kind), &format!("must be {}", resource.kind)));
    }
    if version != expected {
        causes.push(invalid_value("apiVersion", json!(version), &format!("must be {expected}")));
    }
    if causes.is_empty() {
        return Ok(());
    }
    // The error is about the type that the object claims to be.
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Err(ApiError::invalid(group, kind, object::name(object), &causes))
}

/// Refuses type fields that are no text, as the first look at a body does.
fn type_is_text(encoded: Encoded<'_>, kind: &str, value: &Value) -> Result<(), ApiError> {
    for field in ["apiVersion", "kind"] {
        let given = match &value[field] {
            Value::Null | Value::String(_) => continue,
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let why = format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {given} into Go struct field \
             .{field} of type string"
        );
        return Err(unrecognized(encoded, kind, &why));
    }
    Ok(())
}

fn unrecognized(encoded: Encoded<'_>, kind: &str, why: &str) -> ApiError {
    ApiError::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {why} ({})",
        beginning(encoded.bytes)
    ))
}

/// What the real server says about a type that it does not know.
pub(super) fn not_registered(api_version: &str, kind: &str) -> String {
    format!(
        "no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\""
    )
}

/// An object that is not what its kind says.
pub(super) fn cannot_be_handled(kind: &str, version: &str, why: &str) -> ApiError {
    ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

/// Decodes a body that may be missing, such as delete options.
pub(crate) fn decode_optional(encoded: Encoded<'_>) -> Result<Value, ApiError> {
    if encoded.bytes.is_empty() { Ok(json!({})) } else { decode_value(encoded, "DeleteOptions") }
}

fn decode_value(encoded: Encoded<'_>, kind: &str) -> Result<Value, ApiError> {
    match encoded.media_type() {
        "" | "application/json" | "*/*" => parse_json(encoded.bytes, kind),
        YAML => parse_yaml(encoded.bytes, kind),
        protobuf::MEDIA_TYPE => protobuf::decode(encoded.bytes).map_err(|error| match error {
            protobuf::DecodeError::UnknownKind(kind) => ApiError::unsupported_media_type(format!(
                "this server does not read {kind} from protobuf; send application/json"
            )),
            protobuf::DecodeError::Malformed(why) => {
                ApiError::bad_request(format!("the body is not valid protobuf: {why}"))
            }
        }),
        _ => Err(ApiError::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// Parses YAML that came from outside and must be an object.
fn parse_yaml(bytes: &[u8], kind: &str) -> Result<Value, ApiError> {
    let unrecognized = |why: &str| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why}"
        ))
    };
    let value = yaml::parse(bytes).map_err(|why| unrecognized(&why))?;
    if value.is_object() { Ok(value) } else { Err(unrecognized("the body is no map")) }
}

/// Parses JSON that came from outside and must be an object.
fn parse_json(bytes: &[u8], kind: &str) -> Result<Value, ApiError> {
    let unrecognized = |why: &str| {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({})",
            beginning(bytes)
        ))
    };
    if bytes.is_empty() {
        return Err(unrecognized("unexpected end of JSON input"));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| unrecognized(&error.to_string()))?;
    let found = match &value {
        Value::Object(_) => return Ok(value),
        // To a Go program, null is a value of every type: one without kind.
        Value::Null => return Ok(Value::Object(serde_json::Map::new())),
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
    };
    Err(unrecognized(&format!("json: cannot unmarshal {found} into Go value of type {TYPE_META}")))
}

/// How the real server names what it reads first of each object.
const TYPE_META: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

/// Enough of a body to recognise it by: text if it may be JSON, else hexadecimal.
fn beginning(bytes: &[u8]) -> String {
    const SHOWN: usize = 30;
    let (shown, more) = if bytes.len() > SHOWN { (&bytes[..SHOWN], " ...") } else { (bytes, "") };
    match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(shown)),
        Some(_) => shown.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + more,
    }
}
