//! Against the in-memory API server.

use k8s_openapi::api::core::v1::{Event as ApiEvent, Namespace};
use std::sync::Arc;

use kontext::{ObjectRef, Policy, client::ContextLayer};
use kontext_apiserver::ApiServer;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams},
    client::ClientBuilder,
};
use serde_json::json;

use super::{
    super::{EventSink, KubeEventSink, Recorder, SinkError, Subject, metrics::Outcome},
    context, created, drain, set,
};

async fn namespace(client: &Client, name: &str) {
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..Default::default() },
        ..Default::default()
    };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
}

#[tokio::test]
async fn events_are_created_and_counted_up_with_the_source_as_manager() {
    let server = ApiServer::builder().seed(1).start().await;
    let client = server.client_for("replicaset-controller");
    namespace(&client, "shop").await;
    let (recorder, task) = Recorder::for_client("replicaset-controller", client.clone());
    for pod in ["web-a", "web-a", "web-b"] {
        recorder.record(&context(), &set("web"), created(pod));
    }
    recorder.record(&context(), &Subject { namespace: None, ..set("node-1") }, created("x"));
    let metrics = drain(recorder, task).await;
    assert_eq!((metrics.of(Outcome::Created), metrics.of(Outcome::Counted)), (3, 1));

    let events: Api<ApiEvent> = Api::namespaced(client.clone(), "shop");
    let mut events = events.list(&ListParams::default()).await.unwrap().items;
    events.sort_by(|a, b| a.message.cmp(&b.message));
    let shown: Vec<_> = events
        .iter()
        .map(|event| {
            let manager =
                event.metadata.managed_fields.as_ref().and_then(|fields| fields[0].manager.as_deref());
            let source = event.source.as_ref().and_then(|source| source.component.as_deref());
            (event.message.as_deref().unwrap(), event.count, source, manager)
        })
        .collect();
    let component = Some("replicaset-controller");
    assert_eq!(
        shown,
        [
            ("Created pod: web-a", Some(2), component, component),
            ("Created pod: web-b", Some(1), component, component),
        ]
    );
    let events: Api<ApiEvent> = Api::namespaced(client, "default");
    assert_eq!(events.list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn the_first_occurrence_bears_the_stamp_of_its_action_and_the_next_ones_leave_it_alone() {
    let server = ApiServer::builder().seed(1).start().await;
    let layer = ContextLayer::new(Arc::new(Policy::default()));
    let service = server.service_for("replicaset-controller");
    let client = ClientBuilder::new(service, "default").with_layer(&layer).build();
    namespace(&server.client(), "shop").await;
    let (recorder, task) = Recorder::for_client("replicaset-controller", client);
    let object = ObjectRef::new("ReplicaSet", Some("shop"), "web");
    for reason in ["1 of 3 replicas missing", "1 of 5 replicas missing"] {
        let context = context();
        let action = context.start(&object, "replicaset.CreatePod").because(reason);
        recorder.record(action.context(), &set("web"), created("web-a"));
    }
    drain(recorder, task).await;

    let events: Api<ApiEvent> = Api::namespaced(server.client(), "shop");
    let [event] = events.list(&ListParams::default()).await.unwrap().items.try_into().unwrap();
    assert_eq!(event.count, Some(2));
    let annotations = event.metadata.annotations.unwrap();
    assert!(annotations.contains_key("tracing.k8s.io/traceparent"), "{annotations:?}");
    let cause = &annotations["kontext.dev/cause"];
    assert!(cause.contains("replicaset.CreatePod") && cause.contains("1 of 3 replicas missing"), "{cause}");
}

#[tokio::test]
async fn the_servers_answers_are_told_apart() {
    let server = ApiServer::builder().seed(1).start().await;
    let client = server.client();
    namespace(&client, "shop").await;
    let sink = KubeEventSink::new(client, "test");
    let event = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "shop"},
               "involvedObject": {"kind": "Pod", "name": "p", "namespace": "shop"}})
    };
    let first = sink.create(&context(), "shop", &event("p.1")).await.unwrap();
    assert_eq!(first.name, "p.1");
    let again = sink.create(&context(), "shop", &event("p.1")).await;
    assert!(matches!(again, Err(SinkError::AlreadyExists)), "{again:?}");
    let patched = sink.patch(&context(), "shop", "p.1", &json!({"count": 2})).await.unwrap();
    assert_ne!(patched.resource_version, first.resource_version);
    let absent = sink.patch(&context(), "shop", "p.2", &json!({"count": 2})).await;
    assert!(matches!(absent, Err(SinkError::NotFound(_))), "{absent:?}");
    let invalid = sink.create(&context(), "shop", &event("Not A Name")).await;
    assert!(matches!(invalid, Err(SinkError::Rejected(_))), "{invalid:?}");
    let namespaces: Api<Namespace> = Api::all(server.client());
    namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    let late = sink.create(&context(), "shop", &event("p.3")).await;
    assert!(matches!(late, Err(SinkError::NamespaceTerminating)), "{late:?}");
}

#[test]
fn answers_and_lost_connections_are_classed() {
    let class = |code: u16, reason: &str, cause: &str| {
        let details = json!({"causes": [{"reason": cause}]});
        let status =
            json!({"status": "Failure", "code": code, "reason": reason, "message": "m", "details": details});
        SinkError::from(kube::Error::Api(serde_json::from_value(status).unwrap()))
    };
    assert!(matches!(class(403, "Forbidden", "NamespaceTerminating"), SinkError::NamespaceTerminating));
    for (code, reason) in
        [(403, "Forbidden"), (400, "BadRequest"), (422, "Invalid"), (409, "Conflict"), (401, "Unauthorized")]
    {
        assert!(matches!(class(code, reason, "x"), SinkError::Rejected(_)), "{code}");
    }
    for (code, reason) in
        [(429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"), (504, "Timeout")]
    {
        assert!(matches!(class(code, reason, "x"), SinkError::Transient(_)), "{code}");
    }
    let lost = kube::Error::Service("connection reset".into());
    assert!(matches!(SinkError::from(lost), SinkError::Transient(_)));
}
