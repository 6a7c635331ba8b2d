//! The Node objects: made at the start, kept Ready, their Leases renewed. Which node needs what is decided by its
//! object; nothing is written to one that is well.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, NodeCondition, Pod, Taint};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::act::FIELD_MANAGER;
use super::config::Config;
use super::status::time;
use super::watch::Change;
use super::{Down, SIMULATED};

/// The taints of nodes that are not ready or were not heard of, which the node lifecycle controller would take away.
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// How often a node says again in its status that it is well, as a real kubelet where nothing changes.
const STATUS_EVERY: Duration = Duration::from_secs(300);

/// How often a write that others get in the way of is tried.
const ATTEMPTS: usize = 5;

const LEASES: &str = "kube-node-lease";

/// Where nodes are: by their number, or any place for those without one.
pub(super) fn address(name: &str) -> String {
    let digits = name.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let number = digits.parse::<u16>().ok().and_then(|number| number.checked_add(1)).unwrap_or_else(|| {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        (hasher.finish() >> 48) as u16
    });
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(192, 168, high, low).to_string()
}

/// Makes a node if it is not there, and says that it is ready.
pub(super) async fn make(client: &Client, name: &str, now: Timestamp) -> Result<(), kube::Error> {
    let api: Api<Node> = Api::all(client.clone());
    let labels = json!({"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        SIMULATED: "true"});
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
    let node: Node = serde_json::from_value(node).map_err(kube::Error::SerdeError)?;
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let node = match api.create(&params, &node).await {
        // It is there already.
        Err(kube::Error::Api(status)) if status.code == 409 => api.get(name).await,
        result => result,
    }?;
    revive(client, &node, now).await
}

/// Says that a node is ready, unless it says so itself, and takes the taints away that say otherwise.
pub(super) async fn revive(client: &Client, node: &Node, now: Timestamp) -> Result<(), kube::Error> {
    if is_well(node) {
        return Ok(());
    }
    let api: Api<Node> = Api::all(client.clone());
    let name = node.metadata.name.as_deref().unwrap_or_default();
    api.patch_status(name, &params(), &Patch::Strategic(ready(node, now))).await?;
    change_taints(&api, name, &[]).await
}

/// What the node lifecycle controller does about a node that it hears nothing of, at once: the node is `Unknown` and
/// unreachable, its Pods are not ready.
pub(super) async fn lose(client: &Client, name: &str, now: Timestamp) -> Result<(), kube::Error> {
    let api: Api<Node> = Api::all(client.clone());
    let unknown = |kind: &str| {
        json!({"type": kind, "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.", "lastTransitionTime": time(now)})
    };
    let conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map(unknown);
    let body = json!({"status": {"conditions": conditions}});
    api.patch_status(name, &params(), &Patch::Strategic(body)).await?;
    let added = |effect: &str| Taint {
        key: UNREACHABLE.to_owned(),
        effect: effect.to_owned(),
        time_added: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now)),
        value: None,
    };
    change_taints(&api, name, &[added("NoSchedule"), added("NoExecute")]).await?;
    let pods: Api<Pod> = Api::all(client.clone());
    for pod in pods.list(&ListParams::default().fields(&format!("spec.nodeName={name}"))).await?.items {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        if !conditions.into_iter().any(|c| c.type_ == "Ready" && c.status == "True") {
            continue;
        }
        let (Some(pod_name), Some(namespace)) = (&pod.metadata.name, &pod.metadata.namespace) else {
            continue;
        };
        let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let condition = json!({"type": "Ready", "status": "False", "lastTransitionTime": time(now)});
        let body = json!({"metadata": {"uid": pod.metadata.uid}, "status": {"conditions": [condition]}});
        match api.patch_status(pod_name, &params(), &Patch::Strategic(body)).await {
            // It went meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            result => drop(result?),
        }
    }
    Ok(())
}

fn params() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// Puts these taints in the place of those of the node lifecycle controller; others stay.
async fn change_taints(api: &Api<Node>, name: &str, wanted: &[Taint]) -> Result<(), kube::Error> {
    for attempt in 1.. {
        let node = api.get(name).await?;
        let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
        let has =
            || taints.iter().filter(|taint| is_of_lifecycle(taint)).map(|taint| (&taint.key, &taint.effect));
        if has().eq(wanted.iter().map(|taint| (&taint.key, &taint.effect))) {
            return Ok(());
        }
        let taints: Vec<&Taint> =
            taints.iter().filter(|taint| !is_of_lifecycle(taint)).chain(wanted).collect();
        let version = &node.metadata.resource_version;
        let body = json!({"metadata": {"resourceVersion": version}, "spec": {"taints": taints}});
        match api.patch(name, &params(), &Patch::Merge(body)).await {
            // Somebody else writes nodes too.
            Err(kube::Error::Api(status)) if status.code == 409 && attempt < ATTEMPTS => {}
            result => return result.map(|_| ()),
        }
    }
    Ok(())
}

fn condition<'a>(node: &'a Node, kind: &str) -> Option<&'a NodeCondition> {
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

fn is_of_lifecycle(taint: &Taint) -> bool {
    taint.key == NOT_READY || taint.key == UNREACHABLE
}

fn is_well(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    condition(node, "Ready").is_some_and(|ready| ready.status == "True")
        && !taints.iter().any(is_of_lifecycle)
}

/// The status of a node that is well. What it has of capacity and addresses it keeps.
fn ready(node: &Node, now: Timestamp) -> Value {
    let now = time(now);
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let holds = |kind: &str, status: &str, reason: &str, message: &str| {
        let since = condition(node, kind)
            .filter(|condition| condition.status == status)
            .and_then(|condition| condition.last_transition_time.as_ref())
            .map_or_else(|| json!(now), |time| json!(time));
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now,
            "lastTransitionTime": since})
    };
    let mut status = json!({
        "conditions": [
            holds("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            holds("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            holds("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            holds("Ready", "True", "KubeletReady", "simulated kubelet is posting ready status"),
        ],
        "nodeInfo": {"kubeletVersion": concat!("kontext-", env!("CARGO_PKG_VERSION")), "operatingSystem": "linux",
            "architecture": "amd64", "osImage": "simulated", "kernelVersion": "simulated",
            "containerRuntimeVersion": "sim://1", "kubeProxyVersion": "", "machineID": name, "systemUUID": name,
            "bootID": name},
    });
    let has = node.status.as_ref();
    if has.and_then(|status| status.capacity.as_ref()).is_none_or(BTreeMap::is_empty) {
        let room = json!({"cpu": "1000", "memory": "4Ti", "pods": "100000", "ephemeral-storage": "10Ti"});
        status["allocatable"] = room.clone();
        status["capacity"] = room;
    }
    if has.and_then(|status| status.addresses.as_ref()).is_none_or(Vec::is_empty) {
        status["addresses"] =
            json!([{"type": "InternalIP", "address": address(name)}, {"type": "Hostname", "address": name}]);
    }
    json!({"status": status})
}

/// Renews a node's Lease, or makes it.
async fn renew(client: &Client, node: &Node, every: Duration, now: Timestamp) -> Result<(), kube::Error> {
    let api: Api<Lease> = Api::namespaced(client.clone(), LEASES);
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let now = now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    match api.patch(name, &params(), &Patch::Merge(json!({"spec": {"renewTime": now}}))).await {
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        result => return result.map(|_| ()),
    }
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": name, "uid": node.metadata.uid});
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "ownerReferences": [owner]},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 4 * every.as_secs().max(1), "renewTime": now}});
    let lease = serde_json::from_value(lease).map_err(kube::Error::SerdeError)?;
    api.create(&PostParams::default(), &lease).await.map(|_| ())
}

/// A node and when its status was written last.
struct Kept {
    node: Box<Node>,
    status_at: Instant,
}

/// Keeps the nodes alive that are seen, as long as it is told of them.
pub(super) async fn keep(client: Client, config: Config, down: Down, mut seen: mpsc::Receiver<Change<Node>>) {
    let mut nodes: BTreeMap<String, Kept> = BTreeMap::new();
    // As the number of nodes grows, the Leases are renewed less often.
    let mut every = config.renew_every(config.nodes);
    let ticks = |every: Duration| {
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let mut beat = ticks(every);
    loop {
        tokio::select! {
            change = seen.recv() => {
                let Some(change) = change else { return };
                for node in note(&mut nodes, change) {
                    let Some(kept) = nodes.get(&node) else { continue };
                    if !down.lock().contains(&node)
                        && let Err(error) = revive(&client, &kept.node, config.clock.now()).await
                    {
                        tracing::debug!(%node, %error, "the node is revived with its next heartbeat");
                    }
                }
                let wanted = config.renew_every(nodes.len());
                if wanted != every {
                    every = wanted;
                    beat = ticks(every);
                }
            }
            _ = beat.tick() => {
                for (name, kept) in &mut nodes {
                    if down.lock().contains(name) {
                        continue;
                    }
                    if let Err(error) = heartbeat(&client, kept, every, config.clock.now()).await {
                        tracing::debug!(node = name, %error, "the heartbeat failed and is tried again");
                    }
                }
            }
        }
    }
}

/// Takes a change in; returns the nodes that are new or changed.
fn note(nodes: &mut BTreeMap<String, Kept>, change: Change<Node>) -> Vec<String> {
    let (all, list) = match change {
        Change::Listed(list) => (true, list),
        Change::Applied(node) => (false, vec![*node]),
        Change::Deleted(node) => {
            nodes.remove(node.metadata.name.as_deref().unwrap_or_default());
            return Vec::new();
        }
    };
    let mut names = Vec::with_capacity(list.len());
    for node in list {
        let name = node.metadata.name.clone().unwrap_or_default();
        names.push(name.clone());
        let status_at = nodes.get(&name).map_or_else(Instant::now, |kept| kept.status_at);
        nodes.insert(name, Kept { node: Box::new(node), status_at });
    }
    if all {
        nodes.retain(|name, _| names.contains(name));
    }
    names
}

async fn heartbeat(
    client: &Client,
    kept: &mut Kept,
    every: Duration,
    now: Timestamp,
) -> Result<(), kube::Error> {
    revive(client, &kept.node, now).await?;
    if kept.status_at.elapsed() >= STATUS_EVERY {
        let api: Api<Node> = Api::all(client.clone());
        let name = kept.node.metadata.name.as_deref().unwrap_or_default();
        api.patch_status(name, &params(), &Patch::Strategic(ready(&kept.node, now))).await?;
        kept.status_at = Instant::now();
    }
    renew(client, &kept.node, every, now).await
}
