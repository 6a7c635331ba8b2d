//! Kinds of the groups policy, rbac.authorization.k8s.io, coordination.k8s.io and discovery.k8s.io.

use serde_json::{Value, json};

use super::Kind;

pub(super) fn kinds() -> Vec<Kind> {
    vec![budget(), role(), role_binding(), lease(), endpoint_slice()]
}

fn budget() -> Kind {
    let template =
        json!({"metadata": {}, "spec": {"selector": {"matchLabels": {"app": "x"}}, "minAvailable": 1}});
    Kind::new("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", template)
        .fields(vec![
            ("/spec/minAvailable", vec![json!(2), json!("50%"), json!("x"), json!(-1), Value::Null]),
            ("/spec/maxUnavailable", vec![json!(1), json!("10%")]),
            ("/spec/selector/matchLabels/app", vec![json!("y")]),
            ("/spec/selector", vec![json!({}), Value::Null]),
            ("/spec/unhealthyPodEvictionPolicy", vec![json!("AlwaysAllow"), json!("Other")]),
        ])
        .status(vec![
            ("/status/disruptionsAllowed", vec![json!(1), json!(-1)]),
            ("/status/currentHealthy", vec![json!(2)]),
            ("/status/observedGeneration", vec![json!(1)]),
        ])
        .snippets(vec![
            json!({"spec": {"minAvailable": 3}}),
            json!({"spec": {"selector": {"matchLabels": {"b": "c"}}}}),
        ])
}

fn role() -> Kind {
    let rule = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    Kind::new("rbac.authorization.k8s.io/v1", "Role", "roles", json!({"metadata": {}, "rules": rule}))
        .fields(vec![
            ("/rules/0/verbs", vec![json!(["get", "list"]), json!([]), Value::Null]),
            ("/rules/0/resources", vec![json!(["*"]), json!([])]),
            ("/rules/0/nonResourceURLs", vec![json!(["/x"])]),
            ("/rules", vec![json!([]), Value::Null, json!([{}])]),
        ])
        .snippets(vec![
            json!({"rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}]}),
            json!({"rules": []}),
        ])
}

fn role_binding() -> Kind {
    let template = json!({
        "metadata": {},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u"}],
    });
    Kind::new("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", template)
        .fields(vec![
            ("/roleRef/name", vec![json!("s"), json!("")]),
            ("/roleRef/kind", vec![json!("ClusterRole"), json!("Other")]),
            (
                "/subjects",
                vec![
                    json!([]),
                    Value::Null,
                    json!([{"kind": "ServiceAccount", "name": "a", "namespace": "$NS"}]),
                    json!([{"kind": "Group", "name": "g"}]),
                ],
            ),
            ("/subjects/0/kind", vec![json!("Group"), json!("Other")]),
            ("/subjects/0/name", vec![json!("v"), json!("")]),
        ])
        .snippets(vec![
            json!({"subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "w"}]}),
            json!({"subjects": []}),
        ])
}

fn lease() -> Kind {
    let template = json!({"metadata": {}, "spec": {"holderIdentity": "h", "leaseDurationSeconds": 15}});
    Kind::new("coordination.k8s.io/v1", "Lease", "leases", template)
        .fields(vec![
            ("/spec/holderIdentity", vec![json!("i"), json!(""), Value::Null]),
            ("/spec/leaseDurationSeconds", vec![json!(30), json!(0), json!(-1)]),
            ("/spec/leaseTransitions", vec![json!(1), json!(-1)]),
            (
                "/spec/renewTime",
                vec![json!("2001-02-03T04:05:06.000007Z"), json!("2001-02-03T04:05:06Z"), json!("now")],
            ),
            ("/spec/acquireTime", vec![json!("2001-02-03T04:05:06.100000Z")]),
        ])
        .snippets(vec![
            json!({"spec": {"holderIdentity": "j"}}),
            json!({"spec": {"renewTime": "2001-02-03T04:05:07.000000Z"}}),
        ])
}

fn endpoint_slice() -> Kind {
    let template = json!({
        "metadata": {}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": [{"name": "http", "port": 80}],
    });
    Kind::new("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", template)
        .fields(vec![
            ("/addressType", vec![json!("IPv6"), json!("Other"), json!("")]),
            ("/endpoints/0/addresses", vec![json!(["192.0.2.2"]), json!([]), json!(["x"])]),
            (
                "/endpoints/0/conditions",
                vec![json!({"ready": true}), json!({"ready": false, "serving": true})],
            ),
            ("/endpoints", vec![json!([]), Value::Null]),
            ("/ports/0/port", vec![json!(81), json!(0)]),
            ("/ports/0/protocol", vec![json!("UDP"), json!("Other")]),
            (
                "/ports",
                vec![json!([]), Value::Null, json!([{"name": "", "port": 1}, {"name": "", "port": 2}])],
            ),
        ])
        .snippets(vec![
            json!({"endpoints": [{"addresses": ["192.0.2.3"]}]}),
            json!({"ports": [{"name": "b", "port": 90}]}),
        ])
}
