use std::mem::size_of;

use k8s_openapi::api::{apps::v1 as apps, core::v1 as core};
use serde_json::{Value, json};

use super::*;
use crate::fixtures::{self, PodSpec};

/// A pod as a cluster of some size has it: kubelet's conditions, three labels, a stamp, a sidecar.
fn busy_pod() -> Value {
    let mut pod = PodSpec::new("web-7d4b9c6f8-x2x8k").json();
    pod["metadata"]["uid"] = "0b7e1f0e-6b1c-4b0a-9a53-3f3f1c2d4e5f".into();
    pod["metadata"]["annotations"] = json!({
        "controller.kubernetes.io/pod-deletion-cost": "7",
        "tracing.k8s.io/traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "kontext.dev/cause": "x".repeat(512),
        "example.com/large": "y".repeat(20_000),
        "other.example.com/baggage": "z".repeat(20_000),
    });
    pod["metadata"]["ownerReferences"].as_array_mut().unwrap().push(json!({
        "apiVersion": "example.com/v1", "kind": "Watcher", "name": "w", "uid": "u-watcher"}));
    pod["spec"]["initContainers"] = json!([
        {"name": "sidecar", "image": "registry.example/side:1", "restartPolicy": "Always"},
        {"name": "setup", "image": "registry.example/setup:1"},
    ]);
    pod["status"]["containerStatuses"] =
        json!([{"name": "app", "restartCount": 2}, {"name": "other", "restartCount": 3}]);
    pod["status"]["initContainerStatuses"] =
        json!([{"name": "sidecar", "restartCount": 4}, {"name": "setup", "restartCount": 9}]);
    pod
}

#[test]
fn a_pod_keeps_what_the_loops_need() {
    let pod: Pod = serde_json::from_value(busy_pod()).unwrap();
    assert_eq!((&*pod.meta.namespace, &*pod.meta.name), ("shop", "web-7d4b9c6f8-x2x8k"));
    assert_eq!(pod.meta.controller.as_ref().map(|owner| &*owner.uid), Some("u-web"));
    assert_eq!(pod.meta.other_owners.iter().map(|uid| &**uid).collect::<Vec<_>>(), ["u-watcher"]);
    assert_eq!((pod.deletion_cost, pod.restarts, pod.sidecar_restarts), (7, 3, 4));
    assert_eq!((pod.node.as_deref(), pod.phase, pod.ready), (Some("node-1"), Phase::Running, true));
    let kept: Vec<_> = pod.trace_annotations.iter().map(|(key, value)| (&**key, value.len())).collect();
    assert_eq!(kept, [("kontext.dev/cause", 512), ("tracing.k8s.io/traceparent", 55)]);
}

/// Bytes of one pod without what it shares with others: the struct, and for each string of its own the text, two
/// counters and, at most, rounding by the allocator.
fn bytes_of(pod: &Pod) -> usize {
    let own = |text: &str| text.len() + 16 + 8;
    let meta = &pod.meta;
    let strings = own(&meta.name) + own(&meta.uid) + own(meta.resource_version.as_str());
    let labels = meta.labels.iter().count() * size_of::<(Text, Text)>();
    let owners = meta.other_owners.len() * size_of::<Text>();
    let trace =
        pod.trace_annotations.iter().map(|(_, value)| size_of::<(Text, Text)>() + own(value)).sum::<usize>();
    size_of::<Pod>() + strings + labels + owners + trace
}

#[test]
fn a_pod_takes_well_under_two_kilobytes() {
    let plain: Pod = serde_json::from_value(PodSpec::new("web-7d4b9c6f8-x2x8k").json()).unwrap();
    let busy: Pod = serde_json::from_value(busy_pod()).unwrap();
    assert!(bytes_of(&plain) < 640, "{}", bytes_of(&plain));
    assert!(bytes_of(&busy) < 1408, "{}", bytes_of(&busy));
}

#[test]
fn a_put_without_changes_is_the_object_without_managed_fields() {
    let mut expected = fixtures::replica_set_json("web", 3);
    let set: ReplicaSet = serde_json::from_value(expected.clone()).unwrap();
    expected["metadata"].as_object_mut().unwrap().remove("managedFields");
    assert_eq!(set.body(&ReplicaSetChange::default()), expected);
    assert_eq!(set.status_body(&set.status), expected);
    let expected = fixtures::deployment_json(3);
    let deployment = fixtures::deployment(&expected);
    assert_eq!(deployment.body(&DeploymentChange::default()), expected);
    assert_eq!(deployment.status_body(&deployment.status, &Annotations::new()), expected);
}

#[test]
fn a_put_changes_what_it_says_and_nothing_else() {
    let set = fixtures::replica_set("web", 3);
    let mut expected = set.body(&ReplicaSetChange::default());
    let change = ReplicaSetChange {
        replicas: Some(0),
        min_ready_seconds: Some(7),
        annotations: [("team".to_owned(), "shop".to_owned())].into(),
    };
    expected["spec"]["replicas"] = 0.into();
    expected["spec"]["minReadySeconds"] = 7.into();
    expected["metadata"]["annotations"] = json!({"team": "shop"});
    assert_eq!(set.body(&change), expected);
}

#[test]
fn an_unchanged_condition_keeps_fields_we_do_not_know() {
    let mut json = fixtures::deployment_json(3);
    json["status"]["conditions"] = json!([{"type": "Available", "status": "True", "reason": "R", "message": "m",
        "lastUpdateTime": fixtures::time(0), "lastTransitionTime": fixtures::time(0), "observedGeneration": 4}]);
    let deployment = fixtures::deployment(&json);
    assert_eq!(deployment.status_body(&deployment.status, &Annotations::new()), json);
    let mut status = deployment.status.clone();
    status.conditions[0].message = "other".to_owned();
    let body = deployment.status_body(&status, &Annotations::new());
    assert_eq!(body["status"]["conditions"][0].get("observedGeneration"), None);
}

/// Our views read what the typed structs of the API write, and the other way round.
#[test]
fn views_and_the_typed_api_agree() {
    let typed: apps::ReplicaSet = serde_json::from_value(fixtures::replica_set_json("web", 3)).unwrap();
    let set: ReplicaSet = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
    assert_eq!((set.replicas, &set.template), (3, &fixtures::replica_set("web", 3).template));
    let body = set.status_body(&ReplicaSetStatus { ready_replicas: 2, ..set.status.clone() });
    let back: apps::ReplicaSet = serde_json::from_value(body).unwrap();
    assert_eq!(back.status.unwrap().ready_replicas, Some(2));

    let typed: apps::Deployment = serde_json::from_value(fixtures::deployment_json(3)).unwrap();
    let deployment: Deployment = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
    assert_eq!(deployment.strategy, fixtures::deployment(&fixtures::deployment_json(3)).strategy);
    assert_eq!(deployment.template, fixtures::replica_set("web", 3).template, "but for the hash label");

    let typed: core::Pod = serde_json::from_value(busy_pod()).unwrap();
    let pod: Pod = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
    assert_eq!(pod, serde_json::from_value(busy_pod()).unwrap());
}

#[test]
fn absent_fields_have_the_defaults_of_the_api() {
    let bare = r#"{"metadata":{"name":"x"},"spec":{"selector":null}}"#;
    let set: ReplicaSet = serde_json::from_str(bare).unwrap();
    assert_eq!((set.replicas, set.selector), (1, Err(SelectorError::Missing)));
    let deployment: Deployment = serde_json::from_str(bare).unwrap();
    assert_eq!((deployment.replicas, deployment.progress_deadline()), (1, None));
    assert_eq!(deployment.strategy, Strategy::Unknown("".into()));
    let pod: Pod =
        serde_json::from_str(r#"{"metadata":{"name":"x","labels":null,"annotations":null}}"#).unwrap();
    assert_eq!((pod.phase, pod.ready, pod.node), (Phase::Pending, false, None));
}
