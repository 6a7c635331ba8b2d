//! The Node objects: made once, kept Ready.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::act::FIELD_MANAGER;

/// The taint that the server puts on each new node.
const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// The address of the node with this number.
pub(super) fn address(index: u16) -> Option<String> {
    let [high, low] = index.checked_add(1)?.to_be_bytes();
    Some(Ipv4Addr::new(192, 168, high, low).to_string())
}

/// Makes a node if it is not there, and says that it is alive and ready.
pub(super) async fn ensure(client: &Client, name: &str) -> Result<(), kube::Error> {
    let api: Api<Node> = Api::all(client.clone());
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let node = match api.get_opt(name).await? {
        Some(node) => node,
        None => create(&api, name).await?,
    };
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ready = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref())
        .and_then(|conditions| conditions.iter().find(|condition| condition.type_ == "Ready"))
        .filter(|condition| condition.status == "True")
        .and_then(|condition| condition.last_transition_time.as_ref());
    let since = ready.map_or_else(|| json!(now), |time| json!(time));
    let index = name.rsplit('-').next().and_then(|index| index.parse().ok());
    let address = index.and_then(address).unwrap_or_default();
    let room = json!({"cpu": "1000", "memory": "4Ti", "pods": "100000", "ephemeral-storage": "10Ti"});
    let status = json!({"status": {
        "capacity": room,
        "allocatable": room,
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
            "message": "simulated kubelet is ready", "lastHeartbeatTime": now, "lastTransitionTime": since}],
        "nodeInfo": {"kubeletVersion": concat!("kontext-", env!("CARGO_PKG_VERSION")), "operatingSystem": "linux",
            "architecture": "amd64", "osImage": "simulated", "kernelVersion": "simulated",
            "containerRuntimeVersion": "sim://1", "kubeProxyVersion": "", "machineID": name, "systemUUID": name,
            "bootID": name},
    }});
    let patched = api.patch_status(name, &params, &Patch::Strategic(status)).await?;
    let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
    if taints.iter().any(|taint| taint.key == NOT_READY) {
        let others: Vec<_> = taints.iter().filter(|taint| taint.key != NOT_READY).collect();
        let patch = json!({"metadata": {"resourceVersion": patched.metadata.resource_version}, "spec": {"taints": others}});
        api.patch(name, &params, &Patch::Merge(patch)).await?;
    }
    Ok(())
}

async fn create(api: &Api<Node>, name: &str) -> Result<Node, kube::Error> {
    let labels = [
        ("kubernetes.io/hostname", name),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("kontext.dev/simulated", "true"),
    ];
    let mut node = Node::default();
    node.metadata.name = Some(name.to_owned());
    node.metadata.labels =
        Some(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match api.create(&params, &node).await {
        // Somebody was faster; it is there.
        Err(kube::Error::Api(status)) if status.code == 409 => api.get(name).await,
        result => result,
    }
}
