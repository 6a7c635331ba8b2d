//! A cluster behind a client.

use std::{future::Future, time::Duration};

use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroup;
use kontext_core::text::harmless;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams},
};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    Cluster, Key,
    discovery::{Choice, Resource, choose, resources},
    failure::Attempt,
};
use crate::{error::WhyError, query::KindName};

/// The API versions that hold nearly everything that is asked about: three requests instead of one for each group.
const FIRST: [&str; 3] = ["v1", "apps/v1", "batch/v1"];
/// API groups that are asked at the same time.
const AT_ONCE: usize = 8;
/// Events read of one object at most; the server keeps them for an hour.
const MAX_EVENTS: u32 = 500;

/// A live cluster. Every request is bounded in time, retries included.
#[derive(Clone)]
pub struct LiveCluster {
    client: Client,
    server: String,
    timeout: Duration,
    first: OnceCell<Vec<Resource>>,
    all: OnceCell<(Vec<Resource>, Vec<String>)>,
}

impl LiveCluster {
    /// A cluster behind a client, with 10 seconds for each request.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            server: "the address in the kubeconfig".into(),
            timeout: Duration::from_secs(10),
            first: OnceCell::new(),
            all: OnceCell::new(),
        }
    }

    /// Names the server in messages: its URL.
    #[must_use]
    pub fn with_server(mut self, url: &str) -> Self {
        self.server = harmless(url).into_owned();
        self
    }

    /// Gives each request, with its retries, this long.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn ask<T>(
        &self,
        attempt: &Attempt<'_>,
        request: impl Future<Output = kube::Result<T>> + Send,
    ) -> Result<T, WhyError> {
        match tokio::time::timeout(self.timeout, request).await {
            Ok(answer) => answer.map_err(|error| attempt.failed(&error)),
            Err(_) => Err(attempt.timed_out(self.timeout)),
        }
    }

    async fn list_resources(&self, api_version: &str) -> Result<Vec<Resource>, WhyError> {
        let attempt = self.attempt("get", format!("the API resources of {}", harmless(api_version)), None);
        let list = if api_version.contains('/') {
            self.ask(&attempt, self.client.list_api_group_resources(api_version)).await?
        } else {
            self.ask(&attempt, self.client.list_core_api_resources(api_version)).await?
        };
        Ok(resources(&list))
    }

    fn attempt<'a>(
        &'a self,
        verb: &'static str,
        resource: String,
        namespace: Option<&'a str>,
    ) -> Attempt<'a> {
        Attempt { verb, resource, namespace, object: None, server: &self.server }
    }

    /// The resources that nearly everybody asks for.
    async fn first(&self) -> Result<&Vec<Resource>, WhyError> {
        self.first
            .get_or_try_init(|| async {
                let mut found = Vec::new();
                for list in futures::future::join_all(FIRST.map(|version| self.list_resources(version))).await
                {
                    match list {
                        Ok(list) => found.extend(list),
                        // A server without this group, such as a small one for tests, still has the others.
                        Err(WhyError::Server { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(found)
            })
            .await
    }

    /// All resources, and the API versions that did not answer: an aggregated server may be down.
    async fn all(&self) -> Result<&(Vec<Resource>, Vec<String>), WhyError> {
        self.all
            .get_or_try_init(|| async {
                let attempt = self.attempt("get", "the API groups".into(), None);
                let groups = self.ask(&attempt, self.client.list_api_groups()).await?;
                let versions =
                    std::iter::once("v1".to_owned()).chain(groups.groups.iter().flat_map(versions));
                let answers: Vec<_> = stream::iter(versions)
                    .map(|version| async move { (self.list_resources(&version).await, version) })
                    .buffered(AT_ONCE)
                    .collect()
                    .await;
                let (mut found, mut unanswered) = (Vec::new(), Vec::new());
                for (answer, version) in answers {
                    match answer {
                        Ok(list) => found.extend(list),
                        Err(WhyError::Unauthorised(message)) => return Err(WhyError::Unauthorised(message)),
                        Err(_) => unanswered.push(harmless(&version).into_owned()),
                    }
                }
                Ok((found, unanswered))
            })
            .await
    }

    /// The resource of a key, by its API version where that is known.
    async fn resource(&self, key: &Key) -> Result<Resource, WhyError> {
        let (group, version) = match key.api_version().split_once('/') {
            Some((group, version)) => (Some(group), Some(version)),
            None if key.api_version().is_empty() => (None, None),
            None => (Some(""), Some(key.api_version())),
        };
        if version.is_some() {
            let matches = |r: &&Resource| r.kind == key.kind() && r.api_version() == key.api_version();
            if let Some(resource) = self.first().await?.iter().find(matches) {
                return Ok(resource.clone());
            }
            let list = self.list_resources(key.api_version()).await;
            if let Some(resource) = list.iter().flatten().find(matches) {
                return Ok(resource.clone());
            }
        }
        let kind = KindName { word: key.kind().into(), version: None, group: group.map(Into::into) };
        self.resolve(&kind).await
    }

    fn api(&self, resource: &Resource, namespace: Option<&str>) -> Api<DynamicObject> {
        let api_resource = ApiResource {
            group: resource.group.clone(),
            version: resource.version.clone(),
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            plural: resource.plural.clone(),
        };
        match namespace.filter(|_| resource.namespaced) {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &api_resource),
            None => Api::all_with(self.client.clone(), &api_resource),
        }
    }
}

/// The versions of a group, the preferred one first.
fn versions(group: &APIGroup) -> Vec<String> {
    let preferred = group.preferred_version.as_ref().map(|version| version.group_version.clone());
    let others = group.versions.iter().map(|version| version.group_version.clone());
    let others = others.filter(|version| Some(version) != preferred.as_ref());
    preferred.clone().into_iter().chain(others).collect()
}

impl Cluster for LiveCluster {
    async fn resolve(&self, kind: &KindName) -> Result<Resource, WhyError> {
        if let Choice::One(resource) = choose(self.first().await?, kind) {
            return Ok(resource.clone());
        }
        let (all, unanswered) = self.all().await?;
        let word = kind.to_string();
        match choose(all, kind) {
            Choice::One(resource) => Ok(resource.clone()),
            Choice::Several(candidates) => Err(WhyError::AmbiguousKind { word, candidates }),
            Choice::None => Err(WhyError::UnknownKind { word, unanswered: unanswered.clone() }),
        }
    }

    async fn object(&self, key: &Key) -> Result<Value, WhyError> {
        let resource = self.resource(key).await?;
        let namespace = key.namespace().filter(|_| resource.namespaced);
        let mut attempt = self.attempt("get", resource.full_name(), namespace);
        attempt.object = Some((key.to_string(), key.short()));
        let object = self.ask(&attempt, self.api(&resource, namespace).get(key.name())).await?;
        serde_json::to_value(object).map_err(|error| attempt.failed(&kube::Error::SerdeError(error)))
    }

    async fn events(&self, about: &Key) -> Result<Vec<Value>, WhyError> {
        // Events about objects without a namespace are in `default`.
        let namespace = about.namespace().unwrap_or("default");
        let attempt = self.attempt("list", "events".into(), Some(namespace));
        let events: Api<DynamicObject> = Api::namespaced_with(
            self.client.clone(),
            namespace,
            &ApiResource::erase::<k8s_openapi::api::core::v1::Event>(&()),
        );
        let selector = format!("involvedObject.kind={},involvedObject.name={}", about.kind(), about.name());
        let params = ListParams::default().fields(&selector).limit(MAX_EVENTS);
        let list = self.ask(&attempt, events.list(&params)).await?;
        let values: Result<Vec<Value>, _> = list.items.into_iter().map(serde_json::to_value).collect();
        values.map_err(|error| attempt.failed(&kube::Error::SerdeError(error)))
    }
}
