//! Real clients: kube straight onto the service, and over HTTPS with a kubeconfig.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kontext_apiserver::{ApiServer, ServeError};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

async fn everyday_use(client: Client) {
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let object: Deployment = serde_json::from_value(common::deployment("web")).unwrap();
    let created = deployments.create(&PostParams::default(), &object).await.unwrap();
    let version = created.metadata.resource_version.clone().unwrap();
    let mut events = deployments.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    let patch = json!({"spec": {"replicas": 3}});
    deployments.patch("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    let Some(WatchEvent::Modified(seen)) = events.try_next().await.unwrap() else {
        panic!("a MODIFIED event")
    };
    assert_eq!(seen.spec.and_then(|s| s.replicas), Some(3));
    let mut scale = deployments.get_scale("web").await.unwrap();
    scale.spec.as_mut().unwrap().replicas = Some(5);
    deployments.replace_scale("web", &PostParams::default(), &scale).await.unwrap();
    let mut stale = created.clone();
    stale.spec.as_mut().unwrap().paused = Some(true);
    let conflict = deployments.replace("web", &PostParams::default(), &stale).await.unwrap_err();
    assert!(matches!(&conflict, kube::Error::Api(status) if status.is_conflict()), "{conflict}");
    assert_eq!(deployments.list(&ListParams::default()).await.unwrap().items.len(), 1);
    assert!(deployments.delete("web", &DeleteParams::default()).await.unwrap().is_right());
    assert!(deployments.get_opt("web").await.unwrap().is_none());
    let pods: Api<Pod> = Api::all(client);
    assert!(pods.list_metadata(&ListParams::default().limit(10)).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn kube_works_straight_on_the_service() {
    let server = common::server().await;
    everyday_use(server.client_for("alice")).await;
    assert!(server.requests().iter().all(|r| r.user == "alice"));
}

#[tokio::test]
async fn kube_works_over_https_with_a_kubeconfig() {
    let server = common::server().await;
    let served = server.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    served.write_kubeconfig(&path, &["alice", "bob"]).unwrap();
    let kubeconfig = Kubeconfig::read_from(&path).unwrap();
    for user in ["alice", "bob"] {
        let options = KubeConfigOptions { context: Some(user.to_owned()), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options).await.unwrap();
        everyday_use(Client::try_from(config).unwrap()).await;
        assert_eq!(server.requests().last().unwrap().user, user);
    }
    served.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_certificate_names_its_user() {
    let server = common::server().await;
    let served = server.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let text = served.kubeconfig_with_certificate("carol", &["writers", "readers"]).unwrap();
    let kubeconfig = Kubeconfig::from_yaml(&text).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    everyday_use(Client::try_from(config).unwrap()).await;
    assert!(server.requests().iter().all(|r| r.user == "carol"));
    assert!(served.kubeconfig_with_certificate("carol", &["a", "b", "c"]).is_err());
    served.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_watches_and_closes_the_port() {
    let server = common::server().await;
    let served = server.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = served.addr();
    let kubeconfig = Kubeconfig::from_yaml(&served.kubeconfig(&["alice"])).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(Client::try_from(config).unwrap());
    let mut events = maps.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    let created: ConfigMap = serde_json::from_value(common::config_map("m")).unwrap();
    maps.create(&PostParams::default(), &created).await.unwrap();
    assert!(matches!(events.try_next().await.unwrap(), Some(WatchEvent::Added(_))));
    served.shutdown().await.unwrap();
    assert!(events.next().await.is_none_or(|event| event.is_err()));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_server_that_trusts_everybody_listens_on_loopback_only() {
    let server = ApiServer::builder().start().await;
    let refused = server.serve("0.0.0.0:0".parse().unwrap()).await;
    assert!(matches!(refused, Err(ServeError::NotLoopback(_))));
}
