//! The real control plane starts, knows its users, and stops without a trace.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::ConfigMap;
use kontext_testbed::{RealServer, require_real_server};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};

const SOON: Duration = Duration::from_secs(60);

fn config_map(name: &str) -> ConfigMap {
    ConfigMap { metadata: ObjectMeta { name: Some(name.into()), ..Default::default() }, ..Default::default() }
}

async fn create(client: Client, namespace: &str, name: &str) -> kube::Result<ConfigMap> {
    Api::namespaced(client, namespace).create(&PostParams::default(), &config_map(name)).await
}

#[tokio::test]
async fn it_is_the_version_that_was_asked_for() -> Result<()> {
    let server = require_real_server!();
    let version = server.client("alice").await?.apiserver_version().await?;
    if kontext_testbed::assets::kubebuilder_assets().is_none() {
        assert_eq!(version.git_version, kontext_testbed::assets::kubernetes_version());
    }
    Ok(())
}

#[tokio::test]
async fn the_writes_of_two_users_are_told_apart_in_the_audit_log() -> Result<()> {
    let server = require_real_server!();
    let namespace = server.namespace("audit").await?;
    for user in ["alice", "bob"] {
        create(server.client(user).await?, &namespace, &format!("of-{user}")).await?;
    }
    for user in ["alice", "bob"] {
        let event = server.audit_event(SOON, |event| {
            event.verb() == "create"
                && event.text("/objectRef/namespace") == Some(&namespace)
                && event.text("/objectRef/name") == Some(&format!("of-{user}"))
        });
        let event = event.await?;
        assert_eq!(event.user(), user);
        assert_eq!(event.code(), Some(201));
    }
    Ok(())
}

#[tokio::test]
async fn a_user_without_rights_is_refused_by_name() -> Result<()> {
    let server = require_real_server!();
    let namespace = server.namespace("rights").await?;
    let groups = ["developers", "on-call"];
    let refused = create(server.client_for("mallory", &groups).await?, &namespace, "x").await.unwrap_err();
    let kube::Error::Api(status) = refused else { panic!("not an answer of the server: {refused}") };
    assert_eq!(status.code, 403);
    assert!(
        status.message.contains(r#"User "mallory" cannot create resource "configmaps""#),
        "{}",
        status.message
    );

    let event = server.audit_event(SOON, |event| {
        event.user() == "mallory" && event.text("/objectRef/namespace") == Some(&namespace)
    });
    let seen = event.await?.0["user"]["groups"].to_string();
    for group in groups {
        assert!(seen.contains(group), "{seen}");
    }
    Ok(())
}

#[tokio::test]
async fn namespaces_are_new_each_time() -> Result<()> {
    let server = require_real_server!();
    let (one, other) = (server.namespace("same").await?, server.namespace("same").await?);
    assert_ne!(one, other);
    create(server.client("alice").await?, &one, "x").await?;
    let api: Api<ConfigMap> = Api::namespaced(server.client("alice").await?, &other);
    assert!(api.list(&ListParams::default().fields("metadata.name=x")).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn it_can_be_started_again_and_leaves_nothing_behind() -> Result<()> {
    // Beside the shared one: two control planes at a time do not meet.
    require_real_server!();
    for round in 0..2 {
        let server = RealServer::builder().start().await?;
        let namespace = server.namespace("again").await?;
        assert!(create(server.client("alice").await?, &namespace, "x").await?.metadata.uid.is_some());
        assert!(server.audit_events().unwrap_err().to_string().contains("no audit log"));

        let processes: Vec<_> = [server.api_server(), server.etcd()]
            .map(|process| (process.id(), process.folder().to_owned()))
            .into();
        let kubeconfig = server.kubeconfig("alice")?;
        assert!(kubeconfig.is_file());
        drop(server);
        assert!(!kubeconfig.exists());
        for (id, folder) in processes {
            assert!(
                !Path::new("/proc").join(id.to_string()).exists(),
                "round {round}: process {id} is still there"
            );
            assert!(!folder.exists(), "round {round}: {} is still there", folder.display());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() -> Result<()> {
    require_real_server!();
    let Err(error) = RealServer::builder().api_server_flag("--no-such-flag").start().await else {
        panic!("kube-apiserver starts with an unknown flag");
    };
    let error = format!("{error:#}");
    assert!(error.contains("kube-apiserver ended with exit code 1"), "{error}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
    Ok(())
}
