//! The reader against API servers: names, answers, refusals, and a story that real managed fields tell.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::ConfigMap,
};
use kontext_core::{EventKind, Keys, Name, ObjectRef, On, Origin, Stamp, StampCause, Traceparent, Verb, Who};
use kontext_testbed::{Server, on_both_servers, require_real_server};
use kontext_why::{Certainty, Chain, Cluster as _, Deed, LiveCluster, Query, WhoTold, WhyError, why};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

async fn ask(client: &Client, words: &[&str], namespace: &str) -> Result<Chain, WhyError> {
    why(&LiveCluster::new(client.clone()), &Query::parse(words, Some(namespace))?).await
}

fn by(manager: &str) -> PostParams {
    PostParams { field_manager: Some(manager.into()), ..PostParams::default() }
}

fn spec(replicas: u32) -> Value {
    json!({"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "registry.example/web:1"}]}}})
}

fn told(chain: &Chain) -> Vec<String> {
    let step = |step: &kontext_why::Step| match &step.deed {
        Deed::Action(action) => format!("{}: {} on {}", step.certainty, action.name, step.object.kind),
        Deed::Write(write) => {
            format!("{}: {} {} {}", step.certainty, write.who, write.verb, step.object.kind)
        }
    };
    chain.steps.iter().map(step).collect()
}

on_both_servers! {
    async fn a_kind_goes_by_all_its_names(server: Server) -> Result<()> {
        let namespace = server.namespace("why-names").await?;
        let client = server.client("alice").await?;
        let deployment: Deployment = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": spec(0)}))?;
        Api::namespaced(client.clone(), &namespace).create(&by("kubectl-create"), &deployment).await?;
        for word in ["deploy", "deployment", "deployments", "Deployment", "deploy.apps", "deployments.v1.apps"] {
            let chain = ask(&client, &[word, "web"], &namespace).await.context(word)?;
            assert_eq!(told(&chain).last().map(String::as_str),
                Some("inferred: field manager kubectl-create created Deployment"), "{word}");
        }
        let chain = ask(&client, &[&format!("ns/{namespace}")], "elsewhere").await?;
        assert_eq!((&*chain.object.kind, &chain.object.namespace), ("Namespace", &None));
        Ok(())
    }

    async fn what_is_not_there_is_told_as_that(server: Server) -> Result<()> {
        let namespace = server.namespace("why-missing").await?;
        let client = server.client("alice").await?;
        let missing = ask(&client, &["cm/none"], &namespace).await.expect_err("not there");
        assert!(matches!(&missing, WhyError::NotFound { what, .. } if what == "ConfigMap none"), "{missing}");
        assert_eq!(missing.exit_code(), 3);
        let unknown = ask(&client, &["widgets/x"], &namespace).await.expect_err("no such kind");
        assert!(matches!(&unknown, WhyError::UnknownKind { word, unanswered } if word == "widgets" && unanswered.is_empty()),
            "{unknown}");
        Ok(())
    }

    async fn a_stamp_explains_its_write_and_not_the_next_one(server: Server) -> Result<()> {
        let namespace = server.namespace("why-story").await?;
        let client = server.client("alice").await?;
        let deployment: Deployment = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": spec(1)}))?;
        let deployment = Api::<Deployment>::namespaced(client.clone(), &namespace)
            .create(&by("kubectl-create"), &deployment).await?;
        let uid = deployment.metadata.uid.context("a uid")?;

        let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &namespace);
        let mut set: ReplicaSet = serde_json::from_value(json!({"metadata": {"name": "web-1", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid, "controller": true}]},
            "spec": spec(1)}))?;
        set.metadata.annotations = Some(annotations(&uid));
        let created = sets.create(&by("kontext"), &set).await?;
        let chain = ask(&client, &["rs", "web-1"], &namespace).await?;
        assert_eq!(told(&chain), [
            "stamped: deployment.CreateReplicaSet on ReplicaSet",
            "verified: field manager kubectl-create created Deployment",
        ], "{:?}", created.metadata);

        let patch = Patch::Merge(json!({"spec": {"replicas": 3}}));
        sets.patch("web-1", &PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() }, &patch).await?;
        let chain = ask(&client, &["rs", "web-1"], &namespace).await?;
        assert_eq!(told(&chain)[0], "inferred: field manager kubectl-edit changed ReplicaSet");
        assert_eq!(chain.steps.iter().map(|step| step.older).collect::<Vec<_>>(), [false, true, true]);
        let Deed::Write(write) = &chain.steps[0].deed else { panic!("{:?}", chain.steps[0]) };
        assert_eq!(write.owns, ["spec.replicas"]);

        // A second controller copies the annotations to an object of its own.
        let mut copy: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "web-1"}}))?;
        copy.metadata.annotations = Some(annotations(&uid));
        Api::namespaced(client.clone(), &namespace).create(&by("copier"), &copy).await?;
        let chain = ask(&client, &["cm", "web-1"], &namespace).await?;
        assert_eq!(told(&chain), ["inferred: field manager copier created ConfigMap"]);
        assert!(chain.notes[0].contains("its kind differs"), "{:?}", chain.notes);
        Ok(())
    }

    async fn the_events_of_an_object_are_found(server: Server) -> Result<()> {
        let namespace = server.namespace("why-events").await?;
        let client = server.client("alice").await?;
        let events: Api<k8s_openapi::api::core::v1::Event> = Api::namespaced(client.clone(), &namespace);
        for (name, about) in [("a", "web"), ("b", "other")] {
            let event = serde_json::from_value(json!({"metadata": {"name": name}, "reason": "Scaled",
                "involvedObject": {"kind": "Deployment", "apiVersion": "apps/v1", "name": about, "namespace": namespace}}))?;
            events.create(&by("kontext"), &event).await?;
        }
        let about = kontext_why::Key::new("apps/v1", "Deployment", Some(&namespace), "web").context("a key")?;
        let found = LiveCluster::new(client).events(&about).await?;
        assert_eq!(found.iter().map(|event| &event["metadata"]["name"]).collect::<Vec<_>>(), ["a"]);
        Ok(())
    }
}

fn annotations(deployment: &str) -> std::collections::BTreeMap<String, String> {
    let now = Timestamp::now();
    let stamp = Stamp {
        on: On { kind: "ReplicaSet".into(), name: Name::Exact("web-1".into()), uid: None },
        controller: "deployment-controller".into(),
        action: "deployment.CreateReplicaSet".into(),
        subject: ObjectRef::new("Deployment", None, "web").with_uid(deployment).with_generation(1),
        reason: "no ReplicaSet has this template".into(),
        causes: vec![StampCause {
            event: EventKind::Created,
            kind: "Deployment".into(),
            name: "web".into(),
            trace_id: None,
            action: None,
            manager: Some("kubectl-create".into()),
            seen: now,
            changes: Vec::new(),
        }],
        more_causes: 0,
        origin: Some(Origin {
            who: Who::Manager("kubectl-create".into()),
            verb: Verb::Created,
            object: ObjectRef::new("Deployment", None, "web").with_generation(1),
            time: Some(now),
            change: None,
        }),
        hops: 0,
        generation: Some(1),
        content: None,
        time: now,
        manager: Some("kontext".into()),
    };
    let keys = Keys::default();
    let trace: Traceparent =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().expect("a traceparent");
    [(keys.cause, stamp.encode().expect("fits")), (keys.traceparent, trace.to_string())]
        .map(|(key, value)| (key.into(), value))
        .into()
}

#[tokio::test]
async fn who_lacks_a_right_is_told_which() -> Result<()> {
    let server = require_real_server!();
    let namespace = server.namespace("why-rights").await?;
    let error =
        ask(&server.client_for("mallory", &[]).await?, &["pod/web"], &namespace).await.expect_err("refused");
    assert_eq!(error.exit_code(), 4);
    let WhyError::Forbidden { verb, resource, namespace: place, .. } = &error else { panic!("{error}") };
    assert_eq!((*verb, &**resource, place.as_deref()), ("get", "pods", Some(&*namespace)));
    Ok(())
}

#[tokio::test]
async fn who_is_not_known_is_told_so() -> Result<()> {
    let server = require_real_server!();
    let mut config = server.config("alice").await?;
    config.auth_info = serde_json::from_value(json!({"token": "forged"}))?;
    let error = ask(&Client::try_from(config)?, &["pod/web"], "default").await.expect_err("refused");
    assert!(matches!(error, WhyError::Unauthorised(_)), "{error:?}");
    assert_eq!(error.exit_code(), 4);
    Ok(())
}

#[tokio::test]
async fn an_entry_of_scale_is_named_though_it_has_no_time() -> Result<()> {
    let server = require_real_server!();
    let namespace = server.namespace("why-scale").await?;
    let client = server.client("alice").await?;
    let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &namespace);
    let mut set: ReplicaSet =
        serde_json::from_value(json!({"metadata": {"name": "web-1"}, "spec": spec(1)}))?;
    set.metadata.annotations = Some(annotations("u-d"));
    sets.create(&by("kontext"), &set).await?;
    let scale = Patch::Merge(json!({"spec": {"replicas": 2}}));
    let params = PatchParams { field_manager: Some("kubectl".into()), ..PatchParams::default() };
    sets.patch_scale("web-1", &params, &scale).await?;
    let chain = ask(&client, &["replicasets/web-1"], &namespace).await?;
    let Deed::Write(write) = &chain.steps[0].deed else { panic!("{:?}", chain.steps[0]) };
    assert_eq!(write.who, WhoTold::FieldManager("kubectl".into()));
    assert_eq!(write.owns, ["spec.replicas"]);
    assert!(write.unattributed && chain.steps[0].certainty == Certainty::Inferred);
    Ok(())
}

#[tokio::test]
async fn two_custom_kinds_of_one_name_are_not_guessed() -> Result<()> {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let server = require_real_server!();
    let client = server.client("alice").await?;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for group in ["a.why.example", "b.why.example"] {
        let definition =
            serde_json::from_value(json!({"metadata": {"name": format!("whytopics.{group}")}, "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": "whytopics", "singular": "whytopic", "kind": "WhyTopic"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object"}}}]}}))?;
        definitions.create(&by("testbed"), &definition).await?;
    }
    let kind = |word: &str| Query::parse([&format!("{word}/x")], None).map(|query| query.kind);
    // A definition is served a little later: ask anew until both are.
    let candidates = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        loop {
            match LiveCluster::new(client.clone()).resolve(&kind("whytopic")?).await {
                Err(WhyError::AmbiguousKind { candidates, .. }) => return anyhow::Ok(candidates),
                Err(WhyError::UnknownKind { .. }) | Ok(_) => tokio::task::yield_now().await,
                Err(other) => return Err(other.into()),
            }
        }
    })
    .await??;
    assert_eq!(candidates, ["whytopics.a.why.example", "whytopics.b.why.example"]);
    let one = LiveCluster::new(client).resolve(&kind("whytopic.b.why.example")?).await?;
    assert_eq!(one.full_name(), "whytopics.b.why.example");
    Ok(())
}
