//! The question that a webhook is asked: an `AdmissionReview`.

use serde_json::{Map, Value, json};

use super::attributes::Attributes;
use super::matching::Invocation;

/// Builds the review of a request. `object` and `old` are in the version of the invocation.
pub(super) fn review(
    version: &str,
    uid: &str,
    attributes: &Attributes<'_>,
    invocation: &Invocation,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Value {
    let target = attributes.target;
    let resource = |group: &str, version: &str, plural: &str| json!({"group": group, "version": version, "resource": plural});
    let (asked, seen) = (&target.resource, &invocation.resource);
    let mut request = Map::new();
    let mut put = |name: &str, value: Value| {
        if value != "" {
            request.insert(name.to_owned(), value);
        }
    };
    put("uid", json!(uid));
    put("kind", invocation.kind.json());
    put("resource", resource(&seen.group, &seen.version, &seen.plural));
    put("subResource", json!(target.subresource));
    put("requestKind", attributes.kind.json());
    put("requestResource", resource(&asked.group, &asked.version, &asked.plural));
    put("requestSubResource", json!(target.subresource));
    put("name", json!(attributes.name));
    put("namespace", json!(attributes.namespace));
    put("operation", json!(attributes.operation.as_str()));
    put("userInfo", attributes.user.info());
    put("object", object.cloned().unwrap_or(Value::Null));
    put("oldObject", old.cloned().unwrap_or(Value::Null));
    put("dryRun", json!(attributes.dry_run));
    put("options", attributes.options.clone());
    json!({
        "kind": "AdmissionReview",
        "apiVersion": format!("admission.k8s.io/{version}"),
        "request": request,
    })
}
