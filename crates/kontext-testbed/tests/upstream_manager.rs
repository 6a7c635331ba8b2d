//! Upstream's manager and kubectl work against the test server.

use anyhow::{Context, Result};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Pod;
use kontext_testbed::{UpstreamManager, require_real_server};
use kube::Api;
use kube::api::{WatchEvent, WatchParams};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_made_by_kubectl_gets_its_pods_and_the_manager_tells_what_it_used() -> Result<()> {
    let server = require_real_server!();
    let manager = UpstreamManager::builder()
        .controllers(&["deployment-controller", "replicaset-controller"])
        .limits(500.0, 500)
        .start(server.assets(), &server.kubeconfig("system:kube-controller-manager")?)?;

    let namespace = server.namespace("upstream").await?;
    let kubectl = server.kubectl("alice")?;
    let pods: Api<Pod> = Api::namespaced(server.client("testbed").await?, &namespace);
    let watch = pods.watch(&WatchParams::default().timeout(120), "0").await?;
    let image = "--image=registry.example/web:1";
    let said = kubectl.run(&["-n", &namespace, "create", "deployment", "web", image, "--replicas=3"]).await?;
    assert_eq!(said, "deployment.apps/web created\n");

    // The server ends the watch after its timeout: the wait is bounded.
    let mut watch = std::pin::pin!(watch);
    let mut names = Vec::new();
    while names.len() < 3 {
        match watch.try_next().await?.context("three pods within the watch")? {
            WatchEvent::Added(pod) => names.push(pod.metadata.name.context("a pod has a name")?),
            WatchEvent::Error(error) => anyhow::bail!("watch: {error}"),
            _ => {}
        }
    }
    let listed = kubectl.run(&["-n", &namespace, "get", "pods", "--no-headers", "-o", "name"]).await?;
    for name in &names {
        assert!(listed.contains(name), "{name} is not in {listed}");
    }

    manager.process().check()?;
    let usage = manager.stop()?;
    assert!(usage.cpu_seconds > 0.0 && usage.peak_resident_bytes > 10 << 20, "{usage:?}");
    Ok(())
}
