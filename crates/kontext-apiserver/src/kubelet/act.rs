//! The API calls for Pods.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::state::{Outcome, Step};
use super::status::{self, Report};

pub(super) const FIELD_MANAGER: &str = "kubelet";
const SCHEDULER: &str = "kube-scheduler";

/// Does one step for a Pod.
pub(super) async fn act(client: &Client, pod: &Pod, step: &Step, now: Timestamp) -> Outcome {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let result = match step {
        Step::Bind(node) => bind(&api, pod, name, node).await,
        Step::Unschedulable(why) => patch(&api, name, SCHEDULER, status::unschedulable(pod, why, now)).await,
        Step::Report { stage, gates, ip, host_ip } => {
            let report = Report { pod, stage: *stage, gates: *gates, ip, host_ip, now };
            patch(&api, name, FIELD_MANAGER, report.patch()).await
        }
        Step::Remove => {
            let only_this = Preconditions { uid: pod.metadata.uid.clone(), resource_version: None };
            let params = DeleteParams {
                grace_period_seconds: Some(0),
                preconditions: Some(only_this),
                ..DeleteParams::default()
            };
            api.delete(name, &params).await.map(|_| ())
        }
        Step::Wait(_) | Step::Nothing => Ok(()),
    };
    match result {
        Ok(()) => Outcome::Done,
        Err(kube::Error::Api(status)) if status.code == 404 || is_about_uid(&status) => Outcome::Gone,
        Err(error) => {
            tracing::debug!(%namespace, name, ?step, %error, "the step failed and is tried again");
            Outcome::Failed
        }
    }
}

async fn patch(api: &Api<Pod>, name: &str, manager: &str, body: Value) -> Result<(), kube::Error> {
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    api.patch_status(name, &params, &Patch::Strategic(body)).await.map(|_| ())
}

async fn bind(api: &Api<Pod>, pod: &Pod, name: &str, node: &str) -> Result<(), kube::Error> {
    let binding = json!({
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name, "uid": pod.metadata.uid},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    });
    api.create_subresource::<_, Value>("binding", name, &PostParams::default(), &binding).await.map(|_| ())
}

/// A conflict because the name now belongs to another Pod.
fn is_about_uid(status: &Status) -> bool {
    status.code == 409 && (status.message.contains("UID") || status.message.contains("uid"))
}
