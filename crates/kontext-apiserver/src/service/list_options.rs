//! What a list asks for: which state, and which chunk of it.

use base64::Engine;
use base64::engine::GeneralPurposeConfig;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::Call;
use super::read::resource_version;
use crate::error::{ApiError, Cause};
use crate::store::Key;

/// Which chunk of which state a list asks for.
pub(super) struct Page {
    pub(super) limit: usize,
    /// The exact state, or the newest.
    pub(super) revision: Option<u64>,
    /// A state that the answer must not be older than.
    pub(super) at_least: u64,
    pub(super) after: Option<Key>,
    pub(super) continued: bool,
}

impl Page {
    /// Reads the parameters of a list, and refuses them in the order and words of the real server.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let rule = call.query.value("resourceVersionMatch");
        let token = call.query.value("continue");
        let limit: i64 = call.query.number("limit")?.unwrap_or(0);
        call.query.number::<i64>("timeoutSeconds")?;
        let limit = usize::try_from(limit).unwrap_or(0);
        validate(
            rule,
            call.query.value("resourceVersion"),
            token,
            call.query.values("sendInitialEvents").next().is_some(),
        )?;
        if let Some(token) = token {
            let token = Continue::decode(token).map_err(|why| {
                ApiError::bad_request(format!("invalid continue token: continue key is not valid{why}"))
            })?;
            if resource_version(call)?.is_some_and(|version| version > 0) {
                return Err(ApiError::bad_request(
                    "specifying resource version is not allowed when using continue",
                ));
            }
            return Ok(Self {
                limit,
                revision: token.revision,
                at_least: 0,
                after: Some(token.after),
                continued: true,
            });
        }
        let version = resource_version(call)?;
        let given = version.unwrap_or(0);
        let mut page = Self { limit, revision: None, at_least: 0, after: None, continued: false };
        match (rule, version) {
            (_, None) => {}
            // The watch cache, which answers version 0, knows no chunks.
            (None | Some("NotOlderThan"), Some(0)) => page.limit = 0,
            (Some("Exact"), _) => page.revision = Some(given),
            // With a limit, a version means exactly that state, for compatibility.
            (None, _) if limit > 0 => page.revision = Some(given),
            _ => page.at_least = given,
        }
        Ok(page)
    }
}

fn validate(
    rule: Option<&str>,
    version: Option<&str>,
    token: Option<&str>,
    initial_events: bool,
) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    let mut forbid = |field: &str, message: &str| {
        causes.push(Cause {
            reason: "FieldValueForbidden".to_owned(),
            message: format!("Forbidden: {message}"),
            field: field.to_owned(),
        });
    };
    const RULE: &str = "resourceVersionMatch";
    if let Some(rule) = rule {
        if version.is_none() {
            forbid(RULE, "resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if token.is_some() {
            forbid(RULE, "resourceVersionMatch is forbidden when continue is provided");
        }
        if rule == "Exact" && version == Some("0") {
            forbid(RULE, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
    }
    if initial_events {
        forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if let Some(rule) = rule.filter(|rule| !matches!(*rule, "Exact" | "NotOlderThan")) {
        let cause = Cause {
            reason: "FieldValueNotSupported".to_owned(),
            message: format!(
                "Unsupported value: {rule:?}: supported values: \"Exact\", \"NotOlderThan\", \"\""
            ),
            field: RULE.to_owned(),
        };
        // Before what is said about initial events.
        let at = causes.iter().position(|c| c.field != RULE).unwrap_or(causes.len());
        causes.insert(at, cause);
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &causes))
}

/// Where the next chunk of a list begins.
pub(super) struct Continue {
    /// The state that all chunks show; `None` goes on in whatever is there.
    pub(super) revision: Option<u64>,
    pub(super) after: Key,
}

impl Continue {
    pub(super) fn encode(&self) -> String {
        let revision = self.revision.map_or(json!(-1), |revision| json!(revision));
        let token =
            json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{}\u{0}", self.after.as_str())});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    /// The token of an earlier answer; what is wrong with it goes on from "continue key is not valid".
    pub(super) fn decode(token: &str) -> Result<Self, String> {
        // Bits that are left over are no error to the real server.
        let lenient: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);
        let lenient = GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient);
        let bytes = lenient.decode(token).map_err(|_| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            let at = token.bytes().position(|byte| !known(byte)).unwrap_or(token.len());
            format!(": illegal base64 data at input byte {at}")
        })?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|error| not_json(&bytes, &error))?;
        let version = token["v"].as_str().unwrap_or_default();
        if version != "meta.k8s.io/v1" {
            return Err(format!(": server does not recognize this encoded version {version}"));
        }
        let revision = match token["rv"].as_i64().unwrap_or_default() {
            0 => {
                return Err(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)".to_owned());
            }
            revision => u64::try_from(revision).ok(),
        };
        let start = token["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(": encoded start key empty (version meta.k8s.io/v1)".to_owned());
        }
        let segments = start.strip_prefix('/').unwrap_or(start).split('/');
        if segments.into_iter().any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(format!(": {start}"));
        }
        // A token means "from here on", and all that this server gives away end in the smallest character.
        let after = start.strip_suffix('\u{0}').unwrap_or(start);
        Ok(Self { revision, after: Key::parse(after) })
    }
}

/// What the real server's parser says of bytes that begin like no JSON; others are told in the words of ours.
fn not_json(bytes: &[u8], error: &serde_json::Error) -> String {
    let begins = |byte: u8| matches!(byte, b'{' | b'[' | b'"' | b'-' | b't' | b'f' | b'n' | b'0'..=b'9');
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => ": unexpected end of JSON input".to_owned(),
        Some(byte) if !begins(*byte) => {
            format!(": invalid character '{}' looking for beginning of value", quoted(*byte))
        }
        Some(_) => format!(": {error}"),
    }
}

/// A byte as Go quotes it.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => "\\'".to_owned(),
        b'\\' => "\\\\".to_owned(),
        0x07 => "\\a".to_owned(),
        0x08 => "\\b".to_owned(),
        0x0b => "\\v".to_owned(),
        0x0c => "\\f".to_owned(),
        0x00..0x20 | 0x7f => format!("\\x{byte:02x}"),
        0x80..=0xa0 | 0xad => format!("\\u{byte:04x}"),
        other => char::from(other).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_continue_token_survives_the_way_to_the_client_and_back() {
        let token = Continue { revision: Some(7), after: Key::new("ns", "a") }.encode();
        let back = Continue::decode(&token).unwrap();
        assert_eq!((back.revision, back.after), (Some(7), Key::new("ns", "a")));
    }

    // The messages are those of a kube-apiserver 1.36.3.
    #[test]
    fn broken_tokens_are_refused_with_what_is_wrong() {
        let json = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let tokens = [
            "abc".to_owned(),
            "%%%".to_owned(),
            json("{}"),
            json(r#"{"v":"meta.k8s.io/v1","rv":0,"start":"a"}"#),
            json(r#"{"v":"meta.k8s.io/v1","rv":5}"#),
            json(r#"{"v":"meta.k8s.io/v1","rv":5,"start":"../secrets"}"#),
        ];
        let messages: Vec<String> =
            tokens.iter().map(|token| Continue::decode(token).err().unwrap()).collect();
        expect![[r#"
            : invalid character 'i' looking for beginning of value
            : illegal base64 data at input byte 0
            : server does not recognize this encoded version 
            : incorrect encoded start resourceVersion (version meta.k8s.io/v1)
            : encoded start key empty (version meta.k8s.io/v1)
            : ../secrets"#]]
        .assert_eq(&messages.join("\n"));
    }

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let causes = |rule, version, token| match validate(rule, version, token, false) {
            Ok(()) => 0,
            Err(error) => error.details.unwrap()["causes"].as_array().unwrap().len(),
        };
        assert_eq!(causes(Some("Exact"), Some("5"), None), 0);
        assert_eq!(causes(Some("Exact"), Some("0"), None), 1);
        assert_eq!(causes(Some("Foo"), None, Some("token")), 3);
    }
}
