//! Questions about users that are asked by creating an object which is answered and not kept: who am I, may I, whose is
//! this token. Everybody may do everything here, so the answers are short.

use http::StatusCode;
use serde_json::{Value, json};

use super::write::decode_object;
use super::{Call, Reply};
use crate::error::{ApiError, Cause, invalid_value};
use crate::kinds::Resource;
use crate::object;
use crate::store::Stored;

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// Whether objects of this kind are answered and not kept.
pub(crate) fn is_review(resource: &Resource) -> bool {
    matches!(resource.group.as_str(), AUTHENTICATION | AUTHORIZATION)
}

/// Answers a review.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, ApiError> {
    let target = call.target;
    let resource = &target.resource;
    let encoded = super::write::encoded(call);
    let mut review = decode_object(encoded, &resource.group, &resource.version, &resource.kind)?;
    let status = match resource.kind.as_str() {
        "SelfSubjectReview" => json!({"userInfo": call.user.info()}),
        "TokenReview" => token(call, &review)?,
        "SelfSubjectRulesReview" => rules(&review)?,
        kind => access(&review, kind != "SelfSubjectAccessReview", &target.namespace)?,
    };
    object::metadata(&mut review);
    if !target.namespace.is_empty() {
        object::metadata(&mut review).insert("namespace".to_owned(), json!(target.namespace));
    }
    review["status"] = status;
    call.plain_reply(StatusCode::CREATED, &Stored::unsaved(review), false)
}

fn token(call: &Call<'_>, review: &Value) -> Result<Value, ApiError> {
    let token = object::text(review, &["spec", "token"]);
    if token.is_empty() {
        return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
    }
    Ok(match call.shared.tokens.user(token) {
        Some(user) => json!({"authenticated": true, "user": user.info()}),
        None => json!({"error": "invalid bearer token", "user": {}}),
    })
}

fn rules(review: &Value) -> Result<Value, ApiError> {
    if object::text(review, &["spec", "namespace"]).is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    Ok(json!({
        "incomplete": false,
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }))
}

fn access(review: &Value, of_somebody: bool, namespace: &str) -> Result<Value, ApiError> {
    let spec = &review["spec"];
    let given = |field: &str| !spec[field].is_null();
    let mut causes: Vec<Cause> = Vec::new();
    if given("resourceAttributes") == given("nonResourceAttributes") {
        let (field, why) = if given("resourceAttributes") {
            ("spec.nonResourceAttributes", "cannot be specified in combination with resourceAttributes")
        } else {
            (
                "spec.resourceAttributes",
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            )
        };
        let value =
            if given("resourceAttributes") { spec["nonResourceAttributes"].clone() } else { Value::Null };
        causes.push(invalid_value(field, value, why));
    }
    let nobody =
        object::text(spec, &["user"]).is_empty() && spec["groups"].as_array().is_none_or(Vec::is_empty);
    if of_somebody && nobody {
        causes.push(invalid_value("spec.user", "\"\"", "at least one of user or group must be specified"));
    }
    if !causes.is_empty() {
        return Err(ApiError::invalid(AUTHORIZATION, "", "", &causes));
    }
    let asked = object::text(spec, &["resourceAttributes", "namespace"]);
    if !namespace.is_empty() && asked != namespace {
        let why = format!("must match metadata.namespace: {namespace:?}");
        let cause = invalid_value("spec.resourceAttributes.namespace", json!(asked), &why);
        return Err(ApiError::invalid(AUTHORIZATION, "", "", &[cause]));
    }
    Ok(json!({"allowed": true}))
}
