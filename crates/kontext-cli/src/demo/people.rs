//! People at their kubectl: each with a user, a client and the traces that their tool leaves.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::stage::Stage;

/// What kubectl calls itself; the field manager of its commands that name none is taken from it.
const KUBECTL: &str = "kubectl/v1.36.3 (demo)";

/// Somebody with a kubectl.
pub(super) struct Person {
    pub(super) name: &'static str,
    client: Client,
}

impl Person {
    pub(super) async fn enter(stage: &Stage, name: &'static str) -> anyhow::Result<Self> {
        let mut access = stage.access(name).await?;
        access.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(KUBECTL)));
        Ok(Self { name, client: Client::try_from(access)? })
    }

    /// `kubectl create namespace`
    pub(super) async fn create_namespace(&self, name: &str) -> anyhow::Result<()> {
        let namespace: Namespace = from(json!({"metadata": {"name": name}}))?;
        Api::all(self.client.clone()).create(&create(), &namespace).await?;
        Ok(())
    }

    /// `kubectl create deployment`
    pub(super) async fn create_deployment(
        &self,
        namespace: &str,
        name: &str,
        image: &str,
        replicas: usize,
    ) -> anyhow::Result<()> {
        let labels = json!({"app": name});
        let deployment: Deployment = from(json!({
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": name, "image": image}]},
                },
            },
        }))?;
        self.deployments(namespace).create(&create(), &deployment).await?;
        Ok(())
    }

    /// `kubectl scale deployment`: through `/scale`, with no field manager of its own.
    pub(super) async fn scale(&self, namespace: &str, name: &str, replicas: usize) -> anyhow::Result<()> {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.deployments(namespace).patch_scale(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// `kubectl set image deployment/NAME`
    pub(super) async fn set_image(
        &self,
        namespace: &str,
        name: &str,
        container: &str,
        image: &str,
    ) -> anyhow::Result<()> {
        let containers = json!([{"name": container, "image": image}]);
        let patch = Patch::Strategic(json!({"spec": {"template": {"spec": {"containers": containers}}}}));
        let params = PatchParams { field_manager: Some("kubectl-set".into()), ..PatchParams::default() };
        self.deployments(namespace).patch(name, &params, &patch).await?;
        Ok(())
    }

    /// `kubectl delete pod`
    pub(super) async fn delete_pod(&self, namespace: &str, name: &str) -> anyhow::Result<()> {
        Api::<Pod>::namespaced(self.client.clone(), namespace).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    fn deployments(&self, namespace: &str) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

fn create() -> PostParams {
    PostParams { field_manager: Some("kubectl-create".into()), ..PostParams::default() }
}

fn from<K: serde::de::DeserializeOwned>(value: Value) -> serde_json::Result<K> {
    serde_json::from_value(value)
}
