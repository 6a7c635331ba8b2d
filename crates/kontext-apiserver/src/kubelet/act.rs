//! The API calls for Pods.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
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
        Step::Unschedulable(why) => {
            let said = patch(&api, name, SCHEDULER, status::unschedulable(pod, why, now)).await;
            match said {
                Ok(()) => failed_scheduling(client, pod, why, now).await,
                Err(error) => Err(error),
            }
        }
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

/// The event that `kubectl describe` shows.
async fn failed_scheduling(client: &Client, pod: &Pod, why: &str, now: Timestamp) -> Result<(), kube::Error> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    // The same for another attempt, as client-go's recorder names them.
    let mut hasher = DefaultHasher::new();
    (now.as_nanosecond(), why).hash(&mut hasher);
    let (number, now) = (hasher.finish(), status::time(now));
    let event = json!({
        "metadata": {"name": format!("{name}.{number:x}")},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": name,
            "uid": pod.metadata.uid},
        "type": "Warning", "reason": "FailedScheduling", "message": why,
        "source": {"component": "default-scheduler"}, "firstTimestamp": now,
        "lastTimestamp": now, "count": 1,
    });
    let event = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
    match events.create(&PostParams::default(), &event).await {
        // Said before, by an attempt whose answer was lost.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        result => result.map(|_| ()),
    }
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
