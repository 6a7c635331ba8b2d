//! `kontext demo`, piped, as a user runs it.

mod common;

use common::{Running, end_of, kontext};
use serde_json::Value;

/// The parts of the output that are the same each time: who did what, and the lines that tell why.
fn answers(stdout: &str) -> Vec<Vec<&str>> {
    let answers = stdout.split("\n$ kubectl why ").skip(1);
    answers.map(|answer| answer.lines().filter(|line| !line.is_empty()).collect()).collect()
}

#[tokio::test]
async fn four_objects_lead_back_to_the_people_behind_them() {
    let (code, stdout, stderr) = end_of(kontext(&["demo", "--speed", "10"])).await;
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    assert!(!stdout.contains('\u{1b}'), "no escapes where stdout is no terminal");
    let acts =
        ["create namespace shop", "create deployment web", "scale deployment web", "set image", "delete pod"];
    let at: Vec<_> = acts.iter().map(|act| stdout.find(act)).collect();
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{stdout}");

    let answers = answers(&stdout);
    let [pod, replacement, set, deployment] = answers.as_slice() else { panic!("four answers: {stdout}") };
    let told = |answer: &[&str], words: &[&str]| {
        let missing: Vec<_> =
            words.iter().filter(|word| !answer.iter().any(|line| line.contains(**word))).collect();
        assert!(missing.is_empty(), "{missing:?} is missing in {answer:#?}");
    };
    told(pod, &["Pod shop/web-", "running", "replicaset.CreatePod", "deployment-controller", "kubectl-set"]);
    told(
        replacement,
        &["Pod shop/web-", "replicaset.CreatePod", "\"1 of 5 replicas missing\"", "deleted Pod web-"],
    );
    assert!(!replacement.iter().any(|line| line.contains("kubectl-set")), "not the rollout before it");
    told(set, &["ReplicaSet shop/web-", "deployment.ScaleReplicaSet", "kubectl-set"]);
    told(deployment, &["Deployment shop/web"]);
}

#[tokio::test]
async fn what_is_kept_can_be_asked_until_ctrl_c() {
    let mut demo = Running::start(kontext(&["demo", "--speed", "20", "--keep"]));
    let export = demo.says("export KUBECONFIG=").await;
    let (_, kubeconfig) = export.split_once('=').expect("an assignment");
    let why = |object: &str| {
        kontext(&["why", object, "-n", "shop", "-o", "json", "--kubeconfig", kubeconfig, "--context", "bob"])
    };
    let (code, stdout, stderr) = end_of(why("deployment/web")).await;
    assert_eq!((code, &*stderr), (Some(0), ""));
    let chain: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(chain["object"]["name"], "web");
    let (code, stdout, stderr) = end_of(why("pod/none")).await;
    assert_eq!((code, &*stdout), (Some(3), ""));
    assert!(stderr.contains("Pod none not found in namespace \"shop\""), "{stderr}");

    demo.signal("INT").await;
    assert_eq!(demo.end().await, Some(0));
    assert!(!std::path::Path::new(kubeconfig).exists(), "the temporary kubeconfig is gone");
    let (code, _, stderr) = end_of(why("deployment/web")).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains(kubeconfig), "{stderr}");
}

#[tokio::test]
async fn ctrl_c_ends_it_at_every_act() {
    // The last acts are left out: the demo might be over before the signal comes.
    for act in ["create namespace", "create deployment", "scale", "set image"] {
        let mut demo = Running::start(kontext(&["demo", "--speed", "1"]));
        demo.says(act).await;
        demo.signal("INT").await;
        let error = demo.stderr.next_line().await.expect("UTF-8");
        assert_eq!(error, None, "{act}");
        assert_eq!(demo.end().await, Some(130), "{act}");
    }
}
