//! Errors: which end the answer, and which are only noted.

use std::time::Duration;

use expect_test::expect;
use kube::{Client, Config};

use crate::{
    Cluster as _, LiveCluster, Query, WhyError,
    fixtures::{Facts as _, Fake, mark, object},
    why,
};

async fn refused(cluster: &Fake, words: &[&str]) -> String {
    let query = Query::parse(words, None).expect("a question");
    let error = why(cluster, &query).await.expect_err("refused");
    format!("exit {}: {error}", error.exit_code())
}

fn pod() -> serde_json::Value {
    let mark = mark("Pod web", 1, "a-controller a.Create", "14:00:00.000")
        .subject("ReplicaSet web", "u-r", 1)
        .after_action(kontext_core::EventKind::Modified, "ReplicaSet web", 2, "b.Change", "14:00:00.000");
    object("Pod web", "u-p", "14:00:00").stamped(&mark)
}

#[tokio::test]
async fn what_cannot_be_answered_says_why_and_what_to_do() {
    let mut cluster = Fake::of([pod()]);
    expect![[r#"exit 2: the server has no resource "widget"; `kubectl api-resources` lists what it has"#]]
        .assert_eq(&refused(&cluster, &["widget/x"]).await);
    expect![[r#"exit 3: Pod gone not found in namespace "default": deleted objects leave no annotations; their Events may still be there (`kubectl events --for pod/gone`)"#]].assert_eq(&refused(&cluster, &["pod/gone"]).await);
    cluster.forbidden = vec!["Pod"];
    expect![[r#"exit 4: no permission to get pods in namespace "default": ask for it, or try another --context or --as (RBAC says no)"#]].assert_eq(&refused(&cluster, &["pod/web"]).await);
    cluster.forbidden.clear();
    cluster.goes_away = true;
    expect!["exit 5: the server at https://127.0.0.1:1 does not answer: check the kubeconfig, the network and that it runs (no answer within 10s)"].assert_eq(&refused(&cluster, &["pod/web"]).await);
}

#[tokio::test]
async fn an_object_is_asked_for_once() {
    let cluster = Fake::of([pod()]);
    why(&cluster, &Query::parse(["pod", "web"], None).expect("a question")).await.expect("an answer");
    let asked = cluster.asked.lock().expect("no panic while locked").join(" ");
    expect!["Pod ReplicaSet Event"].assert_eq(&asked);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    // A port that was free a moment ago: nobody listens there.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let url = format!("http://127.0.0.1:{port}");
    let client = Client::try_from(Config::new(url.parse().expect("a URL"))).expect("a client");
    let cluster = LiveCluster::new(client).with_server(&url).with_timeout(Duration::from_secs(30));
    let query = Query::parse(["pod/web"], None).expect("a question");
    let error = cluster.resolve(&query.kind).await.expect_err("nobody is there");
    assert!(matches!(&error, WhyError::ServerAway { server, .. } if *server == url), "{error:?}");
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().to_lowercase().contains("connection refused"), "{error}");
}
