//! Everything that is not a resource: which resources there are, the version, health.

mod aggregated;
mod legacy;
mod openapi;
mod schemas;

use std::hash::{DefaultHasher, Hash, Hasher};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::kinds::Registry;
use crate::service::Reply;
use crate::service::negotiate::{negotiate, wants_aggregated_discovery};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answers a request for a path that is no resource.
pub(crate) fn answer(
    registry: &Registry,
    method: &Method,
    path: &str,
    accept: &str,
    known_etag: &str,
) -> Result<Reply, ApiError> {
    let aggregated = wants_aggregated_discovery(Some(accept));
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let value = match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => return only_get(method, Reply::text("ok")),
        ["version"] => {
            // People read this one as it comes.
            let text = format!("{:#}", version());
            return only_get(method, Reply::bytes(StatusCode::OK, text, false));
        }
        ["api"] if aggregated => return tagged(method, &aggregated::core(registry), AGGREGATED, known_etag),
        ["apis"] if aggregated => {
            return tagged(method, &aggregated::groups(registry), AGGREGATED, known_etag);
        }
        ["api"] => legacy::core_versions(),
        ["apis"] => legacy::group_list(registry),
        ["api", version] => {
            legacy::resource_list(registry, "", version).ok_or_else(ApiError::page_not_found)?
        }
        ["apis", group] => legacy::group(registry, group).ok_or_else(ApiError::page_not_found)?,
        ["apis", group, version] => {
            legacy::resource_list(registry, group, version).ok_or_else(ApiError::page_not_found)?
        }
        ["openapi", "v2"] => {
            // There is no merged document, and clients that would read it take protobuf only.
            return Err(ApiError::no_such_path());
        }
        ["openapi", "v3"] => openapi::index(registry),
        ["openapi", "v3", "api", version] => {
            openapi::document(registry, "", version).ok_or_else(ApiError::page_not_found)?
        }
        ["openapi", "v3", "apis", group, version] => {
            openapi::document(registry, group, version).ok_or_else(ApiError::page_not_found)?
        }
        [] => json!({"paths": paths(registry)}),
        _ => return Err(ApiError::page_not_found()),
    };
    negotiate(Some(accept), false)?;
    only_get(method, Reply::json(StatusCode::OK, &value, false))
}

fn only_get(method: &Method, reply: Reply) -> Result<Reply, ApiError> {
    if method == Method::GET || method == Method::HEAD {
        Ok(reply)
    } else {
        Err(ApiError::method_not_allowed())
    }
}

/// A document that clients keep: with a tag, and nothing but the tag where they have it already.
fn tagged(
    method: &Method,
    value: &Value,
    content_type: &'static str,
    known: &str,
) -> Result<Reply, ApiError> {
    let text = value.to_string();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let etag = format!("\"{:016X}\"", hasher.finish());
    let mut reply = if known == etag {
        Reply::bytes(StatusCode::NOT_MODIFIED, "", false)
    } else {
        Reply::bytes(StatusCode::OK, text, false)
    };
    reply.content_type = content_type;
    reply.etag = Some(etag);
    only_get(method, reply)
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "gitVersion": "v1.36.3",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn paths(registry: &Registry) -> Vec<String> {
    let mut paths =
        vec!["/api".to_owned(), "/apis".to_owned(), "/openapi/v3".to_owned(), "/version".to_owned()];
    for path in ["/healthz", "/livez", "/readyz"] {
        paths.push(path.to_owned());
    }
    for (group, versions) in registry.groups() {
        if !group.is_empty() {
            paths.push(format!("/apis/{group}"));
        }
        paths.extend(versions.into_iter().map(|version| group_path(group, version)));
    }
    paths.sort();
    paths
}

/// `/api/v1` or `/apis/group/version`.
fn group_path(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}
