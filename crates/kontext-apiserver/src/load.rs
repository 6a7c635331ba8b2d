//! Objects that are there when a test begins: from values, YAML text, files and folders.

use std::path::{Path, PathBuf};

use http::Request;
use http_body_util::{BodyExt, Full};
use kube::core::{DynamicObject, Status};
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt;

use crate::kinds::Resource;
use crate::server::{ApiServer, DEFAULT_USER};

/// Objects that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder has no manifests.
    #[error("{path} has no files that end in .yaml, .yml or .json")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A text is no YAML.
    #[error("{origin} is no YAML: {why}")]
    Yaml {
        /// The file, or `text`.
        origin: String,
        /// Where and why.
        why: String,
    },
    /// A value is no object of the API.
    #[error("{what}: an object needs apiVersion, kind and metadata")]
    NoObject {
        /// The value, or its beginning.
        what: String,
    },
    /// The server does not serve this kind.
    #[error("{what}: no such kind is served; load its CustomResourceDefinition before it, or with it")]
    UnknownKind {
        /// apiVersion, kind and name.
        what: String,
    },
    /// The server refused an object.
    #[error("{what}: {}", .status.message)]
    Refused {
        /// apiVersion, kind and name.
        what: String,
        /// Why.
        status: Box<Status>,
    },
}

impl ApiServer {
    /// Creates these objects, in this order but for Namespaces and CustomResourceDefinitions, which come first. Lists
    /// are taken apart. A `status` is written too, so that a test can begin anywhere. Objects without a namespace go
    /// to `default`.
    ///
    /// ```
    /// # use kontext_apiserver::{ApiServer, LoadError};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), LoadError> {
    /// let server = ApiServer::builder().repeatable(1).start().await;
    /// let loaded = server.load_yaml("
    ///   {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
    /// ").await?;
    /// assert_eq!(loaded[0].metadata.name.as_deref(), Some("shop"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn load<O: Serialize>(
        &self,
        objects: impl IntoIterator<Item = O>,
    ) -> Result<Vec<DynamicObject>, LoadError> {
        let mut values = Vec::new();
        for object in objects {
            let value = serde_json::to_value(object)
                .map_err(|error| LoadError::NoObject { what: error.to_string() })?;
            flatten(value, &mut values);
        }
        // Stable: otherwise in the order given.
        values.sort_by_key(rank);
        let mut loaded = Vec::with_capacity(values.len());
        for value in values {
            loaded.push(self.load_one(value).await?);
        }
        Ok(loaded)
    }

    /// [`ApiServer::load`] of the documents of a YAML (or JSON) text.
    pub async fn load_yaml(&self, text: &str) -> Result<Vec<DynamicObject>, LoadError> {
        self.load(documents("text", text)?).await
    }

    /// [`ApiServer::load`] of a file, or of all `.yaml`, `.yml` and `.json` files in a folder, by name.
    pub async fn load_path(&self, path: impl AsRef<Path>) -> Result<Vec<DynamicObject>, LoadError> {
        let mut objects = Vec::new();
        for file in files(path.as_ref())? {
            let text = std::fs::read_to_string(&file)
                .map_err(|source| LoadError::Read { path: file.clone(), source })?;
            objects.extend(documents(&file.display().to_string(), &text)?);
        }
        self.load(objects).await
    }

    async fn load_one(&self, object: Value) -> Result<DynamicObject, LoadError> {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let name = object["metadata"]["name"].as_str().or(object["metadata"]["generateName"].as_str());
        if api_version.is_empty() || kind.is_empty() || name.is_none() {
            let what = object.to_string().chars().take(80).collect();
            return Err(LoadError::NoObject { what });
        }
        let what = format!("{api_version} {kind} {}", name.unwrap_or_default());
        let resource = self
            .resource_of(api_version, kind)
            .ok_or_else(|| LoadError::UnknownKind { what: what.clone() })?;
        let path = collection(&resource, object["metadata"]["namespace"].as_str().unwrap_or("default"));
        let mut created = self.send("POST", &path, &what, &object).await?;
        let has_status =
            object.get("status").is_some_and(|status| status.as_object().is_none_or(|s| !s.is_empty()));
        if has_status && resource.subresource("status").is_some() {
            created["status"] = object["status"].clone();
            let name = created["metadata"]["name"].as_str().unwrap_or_default();
            created = self.send("PUT", &format!("{path}/{name}/status"), &what, &created).await?;
        }
        serde_json::from_value(created).map_err(|_| LoadError::NoObject { what })
    }

    async fn send(&self, method: &str, path: &str, what: &str, body: &Value) -> Result<Value, LoadError> {
        let refused = |status| LoadError::Refused { what: what.to_owned(), status: Box::new(status) };
        let broken = |why: String| refused(Status::failure(&why, "InternalError").with_code(500));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("user-agent", "load")
            .body(Full::new(bytes::Bytes::from(body.to_string())))
            .map_err(|error| broken(error.to_string()))?;
        let response = self
            .service_for(DEFAULT_USER)
            .oneshot(request)
            .await
            .map_err(|reset| broken(reset.to_string()))?;
        let failed = !response.status().is_success();
        let bytes =
            response.into_body().collect().await.map_err(|reset| broken(reset.to_string()))?.to_bytes();
        if failed {
            let status = serde_json::from_slice(&bytes);
            return Err(refused(
                status.unwrap_or_else(|_| Status::failure(&String::from_utf8_lossy(&bytes), "")),
            ));
        }
        serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))
    }
}

/// Where the objects of a resource are created.
fn collection(resource: &Resource, namespace: &str) -> String {
    let root = if resource.group.is_empty() {
        format!("/api/{}", resource.version)
    } else {
        format!("/apis/{}/{}", resource.group, resource.version)
    };
    match resource.namespaced {
        true => format!("{root}/namespaces/{namespace}/{}", resource.plural),
        false => format!("{root}/{}", resource.plural),
    }
}

fn flatten(value: Value, into: &mut Vec<Value>) {
    let is_list = value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match value {
        Value::Array(values) => values.into_iter().for_each(|value| flatten(value, into)),
        Value::Object(mut list) if is_list && list.get("items").is_some_and(Value::is_array) => {
            if let Some(items) = list.remove("items") {
                flatten(items, into);
            }
        }
        value => into.push(value),
    }
}

/// What others need comes first.
fn rank(object: &Value) -> u8 {
    match object["kind"].as_str() {
        Some("Namespace") => 0,
        Some("CustomResourceDefinition") => 1,
        _ => 2,
    }
}

fn documents(origin: &str, text: &str) -> Result<Vec<Value>, LoadError> {
    serde_saphyr::from_multiple(text)
        .map_err(|error| LoadError::Yaml { origin: origin.to_owned(), why: error.to_string() })
}

fn files(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let read = |source| LoadError::Read { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(read)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(read)? {
        let file = entry.map_err(read)?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("yaml" | "yml" | "json")) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(LoadError::Empty { path: path.to_owned() }) } else { Ok(files) }
}
