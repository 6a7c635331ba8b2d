//! What a real API server says about the built-in kinds, and whether the in-memory server's tables say the same.
//!
//! `cargo xtask kinds` writes the rows of `kontext-apiserver/src/kinds/table.rs` from aggregated discovery, and compares
//! the lists and maps in `kontext-apiserver/src/schema/types.txt` with the server's OpenAPI documents.

mod rows;
mod types;

use std::path::PathBuf;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::Value;

pub use rows::with_rows;
pub use types::differences;

const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Where the table of kinds is.
pub fn table_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../kontext-apiserver/src/kinds/table.rs")
}

/// Where the table of types is.
pub fn types_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../kontext-apiserver/src/schema/types.txt")
}

/// Aggregated discovery of all groups, the core group first.
///
/// # Errors
///
/// The server cannot be asked, or answers with something else.
pub async fn discovery(client: &Client) -> Result<Vec<Value>> {
    let mut groups = Vec::new();
    for path in ["/api", "/apis"] {
        let request = http::Request::get(path).header("accept", DISCOVERY).body(Vec::new())?;
        let answer: Value = client.request(request).await.with_context(|| format!("get {path}"))?;
        let items = answer["items"].as_array().with_context(|| format!("{path}: no aggregated discovery"))?;
        groups.extend(items.iter().cloned());
    }
    Ok(groups)
}

/// The schemas of all stable versions that the server has OpenAPI documents for, by name.
///
/// # Errors
///
/// The server cannot be asked, or answers with something else.
pub async fn schemas(client: &Client) -> Result<serde_json::Map<String, Value>> {
    let get = |path: String| async move {
        let request = http::Request::get(&path).body(Vec::new())?;
        client.request::<Value>(request).await.with_context(|| format!("get {path}"))
    };
    let index = get("/openapi/v3".to_owned()).await?;
    let mut schemas = serde_json::Map::new();
    for (path, document) in index["paths"].as_object().context("no index of documents")? {
        let version = path.rsplit('/').next().unwrap_or_default();
        if !path.starts_with("api") || !matches!(version, "v1" | "v2") {
            continue;
        }
        let url = document["serverRelativeURL"].as_str().context("a document without an address")?;
        let mut document = get(url.to_owned()).await?;
        if let Value::Object(found) = document["components"]["schemas"].take() {
            schemas.extend(found);
        }
    }
    Ok(schemas)
}
