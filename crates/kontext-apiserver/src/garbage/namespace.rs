//! The end of a namespace: first everything in it, then its own finalizer.

use kube::api::{DeleteParams, DynamicObject, ListParams};
use kube::core::Request;
use kube::{Api, Client, Error};
use serde_json::{Value, json};

use super::source::api_resource;
use crate::kinds::Registry;

/// Deletes what is in the namespace; once nothing is, takes the finalizer away.
///
/// Fails with a conflict that makes the caller try again while something is still ending.
pub(super) async fn end(client: &Client, registry: &Registry, name: &str) -> Result<(), Error> {
    let mut left = 0;
    let stored = registry.stored().into_iter().filter(|resource| resource.namespaced);
    for resource in stored {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), name, &api_resource(resource));
        if !api.list_metadata(&ListParams::default()).await?.items.is_empty() {
            api.delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
            left += api.list_metadata(&ListParams::default()).await?.items.len();
        }
    }
    if left > 0 {
        return Err(Error::Service(format!("{left} objects in namespace {name} are still ending").into()));
    }
    let request = Request::new("/api/v1/namespaces");
    let get = request.get(name, &kube::api::GetParams::default()).map_err(Error::BuildRequest)?;
    let mut namespace: Value = client.request(get).await?;
    namespace["spec"]["finalizers"] = json!([]);
    let put = http::Request::put(format!("/api/v1/namespaces/{name}/finalize"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(namespace.to_string().into_bytes())
        .map_err(Error::HttpError)?;
    client.request::<Value>(put).await.map(|_| ())
}
