//! kube's typed client with every built-in kind that is served: what the server answers is what the types say.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::collections::BTreeSet;
use std::fmt::Debug;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::{ClusterResourceScope, Metadata, NamespaceResourceScope};
use kontext_apiserver::ApiServer;
use kube::api::{
    Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::discovery::{Discovery, verbs};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What every object of every kind can do.
async fn lives_and_ends<K>(api: Api<K>, what: Value)
where
    K: Resource<DynamicType = ()>
        + Metadata<Ty = ObjectMeta>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + 'static,
{
    let kind = format!("{}/{}", K::api_version(&()), K::kind(&()));
    let mut what = what;
    what["apiVersion"] = json!(K::api_version(&()));
    what["kind"] = json!(K::kind(&()));
    if what["metadata"]["name"].is_null() {
        what["metadata"]["name"] = json!("typed");
    }
    let object: K = serde_json::from_value(what).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let name = object.name_any();
    let created =
        api.create(&PostParams::default(), &object).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    let version = created.resource_version().unwrap();
    let labelled = json!({"metadata": {"labels": {"by": "typed"}}});
    let patched = api.patch(&name, &PatchParams::default(), &Patch::Merge(&labelled)).await;
    let patched = patched.unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(patched.labels().get("by").map(String::as_str), Some("typed"), "{kind}");
    let replaced = api.replace(&name, &PostParams::default(), &patched).await;
    let replaced = replaced.unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(
        replaced.resource_version(),
        patched.resource_version(),
        "{kind}: what was read and written is the same"
    );
    let list = api
        .list(&ListParams::default().labels("by=typed"))
        .await
        .unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(list.items.len(), 1, "{kind}");
    assert_eq!(api.get_metadata(&name).await.unwrap().uid(), created.uid(), "{kind}");
    let gone = api.delete(&name, &DeleteParams::default().grace_period(0)).await;
    gone.unwrap_or_else(|error| panic!("{kind}: {error}"));
    // From the creation on: modified once, then deleted, or marked where somebody has to let go first.
    let mut events = api.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    for _ in 0..2 {
        match events.try_next().await.unwrap_or_else(|error| panic!("{kind}: {error}")) {
            Some(WatchEvent::Modified(seen) | WatchEvent::Deleted(seen)) => {
                assert_eq!(seen.uid(), created.uid(), "{kind}");
            }
            other => panic!("{kind}: {other:?}"),
        }
    }
}

async fn namespaced<K>(server: &ApiServer, what: Value)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Metadata<Ty = ObjectMeta>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + 'static,
{
    lives_and_ends::<K>(Api::default_namespaced(server.client()), what).await;
}

async fn cluster<K>(server: &ApiServer, what: Value)
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope>
        + Metadata<Ty = ObjectMeta>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + 'static,
{
    lives_and_ends::<K>(Api::all(server.client()), what).await;
}

#[tokio::test]
async fn every_kind_that_is_served_works_with_its_type() {
    use k8s_openapi::api::{
        admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration},
        apps::v1::{ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet},
        autoscaling::{v1, v2},
        batch::v1::{CronJob, Job},
        coordination::v1::Lease,
        core::v1::*,
        discovery::v1::EndpointSlice,
        networking::v1::{Ingress, IngressClass, NetworkPolicy},
        node::v1::RuntimeClass,
        policy::v1::PodDisruptionBudget,
        rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
        scheduling::v1::PriorityClass,
        storage::v1::{
            CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment, VolumeAttributesClass,
        },
    };
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let server = common::server().await;
    let s = &server;
    let template =
        json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let runs_once = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}});
    let workload = json!({"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": template}});
    let target = json!({"spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}});
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
    let role =
        |kind: &str| json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "r"}});
    let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    let volume = json!({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}});

    namespaced::<ConfigMap>(s, json!({"data": {"a": "b"}})).await;
    namespaced::<Secret>(s, json!({"stringData": {"a": "b"}})).await;
    namespaced::<Service>(s, json!({"spec": {"ports": [{"port": 80}]}})).await;
    namespaced::<ServiceAccount>(s, json!({})).await;
    namespaced::<Endpoints>(s, json!({})).await;
    namespaced::<LimitRange>(s, json!({"spec": {"limits": []}})).await;
    namespaced::<ResourceQuota>(s, json!({"spec": {"hard": {"pods": "1"}}})).await;
    namespaced::<PersistentVolumeClaim>(s, json!({"spec": claim})).await;
    namespaced::<PodTemplate>(s, json!({"template": template})).await;
    namespaced::<ReplicationController>(s, json!({"spec": {"selector": {"app": "x"}, "template": template}}))
        .await;
    namespaced::<Pod>(s, json!({"spec": template["spec"]})).await;
    namespaced::<k8s_openapi::api::core::v1::Event>(
        s,
        json!({"involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}, "reason": "Tried", "type": "Normal"}),
    )
    .await;
    cluster::<Namespace>(s, json!({})).await;
    cluster::<Node>(s, json!({})).await;
    cluster::<PersistentVolume>(s, volume).await;
    namespaced::<Deployment>(s, workload.clone()).await;
    namespaced::<ReplicaSet>(s, workload.clone()).await;
    namespaced::<DaemonSet>(s, workload.clone()).await;
    let mut stateful = workload.clone();
    stateful["spec"]["serviceName"] = json!("s");
    namespaced::<StatefulSet>(s, stateful).await;
    namespaced::<ControllerRevision>(s, json!({"revision": 1, "data": {"a": "b"}})).await;
    namespaced::<Job>(s, json!({"spec": {"template": runs_once}})).await;
    namespaced::<CronJob>(
        s,
        json!({"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": runs_once}}}}),
    )
    .await;
    namespaced::<v1::HorizontalPodAutoscaler>(s, target.clone()).await;
    namespaced::<v2::HorizontalPodAutoscaler>(s, target).await;
    namespaced::<PodDisruptionBudget>(s, json!({"spec": {"minAvailable": 1}})).await;
    namespaced::<Lease>(s, json!({"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}})).await;
    namespaced::<EndpointSlice>(
        s,
        json!({"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.2.3"]}]}),
    )
    .await;
    namespaced::<k8s_openapi::api::events::v1::Event>(
        s,
        json!({"eventTime": "2026-01-01T00:00:00.000000Z", "action": "Try", "reason": "Tried", "type": "Normal",
            "reportingController": "example.com/c", "reportingInstance": "c-1", "regarding": {"kind": "Pod", "namespace": "default"}}),
    )
    .await;
    namespaced::<Ingress>(
        s,
        json!({"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}}),
    )
    .await;
    namespaced::<NetworkPolicy>(s, json!({"spec": {"podSelector": {}}})).await;
    cluster::<IngressClass>(s, json!({"spec": {"controller": "example.com/none"}})).await;
    namespaced::<Role>(s, rules.clone()).await;
    cluster::<ClusterRole>(s, rules).await;
    namespaced::<RoleBinding>(s, role("Role")).await;
    cluster::<ClusterRoleBinding>(s, role("ClusterRole")).await;
    cluster::<PriorityClass>(s, json!({"value": 10})).await;
    cluster::<StorageClass>(s, json!({"provisioner": "example.com/none"})).await;
    cluster::<CSIDriver>(s, json!({"spec": {}})).await;
    cluster::<CSINode>(s, json!({"spec": {"drivers": []}})).await;
    namespaced::<CSIStorageCapacity>(s, json!({"storageClassName": "x", "capacity": "1Gi"})).await;
    cluster::<VolumeAttachment>(
        s,
        json!({"spec": {"attacher": "example.com", "nodeName": "n", "source": {"persistentVolumeName": "v"}}}),
    )
    .await;
    cluster::<VolumeAttributesClass>(s, json!({"driverName": "example.com", "parameters": {"a": "b"}})).await;
    cluster::<RuntimeClass>(s, json!({"handler": "none"})).await;
    cluster::<MutatingWebhookConfiguration>(s, json!({})).await;
    cluster::<ValidatingWebhookConfiguration>(s, json!({})).await;
    cluster::<CustomResourceDefinition>(
        s,
        json!({"metadata": {"name": "tries.example.com"}, "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"kind": "Try", "plural": "tries"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        }}),
    )
    .await;

    // Nothing that is served was forgotten above.
    let requests = server.requests();
    let tried: BTreeSet<(String, String)> = requests
        .iter()
        .filter(|request| request.verb == "create" && request.changed)
        .map(|request| (request.group.clone(), request.resource.clone()))
        .collect();
    let discovery = Discovery::new(server.client()).run().await.unwrap();
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            if capabilities.supports_operation(verbs::CREATE) && capabilities.supports_operation(verbs::WATCH)
            {
                let key = (resource.group.clone(), resource.plural.clone());
                assert!(tried.contains(&key), "{key:?} is served: try it above");
            }
        }
    }
}

#[tokio::test]
async fn a_recorder_counts_what_happens_again() {
    let server = common::server().await;
    let client = server.client_for("operator");
    let reporter =
        Reporter { controller: "example.com/operator".into(), instance: Some("operator-1".into()) };
    let recorder = Recorder::new(client.clone(), reporter);
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(client.clone());
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let pod = pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let event = Event {
        type_: EventType::Warning,
        reason: "Broken".into(),
        note: Some("it broke".into()),
        action: "Mend".into(),
        secondary: None,
    };
    for _ in 0..3 {
        recorder.publish(&event, &pod.object_ref(&())).await.unwrap();
    }
    let events: Api<k8s_openapi::api::events::v1::Event> = Api::default_namespaced(client);
    let list = events.list(&ListParams::default()).await.unwrap();
    let [seen] = &list.items[..] else { panic!("one event that counts: {list:?}") };
    assert_eq!(seen.series.as_ref().map(|series| series.count), Some(3));
    assert_eq!(seen.regarding.as_ref().and_then(|regarding| regarding.name.as_deref()), Some("p"));
}
