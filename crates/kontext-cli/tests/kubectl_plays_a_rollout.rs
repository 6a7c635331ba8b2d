//! The whole rollout story, played by the real kubectl: on `kontext apiserver`, and on the real API server beside
//! upstream's manager with all its other controllers. After each step `kontext why` tells the truth about it.

#![allow(clippy::print_stderr, reason = "the test harness shows it where a test fails")]

mod common;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use common::{Running, end_of, free_port, kontext, server_with};
use kontext_apiserver::SimulatedKubelet;
use kontext_testbed::{Kubectl, UpstreamManager, require_real_server};
use tokio::time::{Instant, sleep};

const NAMESPACE: &str = "story";
const PATIENCE: Duration = Duration::from_secs(90);

struct Stage {
    kubectl: Kubectl,
}

impl Stage {
    async fn kubectl(&self, line: &str) -> Result<String> {
        let arguments: Vec<&str> = line.split(' ').chain(["-n", NAMESPACE]).collect();
        self.kubectl.run(&arguments).await
    }

    async fn rolled_out(&self) -> Result<()> {
        let said = self.kubectl("rollout status deployment/web --timeout=90s").await?;
        ensure!(said.contains("successfully rolled out"), "{said}");
        Ok(())
    }

    /// Names of pods that are not being deleted, the youngest last.
    async fn pods(&self) -> Result<Vec<String>> {
        let template = "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}";
        let arguments =
            ["get", "pods", "-n", NAMESPACE, "--sort-by=.metadata.creationTimestamp", "-o", template];
        Ok(self.kubectl.run(&arguments).await?.split_whitespace().map(str::to_owned).collect())
    }

    async fn until_pods(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Result<Vec<String>> {
        let began = Instant::now();
        loop {
            let pods = self.pods().await?;
            if wanted(&pods) {
                return Ok(pods);
            }
            ensure!(began.elapsed() < PATIENCE, "waited in vain until {what}: {pods:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn why(&self, object: &str) -> Result<String> {
        let mut command = kontext(&["why", object, "-n", NAMESPACE]);
        command.env("KUBECONFIG", self.kubectl.kubeconfig());
        let (code, said, complained) = end_of(command).await;
        ensure!(code == Some(0), "kontext why {object}: {complained}");
        Ok(said)
    }

    /// Every pod's chain contains all of these.
    async fn all_tell(&self, pods: &[String], expected: &[&str]) -> Result<()> {
        for pod in pods {
            let said = self.why(&format!("pod/{pod}")).await?;
            for text in expected {
                ensure!(said.contains(text), "no {text:?} in\n{said}");
            }
        }
        Ok(())
    }

    async fn image(&self) -> Result<String> {
        self.kubectl("get pods -o jsonpath={.items[*].spec.containers[*].image}").await
    }
}

fn new_ones(before: &[String], after: &[String]) -> Vec<String> {
    after.iter().filter(|pod| !before.contains(pod)).cloned().collect()
}

async fn play(stage: &Stage) -> Result<()> {
    stage.kubectl.run(&["create", "namespace", NAMESPACE]).await?;

    stage.kubectl("create deployment web --image=registry.example/web:1 --replicas=3").await?;
    stage.rolled_out().await?;
    let first = stage.until_pods("3 are there", |pods| pods.len() == 3).await?;
    stage
        .all_tell(&first, &["replicaset.CreatePod", "3 of 3 replicas missing", "deployment.CreateReplicaSet"])
        .await?;
    stage.all_tell(&first, &["field manager kubectl-create", "created Deployment web"]).await?;

    stage.kubectl("scale deployment web --replicas=5").await?;
    let scaled = stage.until_pods("5 are there", |pods| pods.len() == 5).await?;
    stage.rolled_out().await?;
    stage.all_tell(&new_ones(&first, &scaled), &["2 of 5 replicas missing", "spec.replicas: 3 -> 5"]).await?;
    // What was there before is not laid to the scaling.
    let said = stage.why(&format!("pod/{}", first[0])).await?;
    ensure!(said.contains("created Deployment web") && !said.contains("3 -> 5"), "{said}");

    stage.kubectl("set image deployment/web web=registry.example/web:2").await?;
    stage.rolled_out().await?;
    let second = stage
        .until_pods("the old ones are gone", |pods| pods.len() == 5 && new_ones(&scaled, pods).len() == 5)
        .await?;
    stage
        .all_tell(
            &second,
            &["field manager kubectl-set", "containers[web].image: registry.example/web:1 -> :2"],
        )
        .await?;

    stage.kubectl("rollout undo deployment/web").await?;
    stage.rolled_out().await?;
    let undone = stage
        .until_pods("the undone ones are gone", |pods| pods.len() == 5 && new_ones(&second, pods).len() == 5)
        .await?;
    ensure!(!stage.image().await?.contains(":2"));
    stage.all_tell(&undone, &["containers[web].image: registry.example/web:2 -> :1"]).await?;

    stage.kubectl("rollout pause deployment/web").await?;
    stage.kubectl("set image deployment/web web=registry.example/web:3").await?;
    let paused = r#"wait deployment/web --for=jsonpath={.status.conditions[?(@.type=="Progressing")].reason}=DeploymentPaused --timeout=60s"#;
    stage.kubectl(paused).await?;
    ensure!(stage.pods().await? == undone, "a paused deployment keeps its pods");
    stage.kubectl("rollout resume deployment/web").await?;
    stage.rolled_out().await?;
    let third = stage
        .until_pods("the resumed ones are there", |pods| {
            pods.len() == 5 && new_ones(&undone, pods).len() == 5
        })
        .await?;
    ensure!(stage.image().await?.split(' ').all(|image| image.ends_with(":3")));
    stage.all_tell(&third, &["replicaset.CreatePod", "deployment.", "Deployment web"]).await?;

    stage.kubectl("rollout restart deployment/web").await?;
    stage.rolled_out().await?;
    let restarted = stage
        .until_pods("all are restarted", |pods| pods.len() == 5 && new_ones(&third, pods).len() == 5)
        .await?;
    stage.all_tell(&restarted, &["restartedAt"]).await?;

    let victim = restarted[2].clone();
    stage.kubectl(&format!("delete pod {victim} --wait=false")).await?;
    let replaced =
        stage.until_pods("it is replaced", |pods| pods.len() == 5 && !pods.contains(&victim)).await?;
    let [replacement] = new_ones(&restarted, &replaced).try_into().ok().context("one is new")?;
    let said = stage.why(&format!("pod/{replacement}")).await?;
    ensure!(
        said.contains("1 of 5 replicas missing") && said.contains(&format!("deleted Pod {victim}")),
        "{said}"
    );
    ensure!(!said.contains("restartedAt"), "the rollout before is not blamed:\n{said}");

    stage.kubectl("delete deployment web").await?;
    stage.until_pods("all are gone", <[String]>::is_empty).await?;
    let began = Instant::now();
    loop {
        let left = stage.kubectl("get replicasets,deployments -o name").await?;
        if left.trim().is_empty() {
            break;
        }
        ensure!(began.elapsed() < PATIENCE, "still there: {left}");
        sleep(Duration::from_millis(100)).await;
    }
    let (code, _, complained) = {
        let mut command = kontext(&["why", "deployment/web", "-n", NAMESPACE]);
        command.env("KUBECONFIG", stage.kubectl.kubeconfig());
        end_of(command).await
    };
    ensure!(code == Some(3) && complained.contains("web"), "{code:?} {complained}");
    Ok(())
}

async fn manager(kubeconfig: &Path) -> Running {
    let port = free_port().to_string();
    let kubeconfig = kubeconfig.display().to_string();
    let mut running = Running::start(kontext(&[
        "controller-manager",
        "--kubeconfig",
        &kubeconfig,
        "--leader-elect=false",
        "--http-port",
        &port,
    ]));
    running.logs("caches are filled").await;
    running
}

/// Ends the manager as an operator would; a failure of the story comes first.
async fn ended(story: Result<()>, mut manager: Running) -> Result<()> {
    if let Err(error) = story {
        manager.child.kill().await?;
        while let Ok(Some(line)) = manager.stderr.next_line().await {
            eprintln!("{line}");
        }
        return Err(error);
    }
    manager.signal("TERM").await;
    if manager.end().await != Some(0) {
        bail!("the manager does not end cleanly");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_in_memory_api_server() -> Result<()> {
    // kubectl comes with the control plane; only its binary is used here.
    let _ = require_real_server!();
    let assets = kontext_testbed::Assets::locate()?.context("the control plane is there")?;
    let server = server_with(&["--simulate-kubelet", "--garbage-collector"]).await;
    let stage = Stage { kubectl: Kubectl::new(&assets, &server.kubeconfig)? };
    let manager = manager(Path::new(&server.kubeconfig)).await;
    ended(play(&stage).await, manager).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_real_api_server_beside_upstreams_other_controllers() -> Result<()> {
    let server = require_real_server!();
    let kubeconfig = server.kubeconfig("kontext")?;
    let upstream = UpstreamManager::builder()
        .controllers(&["*", "-deployment-controller", "-replicaset-controller"])
        .limits(200.0, 400)
        .start(server.assets(), &kubeconfig)?;
    let kubelet = SimulatedKubelet::builder(server.client("kubelet").await?).nodes(2).start().await?;
    let stage = Stage { kubectl: server.kubectl("alice")? };
    let manager = manager(&kubeconfig).await;
    let story = ended(play(&stage).await, manager).await;
    kubelet.stop().await;
    drop(upstream);
    story
}
