//! The least that a kubelet and a scheduler do, by the API alone: so that it plays the same on both servers.
//!
//! A pod without an owner of its own mind becomes ready; a Job's pod succeeds, or fails if its image is called
//! `fails`; a deleted pod goes.

use std::io::Write;

use anyhow::Result;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

/// Plays until it is dropped; ends early only with an error, which is told.
pub(crate) fn play(client: Client, namespace: &str) -> tokio::task::JoinHandle<()> {
    let pods: Api<Pod> = Api::namespaced(client, namespace);
    tokio::spawn(async move {
        // A watch ends by its time limit, as every watch does; then the next begins.
        loop {
            if let Err(error) = follow(&pods).await {
                let _ = writeln!(std::io::stderr(), "the kubelet of the session: {error:#}");
                return;
            }
        }
    })
}

async fn follow(pods: &Api<Pod>) -> Result<()> {
    let list = pods.list(&ListParams::default()).await?;
    for pod in &list.items {
        act(pods, pod).await?;
    }
    let from = list.metadata.resource_version.unwrap_or_default();
    let mut events = std::pin::pin!(pods.watch(&WatchParams::default(), &from).await?);
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => act(pods, &pod).await?,
            WatchEvent::Error(error) if error.code != 410 => anyhow::bail!("watch: {error}"),
            _ => {}
        }
    }
    Ok(())
}

async fn act(pods: &Api<Pod>, pod: &Pod) -> Result<()> {
    let name = pod.name_any();
    let done = if pod.metadata.deletion_timestamp.is_some() {
        pods.delete(&name, &DeleteParams::default().grace_period(0)).await.map(drop)
    } else if let Some(status) = next(pod) {
        let patch = Patch::Merge(json!({"status": status}));
        pods.patch_status(&name, &PatchParams::apply("kubelet"), &patch).await.map(drop)
    } else {
        Ok(())
    };
    match done {
        // Somebody was faster.
        Err(kube::Error::Api(error)) if matches!(error.code, 404 | 409) => Ok(()),
        done => Ok(done?),
    }
}

/// The status that a pod gets; `None` if it has it.
fn next(pod: &Pod) -> Option<Value> {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    if phase != "Pending" {
        return None;
    }
    let container = pod.spec.as_ref()?.containers.first()?;
    let of_job = pod.owner_references().iter().any(|owner| owner.kind == "Job");
    let fails = container.image.as_deref().is_some_and(|image| image.contains("fails"));
    let (phase, ready) = match (of_job, fails) {
        (true, true) => ("Failed", "False"),
        (true, false) => ("Succeeded", "False"),
        (false, _) => ("Running", "True"),
    };
    let conditions: Vec<Value> = ["PodScheduled", "Initialized", "ContainersReady", "Ready"]
        .map(|kind| {
            let status = if kind.ends_with("Ready") { ready } else { "True" };
            json!({"type": kind, "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z"})
        })
        .into();
    Some(
        json!({"phase": phase, "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}], "conditions": conditions}),
    )
}
