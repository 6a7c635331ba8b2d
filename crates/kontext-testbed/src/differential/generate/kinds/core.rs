//! Kinds of the core group.

use serde_json::{Value, json};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    vec![config_map(), secret(), service(), pod(), claim(), namespace(), node(), service_account(), event()]
}

fn config_map() -> Kind {
    Kind::new("v1", "ConfigMap", "configmaps", json!({"metadata": {}, "data": {"k": "v"}}))
        .fields(vec![
            ("/data/k", vec![json!("v"), json!("w"), json!(""), Value::Null, json!(5)]),
            ("/data/other", vec![json!("x")]),
            ("/data/bad key", vec![json!("x")]),
            ("/data", vec![json!({}), Value::Null, json!("text"), json!({"a": "1", "b": "2"})]),
            ("/binaryData/b", vec![json!("aGVsbG8="), json!("not base64!"), json!("")]),
            ("/binaryData/k", vec![json!("aGVsbG8=")]),
            ("/immutable", vec![json!(true), json!(false), Value::Null, json!("yes")]),
        ])
        .snippets(vec![
            json!({"data": {"k": "1"}}),
            json!({"data": {"k": "2", "l": "2"}}),
            json!({"data": {"l": Value::Null}}),
            json!({"data": {"$patch": "replace", "z": "26"}}),
            json!({"binaryData": {"b": "aGVsbG8="}}),
            json!({"immutable": true}),
        ])
}

fn secret() -> Kind {
    Kind::new("v1", "Secret", "secrets", json!({"metadata": {}, "data": {"k": "dg=="}}))
        .fields(vec![
            ("/data/k", vec![json!("dw=="), json!("not base64!"), json!(""), Value::Null]),
            ("/data/bad key", vec![json!("dw==")]),
            ("/stringData/s", vec![json!("text"), json!(""), json!(1)]),
            ("/stringData/k", vec![json!("wins")]),
            (
                "/type",
                vec![
                    json!("Opaque"),
                    json!("example.com/mine"),
                    json!("kubernetes.io/tls"),
                    json!("kubernetes.io/basic-auth"),
                    json!(""),
                ],
            ),
            ("/immutable", vec![json!(true), json!(false)]),
        ])
        .snippets(vec![
            json!({"data": {"k": "MQ=="}}),
            json!({"data": {"l": "MQ=="}}),
            json!({"stringData": {"s": "a"}}),
            json!({"immutable": true}),
        ])
}

fn service() -> Kind {
    let template = json!({"metadata": {}, "spec": {"ports": [{"port": 80}], "selector": {"app": "a"}}});
    Kind::new("v1", "Service", "services", template)
        .fields(vec![
            ("/spec/ports/0/port", vec![json!(81), json!(0), json!(70000), json!("80")]),
            ("/spec/ports/0/name", vec![json!("http"), json!("Bad_Name"), json!("")]),
            ("/spec/ports/0/targetPort", vec![json!(8080), json!("http"), json!("Bad_Name"), json!(0)]),
            ("/spec/ports/0/protocol", vec![json!("UDP"), json!("TCP"), json!("ICMP")]),
            (
                "/spec/ports/1",
                vec![json!({"name": "b", "port": 90}), json!({"port": 90}), json!({"name": "b", "port": 80})],
            ),
            ("/spec/ports", vec![json!([]), Value::Null]),
            (
                "/spec/type",
                vec![json!("ClusterIP"), json!("NodePort"), json!("ExternalName"), json!("Other")],
            ),
            ("/spec/clusterIP", vec![json!("None"), json!(""), json!("not an address")]),
            ("/spec/externalName", vec![json!("example.com")]),
            ("/spec/sessionAffinity", vec![json!("ClientIP"), json!("None"), json!("Other")]),
            ("/spec/selector/app", vec![json!("b"), Value::Null]),
            ("/spec/selector", vec![json!({}), Value::Null]),
            ("/spec/publishNotReadyAddresses", vec![json!(true)]),
            ("/spec/unknown", vec![json!(1)]),
        ])
        .status(vec![
            ("/status/loadBalancer/ingress", vec![json!([{"ip": "192.0.2.1"}]), json!([])]),
            ("/status/conditions", vec![json!([]), json!([condition("Ready")])]),
        ])
        .snippets(vec![
            json!({"spec": {"ports": [{"port": 80, "name": "http"}]}}),
            json!({"spec": {"ports": [{"port": 90, "name": "other"}]}}),
            json!({"spec": {"ports": [{"port": 90, "$patch": "delete"}]}}),
            json!({"spec": {"selector": {"app": "b"}}}),
            json!({"spec": {"sessionAffinity": "ClientIP"}}),
        ])
}

fn condition(kind: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": "Reason", "message": "m", "lastTransitionTime": "2001-02-03T04:05:06Z"})
}

fn pod() -> Kind {
    Kind::new("v1", "Pod", "pods", json!({"metadata": {}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}))
        .fields(vec![
            ("/spec/containers/0/image", vec![json!("i:2"), json!(""), json!(" i")]),
            ("/spec/containers/0/name", vec![json!("d"), json!("Bad_Name"), json!("")]),
            ("/spec/containers/0/env", vec![json!([{"name": "A", "value": "1"}]), json!([{"name": ""}]), json!([])]),
            ("/spec/containers/0/ports", vec![json!([{"containerPort": 80}]), json!([{"containerPort": 0}]), json!([{"name": "http", "containerPort": 80, "protocol": "TCP"}])]),
            ("/spec/containers/0/resources", vec![
                json!({"requests": {"cpu": "100m"}}),
                json!({"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": "1000m", "memory": "1Gi"}}),
                json!({"limits": {"cpu": "many"}}),
                json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
            ]),
            ("/spec/containers/0/imagePullPolicy", vec![json!("Always"), json!("Sometimes")]),
            ("/spec/containers/1", vec![json!({"name": "d", "image": "j"}), json!({"name": "c", "image": "j"})]),
            ("/spec/containers", vec![json!([]), Value::Null, json!("text")]),
            ("/spec/restartPolicy", vec![json!("Never"), json!("OnFailure"), json!("Other")]),
            ("/spec/nodeName", vec![json!("n1"), json!("")]),
            ("/spec/activeDeadlineSeconds", vec![json!(10), json!(0), json!(-1)]),
            ("/spec/terminationGracePeriodSeconds", vec![json!(0), json!(5), json!(-1)]),
            ("/spec/tolerations", vec![json!([{"key": "a", "operator": "Exists"}]), json!([{"operator": "Other"}]), json!([])]),
            ("/spec/volumes", vec![
                json!([{"name": "v", "emptyDir": {}}]),
                json!([{"name": "v"}]),
                json!([{"name": "v", "emptyDir": {}}, {"name": "v", "configMap": {"name": "a"}}]),
            ]),
            ("/spec/serviceAccountName", vec![json!("sa")]),
            ("/spec/schedulingGates", vec![json!([{"name": "example.com/wait"}]), json!([])]),
            ("/spec/unknown", vec![json!(1)]),
        ])
        .status(vec![
            ("/status/phase", vec![json!("Running"), json!("Succeeded"), json!("Other")]),
            ("/status/podIP", vec![json!("192.0.2.1")]),
            ("/status/conditions", vec![json!([condition("Ready")]), json!([]), json!([condition("example.com/mine")])]),
            ("/status/message", vec![json!("m")]),
            ("/status/unknown", vec![json!(1)]),
        ])
        .snippets(vec![
            json!({"spec": {"containers": [{"name": "c", "image": "i:3"}]}}),
            json!({"spec": {"containers": [{"name": "d", "image": "j:1"}]}}),
            json!({"spec": {"containers": [{"name": "c", "$patch": "delete"}]}}),
            json!({"spec": {"activeDeadlineSeconds": 100}}),
            json!({"spec": {"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute"}]}}),
            json!({"metadata": {"labels": {"app": "b"}}}),
        ])
}

fn claim() -> Kind {
    let template = json!({
        "metadata": {},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": ""},
    });
    Kind::new("v1", "PersistentVolumeClaim", "persistentvolumeclaims", template)
        .fields(vec![
            ("/spec/accessModes", vec![json!([]), json!(["ReadWriteMany"]), json!(["Other"]), Value::Null]),
            (
                "/spec/resources/requests/storage",
                vec![json!("2Gi"), json!("0"), json!("-1Gi"), json!("much"), json!("1024Mi"), json!(5)],
            ),
            ("/spec/storageClassName", vec![json!("fast"), json!(""), json!("Bad_Name")]),
            ("/spec/volumeName", vec![json!("v")]),
            ("/spec/volumeMode", vec![json!("Block"), json!("Other")]),
            ("/spec/selector", vec![json!({"matchLabels": {"a": "b"}})]),
        ])
        .status(vec![
            ("/status/phase", vec![json!("Bound"), json!("Lost")]),
            ("/status/capacity", vec![json!({"storage": "1Gi"}), json!({"storage": "x"})]),
            ("/status/accessModes", vec![json!(["ReadWriteOnce"])]),
        ])
        .snippets(vec![
            json!({"spec": {"resources": {"requests": {"storage": "3Gi"}}}}),
            json!({"spec": {"volumeName": "v"}}),
            json!({"metadata": {"annotations": {"note": "3"}}}),
        ])
}

fn namespace() -> Kind {
    let mut kind = Kind::new("v1", "Namespace", "namespaces", json!({"metadata": {}})).cluster_scoped();
    kind.delete_collection = false;
    kind.fields(vec![
        (
            "/spec/finalizers",
            vec![json!(["kubernetes"]), json!([]), json!(["example.com/a"]), json!(["bad"])],
        ),
        ("/metadata/labels/kubernetes.io~1metadata.name", vec![json!("other"), Value::Null]),
    ])
    .status(vec![
        ("/status/phase", vec![json!("Active"), json!("Terminating"), json!("Other")]),
        ("/status/conditions", vec![json!([condition("NamespaceContentRemaining")])]),
    ])
    .snippets(vec![json!({"metadata": {"labels": {"app": "b"}}})])
}

fn node() -> Kind {
    Kind::new("v1", "Node", "nodes", json!({"metadata": {}}))
        .cluster_scoped()
        .fields(vec![
            ("/spec/unschedulable", vec![json!(true), json!(false)]),
            (
                "/spec/taints",
                vec![
                    json!([{"key": "a", "effect": "NoSchedule"}]),
                    json!([{"key": "a", "effect": "Other"}]),
                    json!([{"key": "a", "value": "b", "effect": "NoExecute"}]),
                    json!([]),
                ],
            ),
            ("/spec/podCIDR", vec![json!("192.0.2.0/24"), json!("x")]),
            ("/spec/providerID", vec![json!("p"), json!("q")]),
            ("/status/capacity", vec![json!({"cpu": "4", "memory": "8Gi"})]),
        ])
        .status(vec![
            (
                "/status/capacity",
                vec![json!({"cpu": "4"}), json!({"cpu": "4000m", "pods": "110"}), json!({"cpu": "x"})],
            ),
            ("/status/conditions", vec![json!([condition("Ready")]), json!([])]),
            ("/status/addresses", vec![json!([{"type": "InternalIP", "address": "192.0.2.1"}])]),
        ])
        .snippets(vec![
            json!({"spec": {"unschedulable": true}}),
            json!({"spec": {"taints": [{"key": "b", "effect": "NoSchedule"}]}}),
            json!({"spec": {"taints": [{"key": "b", "effect": "NoSchedule", "$patch": "delete"}]}}),
        ])
}

fn service_account() -> Kind {
    Kind::new("v1", "ServiceAccount", "serviceaccounts", json!({"metadata": {}}))
        .fields(vec![
            ("/automountServiceAccountToken", vec![json!(true), json!(false), json!("x")]),
            ("/secrets", vec![json!([{"name": "a"}]), json!([]), json!([{"name": "a"}, {"name": "b"}])]),
            ("/imagePullSecrets", vec![json!([{"name": "a"}]), json!([{"name": "b"}, {"name": "b"}])]),
        ])
        .snippets(vec![
            json!({"secrets": [{"name": "c"}]}),
            json!({"imagePullSecrets": [{"name": "c"}]}),
            json!({"imagePullSecrets": [{"name": "c", "$patch": "delete"}]}),
            json!({"automountServiceAccountToken": false}),
        ])
}

fn event() -> Kind {
    let template = json!({
        "metadata": {"namespace": "$NS"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "$NS"},
        "reason": "R", "message": "m", "type": "Normal",
    });
    Kind::new("v1", "Event", "events", template)
        .fields(vec![
            ("/type", vec![json!("Warning"), json!("Other"), json!("")]),
            ("/message", vec![json!("n"), json!("")]),
            ("/count", vec![json!(1), json!(2), json!("x")]),
            ("/involvedObject/namespace", vec![json!("other"), json!("")]),
            ("/firstTimestamp", vec![json!("2001-02-03T04:05:06Z")]),
            ("/eventTime", vec![json!("2001-02-03T04:05:06.123456Z"), json!("2001-02-03T04:05:06Z")]),
            ("/reportingComponent", vec![json!("example.com/c")]),
            ("/action", vec![json!("A")]),
        ])
        .snippets(vec![json!({"count": 3}), json!({"message": "o", "count": 4})])
}
