//! The answer of a webhook: is it one, is it to the question, and what does it say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::failure::Failure;

/// What a webhook says about a request that it allows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// The JSON patch; empty where there is none.
    pub(super) patch: Vec<u8>,
    pub(super) warnings: Vec<String>,
    /// `None` if it allows, else the Status that it gives.
    pub(super) refusal: Option<Value>,
}

/// Reads the answer to the review with this uid.
pub(super) fn answer(version: &str, uid: &str, mutating: bool, body: &[u8]) -> Result<Answer, Failure> {
    let review = decode(version, body)?;
    let Some(response) = review.get("response").filter(|response| response.is_object()) else {
        return Err(Failure::invalid("webhook response was absent"));
    };
    let text = |field: &str| response[field].as_str().unwrap_or_default();
    let patch = STANDARD
        .decode(text("patch"))
        .map_err(|error| Failure::call(format!("response.patch is no base64: {error}")))?;
    let patch_type = response.get("patchType").filter(|value| !value.is_null()).map(|_| text("patchType"));
    if version == "v1" {
        if text("uid") != uid {
            return Err(Failure::invalid(format!("expected response.uid={uid:?}, got {:?}", text("uid"))));
        }
        check_patch(mutating, &patch, patch_type)?;
    }
    let warnings = response["warnings"].as_array().into_iter().flatten();
    let allowed = response["allowed"].as_bool().unwrap_or_default();
    Ok(Answer {
        patch: if mutating { patch } else { Vec::new() },
        warnings: warnings.filter_map(Value::as_str).map(str::to_owned).collect(),
        refusal: (!allowed).then(|| response["status"].clone()),
    })
}

fn check_patch(mutating: bool, patch: &[u8], patch_type: Option<&str>) -> Result<(), Failure> {
    let why = match (mutating, patch.is_empty(), patch_type) {
        (true, false, None) => "webhook returned response.patch but not response.patchType".to_owned(),
        (true, true, Some(_)) => "webhook returned response.patchType but not response.patch".to_owned(),
        (true, false, Some("")) => "webhook returned invalid response.patchType of \"\"".to_owned(),
        (true, false, Some(other)) if other != "JSONPatch" => {
            return Err(Failure::Calling(format!("unsupported patch type {other:?}")));
        }
        (false, false, _) => "validating webhook may not return response.patch".to_owned(),
        (false, true, Some(_)) => "validating webhook may not return response.patchType".to_owned(),
        _ => return Ok(()),
    };
    Err(Failure::invalid(why))
}

/// An `AdmissionReview` in the version that was asked in.
fn decode(version: &str, body: &[u8]) -> Result<Value, Failure> {
    let parse = |error: serde_json::Error| {
        Failure::call(format!("couldn't get version/kind; json parse error: {error}"))
    };
    let review: Value = serde_json::from_slice(body).map_err(parse)?;
    let text = |field: &str| review[field].as_str().unwrap_or_default();
    let expected = format!("admission.k8s.io/{version}");
    // What is not said is what was asked.
    let said = |field: &str, asked: &str| text(field).is_empty() || text(field) == asked;
    if !said("kind", "AdmissionReview") || !said("apiVersion", &expected) {
        return Err(Failure::invalid(format!(
            "expected webhook response of {expected}, Kind=AdmissionReview, got {}, Kind={}",
            text("apiVersion"),
            text("kind")
        )));
    }
    Ok(review)
}
