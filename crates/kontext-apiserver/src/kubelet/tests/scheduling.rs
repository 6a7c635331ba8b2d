//! Which node a Pod goes to.

use k8s_openapi::api::core::v1::Node;
use serde_json::{Value, json};

use super::pod;
use crate::kubelet::schedule::{NodeView, choose};

fn node(name: &str, labels: &Value, spec: &Value) -> NodeView {
    let node = json!({"metadata": {"name": name, "labels": labels}, "spec": spec});
    NodeView::of(&serde_json::from_value::<Node>(node).expect("a node"))
}

#[test]
fn pods_go_where_they_fit_and_the_fewest_are() {
    let taint = |effect: &str| json!({"taints": [{"key": "dedicated", "value": "db", "effect": effect}]});
    let nodes = [
        (node("cordoned", &json!({}), &json!({"unschedulable": true})), 0),
        (node("tainted", &json!({"disk": "ssd"}), &taint("NoSchedule")), 1),
        (node("full", &json!({"disk": "ssd", "size": "9"}), &json!({})), 9),
        (node("some", &json!({"disk": "hdd", "size": "3"}), &taint("PreferNoSchedule")), 3),
    ];
    let affinity = |term: Value| {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            {"nodeSelectorTerms": [term]}}}})
    };
    let expression = |key: &str, operator: &str, values: Value| {
        affinity(json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
    };
    let chosen: Vec<String> = [
        ("anything", json!({})),
        ("selector", json!({"nodeSelector": {"disk": "ssd"}})),
        ("no such", json!({"nodeSelector": {"disk": "tape"}})),
        ("tolerant", json!({"tolerations": [{"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"}]})),
        ("other value", json!({"tolerations": [{"key": "dedicated", "value": "web"}], "nodeSelector": {"disk": "ssd"}})),
        ("all", json!({"tolerations": [{"operator": "Exists"}]})),
        ("daemon", affinity(json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["full"]}]}))),
        ("not in", expression("disk", "NotIn", json!(["hdd"]))),
        ("exists", expression("size", "Exists", json!([]))),
        ("missing", expression("size", "DoesNotExist", json!([]))),
        ("greater", expression("size", "Gt", json!(["5"]))),
        ("less", expression("size", "Lt", json!(["5"]))),
        ("empty term", affinity(json!({}))),
    ]
    .iter()
    .map(|(what, spec)| {
        let chosen = choose(&pod("p", &json!({}), spec), nodes.iter().map(|(node, pods)| (node, *pods)));
        format!("{what}: {}", chosen.map_or_else(|why| why, |node| node.name.clone()))
    })
    .collect();
    expect_test::expect![[r#"
        anything: some
        selector: full
        no such: 0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.
        tolerant: tainted
        other value: full
        all: cordoned
        daemon: full
        not in: full
        exists: some
        missing: 0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.
        greater: full
        less: some
        empty term: 0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling."#]].assert_eq(&chosen.join("\n"));
    let none = choose(&pod("p", &json!({}), &json!({})), std::iter::empty());
    assert_eq!(none, Err("no nodes available to schedule pods".to_owned()));
}
