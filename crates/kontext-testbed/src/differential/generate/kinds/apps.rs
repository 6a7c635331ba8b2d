//! Kinds of the group apps.

use serde_json::{Value, json};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    vec![deployment(), replica_set(), stateful_set(), daemon_set()]
}

pub(super) fn pod_template() -> Value {
    json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}})
}

fn deployment() -> Kind {
    let template = json!({
        "metadata": {},
        "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": pod_template()},
    });
    Kind::new("apps/v1", "Deployment", "deployments", template)
        .scaled()
        .fields(vec![
            ("/spec/replicas", vec![json!(0), json!(2), json!(7), json!(-1), json!("3"), Value::Null]),
            ("/spec/paused", vec![json!(true), json!(false)]),
            ("/spec/minReadySeconds", vec![json!(5), json!(-1)]),
            ("/spec/progressDeadlineSeconds", vec![json!(30), json!(0), json!(-1)]),
            ("/spec/revisionHistoryLimit", vec![json!(0), json!(3), json!(-1)]),
            ("/spec/strategy", vec![json!({"type": "Recreate"}), json!({"type": "RollingUpdate"}), json!({"type": "Other"}), json!({})]),
            ("/spec/strategy/rollingUpdate/maxSurge", vec![json!(1), json!("10%"), json!("x"), json!(-1), json!(0)]),
            ("/spec/strategy/rollingUpdate/maxUnavailable", vec![json!(0), json!("50%"), json!("150%")]),
            ("/spec/selector/matchLabels/app", vec![json!("y")]),
            ("/spec/selector", vec![json!({}), Value::Null]),
            ("/spec/template/metadata/labels/app", vec![json!("y")]),
            ("/spec/template/metadata/labels/v", vec![json!("1"), json!("2")]),
            ("/spec/template/metadata/annotations/note", vec![json!("1")]),
            ("/spec/template/spec/containers/0/image", vec![json!("i:2"), json!(""), json!(" i"), Value::Null]),
            ("/spec/template/spec/containers/0/name", vec![json!("d"), json!("Bad_Name"), json!("")]),
            ("/spec/template/spec/containers/0/unknown", vec![json!(1)]),
            ("/spec/template/spec/containers/1", vec![json!({"name": "d", "image": "j"}), json!({"name": "c", "image": "j"}), json!({})]),
            ("/spec/template/spec/containers", vec![json!([]), Value::Null]),
            ("/spec/template/spec/restartPolicy", vec![json!("Always"), json!("Never"), json!("Other")]),
            ("/spec/unknown", vec![json!({"a": 1})]),
        ])
        .status(vec![
            ("/status/replicas", vec![json!(1), json!(0), json!(-1)]),
            ("/status/observedGeneration", vec![json!(1), json!(2)]),
            ("/status/conditions", vec![
                json!([{"type": "Available", "status": "True", "reason": "r", "message": "m", "lastTransitionTime": "2001-02-03T04:05:06Z", "lastUpdateTime": "2001-02-03T04:05:06Z"}]),
                json!([]),
            ]),
            ("/status/unknown", vec![json!(1)]),
        ])
        .snippets(vec![
            json!({"spec": {"replicas": 3}}),
            json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:3"}]}}}}),
            json!({"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "j:1"}]}}}}),
            json!({"spec": {"template": {"spec": {"containers": [{"name": "d", "$patch": "delete"}]}}}}),
            json!({"spec": {"template": {"metadata": {"annotations": {"note": "2"}}}}}),
            json!({"spec": {"strategy": {"type": "Recreate"}}}),
            json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
        ])
}

fn selected() -> Value {
    json!({"metadata": {}, "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": pod_template()}})
}

fn condition(kind: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": "Reason", "message": "m", "lastTransitionTime": "2001-02-03T04:05:06Z"})
}

fn replica_set() -> Kind {
    Kind::new("apps/v1", "ReplicaSet", "replicasets", selected())
        .scaled()
        .fields(vec![
            ("/spec/replicas", vec![json!(0), json!(2), json!(-1)]),
            ("/spec/minReadySeconds", vec![json!(5), json!(-1)]),
            ("/spec/selector/matchLabels/app", vec![json!("y")]),
            ("/spec/template/metadata/labels/app", vec![json!("y")]),
            ("/spec/template/spec/containers/0/image", vec![json!("i:2")]),
            ("/spec/template", vec![Value::Null, json!({})]),
        ])
        .status(vec![
            ("/status/replicas", vec![json!(1), json!(0), json!(-1)]),
            ("/status/readyReplicas", vec![json!(1), json!(5)]),
            ("/status/conditions", vec![json!([condition("ReplicaFailure")])]),
        ])
        .snippets(vec![
            json!({"spec": {"replicas": 3}}),
            json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:3"}]}}}}),
        ])
}

fn stateful_set() -> Kind {
    let mut template = selected();
    template["spec"]["serviceName"] = json!("s");
    Kind::new("apps/v1", "StatefulSet", "statefulsets", template)
        .scaled()
        .fields(vec![
            ("/spec/replicas", vec![json!(0), json!(2), json!(-1)]),
            ("/spec/serviceName", vec![json!("t"), json!("")]),
            ("/spec/podManagementPolicy", vec![json!("Parallel"), json!("Other")]),
            ("/spec/updateStrategy", vec![json!({"type": "OnDelete"}), json!({"type": "Other"}), json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}})]),
            ("/spec/template/spec/containers/0/image", vec![json!("i:2")]),
            ("/spec/volumeClaimTemplates", vec![json!([{"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}])]),
            ("/spec/minReadySeconds", vec![json!(5)]),
            ("/spec/ordinals", vec![json!({"start": 2}), json!({"start": -1})]),
        ])
        .status(vec![
            ("/status/replicas", vec![json!(1), json!(-1)]),
            ("/status/readyReplicas", vec![json!(1), json!(3)]),
            ("/status/currentRevision", vec![json!("r")]),
        ])
        .snippets(vec![
            json!({"spec": {"replicas": 3}}),
            json!({"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "j"}]}}}}),
        ])
}

fn daemon_set() -> Kind {
    Kind::new("apps/v1", "DaemonSet", "daemonsets", selected())
        .fields(vec![
            (
                "/spec/updateStrategy",
                vec![
                    json!({"type": "OnDelete"}),
                    json!({"type": "Other"}),
                    json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}),
                ],
            ),
            ("/spec/template/spec/containers/0/image", vec![json!("i:2")]),
            ("/spec/minReadySeconds", vec![json!(5), json!(-1)]),
            ("/spec/revisionHistoryLimit", vec![json!(3)]),
        ])
        .status(vec![
            ("/status/numberReady", vec![json!(1), json!(-1)]),
            ("/status/observedGeneration", vec![json!(1)]),
        ])
        .snippets(vec![
            json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:3"}]}}}}),
            json!({"spec": {"minReadySeconds": 7}}),
        ])
}
