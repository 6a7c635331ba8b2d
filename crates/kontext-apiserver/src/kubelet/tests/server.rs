//! The kubelet against the in-memory server.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::kubelet::KubeletHandle;
use crate::kubelet::watch::{self, Change};
use crate::{ApiServer, Fault, Rule};

fn pod(name: &str, annotation: Option<&str>, spec: &Value) -> Pod {
    let mut pod = super::pod(name, &json!(annotation.map(|value| json!({"kontext.dev/sim": value}))), spec);
    (pod.metadata.uid, pod.metadata.namespace) = (None, None);
    pod
}

/// A server with a clock that moves when all wait.
async fn server() -> ApiServer {
    ApiServer::builder().repeatable(1).start().await
}

async fn create(client: &Client, pods: impl IntoIterator<Item = Pod>) {
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    for pod in pods {
        api.create(&PostParams::default(), &pod).await.expect("created");
    }
}

/// Follows the pods until they are as wanted.
async fn until(client: &Client, wanted: impl Fn(&BTreeMap<String, Pod>) -> bool) -> BTreeMap<String, Pod> {
    let (sender, mut changes) = mpsc::channel(64);
    let watching = tokio::spawn(watch::pods(client.clone(), sender));
    let mut pods = BTreeMap::new();
    let name = |pod: &Pod| pod.metadata.name.clone().expect("named");
    let found = tokio::time::timeout(Duration::from_secs(60), async {
        while let Some(change) = changes.recv().await {
            match change {
                Change::Listed(list) => pods = list.into_iter().map(|pod| (name(&pod), pod)).collect(),
                Change::Applied(pod) => drop(pods.insert(name(&pod), *pod)),
                Change::Deleted(pod) => drop(pods.remove(&name(&pod))),
            }
            if wanted(&pods) {
                return;
            }
        }
    })
    .await;
    watching.abort();
    assert!(found.is_ok(), "not reached, but: {:?}", pods.values().map(line).collect::<Vec<_>>());
    pods
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
}

fn line(pod: &Pod) -> String {
    let now = "2024-01-01T00:00:00Z".parse().expect("time");
    let value = serde_json::to_value(pod).expect("json");
    let table = crate::table::table("", "Pod", &[&value], now, crate::table::TableOptions::default());
    let cells = table["rows"][0]["cells"].as_array().expect("cells").clone();
    format!(
        "{} {} {}",
        cells[0].as_str().unwrap_or(""),
        cells[1].as_str().unwrap_or(""),
        cells[2].as_str().unwrap_or("")
    )
}

async fn started(server: &ApiServer, nodes: usize) -> KubeletHandle {
    server.simulated_kubelet().nodes(nodes).start().await.expect("started")
}

/// How many requests of the kubelet changed something, by verb and subresource.
fn changes(server: &ApiServer) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in server.requests() {
        if request.user == "system:kubelet"
            && request.resource == "pods"
            && request.verb != "watch"
            && request.verb != "list"
        {
            *counts.entry(format!("{} {}", request.verb, request.subresource)).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn pods_are_spread_over_the_nodes_and_each_is_written_twice() {
    let server = server().await;
    let kubelet = started(&server, 3).await;
    let client = server.client_for("alice");
    create(&client, (0..30).map(|index| pod(&format!("p{index:02}"), None, &json!({})))).await;
    let pods = until(&client, |pods| pods.len() == 30 && pods.values().all(ready)).await;
    let mut nodes: BTreeMap<String, usize> = BTreeMap::new();
    let mut addresses = std::collections::BTreeSet::new();
    for pod in pods.values() {
        *nodes.entry(pod.spec.as_ref().and_then(|s| s.node_name.clone()).expect("bound")).or_default() += 1;
        addresses.insert(pod.status.as_ref().and_then(|s| s.pod_ip.clone()).expect("an address"));
    }
    assert_eq!(
        nodes.into_iter().collect::<Vec<_>>(),
        (0..3).map(|i| (format!("sim-node-{i}"), 10)).collect::<Vec<_>>()
    );
    assert_eq!(addresses.len(), 30);
    kubelet.stop().await;
    let expected = [("create binding".to_owned(), 30), ("patch status".to_owned(), 30)];
    assert_eq!(changes(&server), expected.into_iter().collect());
    let nodes: Api<Node> = Api::all(client);
    for node in nodes.list(&ListParams::default()).await.expect("nodes").items {
        let conditions = node.status.and_then(|s| s.conditions).unwrap_or_default();
        assert!(conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True"));
        assert_eq!(node.spec.and_then(|s| s.taints), None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_annotation_chooses_what_a_pod_does() {
    let server = server().await;
    let kubelet = started(&server, 1).await;
    let client = server.client_for("alice");
    let never = json!({"restartPolicy": "Never"});
    let mut job_pod = pod("job", None, &never);
    job_pod.metadata.owner_references =
        Some(vec![k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
            api_version: "batch/v1".to_owned(),
            kind: "Job".to_owned(),
            name: "j".to_owned(),
            uid: "u".to_owned(),
            controller: Some(true),
            ..Default::default()
        }]);
    let pods = [
        pod("crash", Some("crash"), &json!({})),
        pod("fail", Some("fail=3"), &never),
        pod("fail-again", Some("fail=3"), &json!({})),
        job_pod,
        pod("pending", Some("pending"), &json!({})),
        pod("plain", None, &json!({})),
        pod("succeed", Some("succeed"), &never),
        pod("unready", Some("unready"), &json!({})),
        pod("with-init", None, &json!({"initContainers": [{"name": "init", "image": "i:1"}]})),
    ];
    create(&client, pods).await;
    let done = |pods: &BTreeMap<String, Pod>| {
        let at = |name: &str| pods.get(name).map(|pod| (phase(pod).to_owned(), ready(pod)));
        let is = |name: &str, phase: &str, ready: bool| at(name) == Some((phase.to_owned(), ready));
        is("crash", "Running", false)
            && is("fail", "Failed", false)
            && is("job", "Succeeded", false)
            && is("plain", "Running", true)
            && is("with-init", "Running", true)
            && is("unready", "Running", false)
            && is("succeed", "Succeeded", false)
            && is("fail-again", "Running", false)
            && pods
                .get("pending")
                .is_some_and(|p| p.status.as_ref().is_some_and(|s| s.container_statuses.is_some()))
    };
    let pods = until(&client, done).await;
    kubelet.stop().await;
    let lines: Vec<String> = pods.values().map(line).collect();
    expect_test::expect![[r#"
        crash 0/1 CrashLoopBackOff
        fail 0/1 Error
        fail-again 0/1 CrashLoopBackOff
        job 0/1 Completed
        pending 0/1 ContainerCreating
        plain 1/1 Running
        succeed 0/1 Completed
        unready 0/1 Running
        with-init 1/1 Running"#]]
    .assert_eq(&lines.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_goes_and_its_name_can_be_used_again() {
    let server = server().await;
    let kubelet = started(&server, 1).await;
    let client = server.client_for("alice");
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    create(&client, [pod("p", None, &json!({}))]).await;
    let first = until(&client, |pods| pods.values().any(ready)).await;
    api.delete("p", &DeleteParams::default()).await.expect("deleted");
    until(&client, BTreeMap::is_empty).await;
    create(&client, [pod("p", None, &json!({}))]).await;
    let second = until(&client, |pods| pods.values().any(ready)).await;
    assert_ne!(first["p"].metadata.uid, second["p"].metadata.uid);
    kubelet.stop().await;
    assert_eq!(changes(&server)["delete "], 1);
}

#[tokio::test(start_paused = true)]
async fn errors_and_dropped_watches_only_delay() {
    let server = server().await;
    let kubelet = started(&server, 2).await;
    let client = server.client_for("alice");
    let on_pods = |fault| Rule::new(fault).user("system:kubelet").resource("pods");
    let faults = server.faults();
    faults.add(on_pods(Fault::Status(500)).subresource("binding").times(3));
    faults.add(on_pods(Fault::Status(409)).subresource("status").times(3));
    faults.add(on_pods(Fault::ResetBeforeCommit).subresource("status").after(6).times(2));
    faults.add(on_pods(Fault::DropWatches).subresource("binding").after(8).times(3));
    create(&client, (0..20).map(|index| pod(&format!("p{index:02}"), None, &json!({})))).await;
    let pods = until(&client, |pods| pods.len() == 20 && pods.values().all(ready)).await;
    kubelet.stop().await;
    assert!(pods.values().all(|pod| pod.status.as_ref().is_some_and(|s| s.pod_ip.is_some())));
    let written = server
        .requests()
        .into_iter()
        .filter(|r| r.user == "system:kubelet" && r.resource == "pods" && r.changed)
        .map(|r| (r.name, r.subresource))
        .collect::<Vec<_>>();
    let once: std::collections::BTreeSet<_> = written.iter().cloned().collect();
    assert_eq!((written.len(), once.len()), (40, 40), "nothing is done twice");
}

#[tokio::test(start_paused = true)]
async fn a_new_kubelet_leaves_running_pods_alone() {
    let server = server().await;
    let client = server.client_for("alice");
    let first = started(&server, 2).await;
    create(&client, (0..4).map(|index| pod(&format!("p{index}"), None, &json!({})))).await;
    until(&client, |pods| pods.len() == 4 && pods.values().all(ready)).await;
    first.stop().await;
    let before = changes(&server);
    let second = started(&server, 2).await;
    create(&client, [pod("new", None, &json!({}))]).await;
    let pods = until(&client, |pods| pods.len() == 5 && pods.values().all(ready)).await;
    second.stop().await;
    assert_eq!(changes(&server)["patch status"], before["patch status"] + 1);
    let ips: std::collections::BTreeSet<_> =
        pods.values().map(|p| p.status.as_ref().and_then(|s| s.pod_ip.clone())).collect();
    assert_eq!(ips.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fits_nowhere_says_so_and_goes_when_it_fits() {
    let server = server().await;
    let kubelet = started(&server, 2).await;
    let client = server.client_for("alice");
    create(&client, [pod("p", None, &json!({"nodeSelector": {"disk": "ssd"}}))]).await;
    let message = |pods: &BTreeMap<String, Pod>| {
        let conditions = pods.get("p")?.status.as_ref()?.conditions.as_ref()?;
        let scheduled = conditions.iter().find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
        assert_eq!(scheduled.reason.as_deref(), Some("Unschedulable"));
        scheduled.message.clone()
    };
    let pods = until(&client, |pods| message(pods).is_some()).await;
    assert_eq!(
        message(&pods).expect("a message"),
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are \
         available: 2 Preemption is not helpful for scheduling."
    );
    let events: Api<Event> = Api::default_namespaced(client.clone());
    let told = server
        .eventually(Duration::from_secs(5), async || {
            events.list(&ListParams::default()).await.ok().filter(|events| !events.items.is_empty())
        })
        .await
        .unwrap_or_else(|error| panic!("{error}\nfailed:\n{}", server.requests().failed()));
    let said: Vec<_> =
        told.items.iter().map(|event| (event.reason.as_deref(), event.message.clone())).collect();
    assert_eq!(said, [(Some("FailedScheduling"), message(&pods))]);
    let nodes: Api<Node> = Api::all(client.clone());
    let label = Patch::Merge(json!({"metadata": {"labels": {"disk": "ssd"}}}));
    nodes.patch("sim-node-1", &PatchParams::default(), &label).await.expect("labelled");
    let pods = until(&client, |pods| pods.values().any(ready)).await;
    assert_eq!(pods["p"].spec.as_ref().and_then(|s| s.node_name.as_deref()), Some("sim-node-1"));
    kubelet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_can_be_taken_away_and_brought_back() {
    let server = server().await;
    let kubelet = started(&server, 2).await;
    let client = server.client_for("alice");
    create(&client, (0..4).map(|index| pod(&format!("p{index}"), None, &json!({})))).await;
    until(&client, |pods| pods.len() == 4 && pods.values().all(ready)).await;
    kubelet.take_node_away("sim-node-0").await.expect("taken away");
    let nodes: Api<Node> = Api::all(client.clone());
    let is_ready = async |name: &str| {
        let status = nodes.get(name).await.expect("a node").status.expect("a status");
        status.conditions.into_iter().flatten().find(|c| c.type_ == "Ready").map(|c| c.status)
    };
    assert_eq!(is_ready("sim-node-0").await.as_deref(), Some("Unknown"));
    create(&client, (4..6).map(|index| pod(&format!("p{index}"), None, &json!({})))).await;
    let pods =
        until(&client, |pods| pods.len() == 6 && pods.values().filter(|pod| ready(pod)).count() == 4).await;
    let there = |pod: &&Pod| pod.spec.as_ref().and_then(|s| s.node_name.as_deref()) == Some("sim-node-1");
    assert_eq!(pods.values().filter(there).count(), 4);
    kubelet.bring_node_back("sim-node-0").await.expect("brought back");
    until(&client, |pods| pods.values().all(ready)).await;
    assert_eq!(is_ready("sim-node-0").await.as_deref(), Some("True"));
    assert!(kubelet.take_node_away("none").await.is_err());
    kubelet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_renew_leases_and_seldom_write_nodes() {
    let server = server().await;
    let kubelet = started(&server, 2).await;
    tokio::time::sleep(Duration::from_secs(601)).await;
    kubelet.stop().await;
    let log = server.requests().by("system:kubelet").changed();
    let count = |resource: &str, verb: &str| log.clone().of(resource).verb(verb).len();
    assert_eq!((count("leases", "create"), count("leases", "patch")), (2, 2 * 59));
    // Two nodes: made, status, taint; then the status after 300 and 600 s.
    assert_eq!(
        (count("nodes/", "create"), count("nodes/status", "patch"), count("nodes/", "patch")),
        (2, 2 + 4, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_of_the_tests_own_is_played_too() {
    let server = server().await;
    let kubelet = started(&server, 0).await;
    let node =
        "{apiVersion: v1, kind: Node, metadata: {name: zone-a, labels: {kontext.dev/simulated: 'true'}}}";
    server.load_yaml(node).await.expect("loaded");
    let client = server.client_for("alice");
    create(&client, [pod("p", None, &json!({}))]).await;
    let pods = until(&client, |pods| pods.values().any(ready)).await;
    assert_eq!(pods["p"].spec.as_ref().and_then(|s| s.node_name.as_deref()), Some("zone-a"));
    kubelet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn crashes_are_counted_as_time_goes_by() {
    let server = server().await;
    let kubelet = started(&server, 1).await;
    let client = server.client_for("alice");
    create(&client, [pod("p", Some("crash"), &json!({}))]).await;
    let restarts =
        |pod: &Pod| pod.status.as_ref()?.container_statuses.as_ref()?.first().map(|s| s.restart_count);
    let pods = until(&client, |pods| pods.values().any(|pod| restarts(pod) == Some(3))).await;
    assert_eq!(line(&pods["p"]), "p 0/1 CrashLoopBackOff");
    kubelet.stop().await;
}
