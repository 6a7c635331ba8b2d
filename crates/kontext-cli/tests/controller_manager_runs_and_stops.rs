//! `kontext controller-manager` against `kontext apiserver`, both as processes.

mod common;

use common::{end_of, free_port, kontext, server};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// GET over plain HTTP: status line and body.
async fn get(port: u16, path: &str) -> (String, String) {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

#[tokio::test]
async fn it_leads_is_ready_and_gives_the_lease_back() {
    let server = server().await;
    let port = free_port();
    let mut manager = server.manager(&[&format!("--http-port={port}")]);
    let line = manager.logs("caches are filled").await;
    let line: Value = serde_json::from_str(&line).expect("a JSON object a line");
    assert_eq!(line["level"], "info");
    assert!(line["ts"].is_string() && line["logger"].is_string() && line["msg"].is_string(), "{line}");

    assert_eq!(get(port, "/livez").await, ("HTTP/1.1 200 OK".into(), "ok".into()));
    let (status, body) = get(port, "/readyz").await;
    assert_eq!((&*status, body.contains("[+]caches ok")), ("HTTP/1.1 200 OK", true), "{body}");
    let (_, metrics) = get(port, "/metrics").await;
    for metric in [
        "leader_election_master_status{name=\"kontext-controller-manager\"} 1",
        "workqueue_depth{name=\"replicaset\"} 0",
        "trace_context_annotations_injected_total 0",
    ] {
        assert!(metrics.contains(metric), "{metric} is missing in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"), "complete OpenMetrics");

    manager.signal("TERM").await;
    manager.logs("released the lease").await;
    assert_eq!(manager.end().await, Some(0));
}

#[tokio::test]
async fn a_second_one_stands_by_and_takes_over_from_one_that_was_killed() {
    let server = server().await;
    let mut first = server.manager(&["--http-port=0"]);
    first.logs("\"leading\"").await;
    let port = free_port();
    let mut second = server.manager(&[&format!("--http-port={port}")]);
    second.logs("\"standing by\"").await;
    assert_eq!(get(port, "/readyz").await.0, "HTTP/1.1 200 OK", "who could take over is ready");
    first.signal("KILL").await;
    second.logs("\"leading\"").await;
    second.logs("caches are filled").await;
    second.signal("INT").await;
    assert_eq!(second.end().await, Some(0));
}

#[tokio::test]
async fn losing_the_server_ends_the_leader_with_an_error() {
    let server = server().await;
    let mut manager = server.manager(&["--http-port=0"]);
    manager.logs("\"leading\"").await;
    server.running.signal("KILL").await;
    let line = manager.logs("\"ending\"").await;
    assert!(
        line.contains("leader election lost: the lease kube-system/kontext-controller-manager"),
        "{line}"
    );
    assert_eq!(manager.end().await, Some(1));
}

#[tokio::test]
async fn wrong_flags_end_with_2_and_say_what_would_be_right() {
    let wrong = async |flag: &str, expected: &str| {
        let (code, stdout, stderr) = end_of(kontext(&["controller-manager", flag])).await;
        assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    };
    wrong("--controllers=job-controller", "known are deployment-controller (deployment)").await;
    wrong("--controllers=-deployment", "--controllers leaves none to run").await;
    wrong("--leader-elect-renew-deadline=20s", "must be longer than the renew deadline (20s)").await;
    wrong("--context=maybe", "[possible values: on, off]").await;
}

#[tokio::test]
async fn what_cannot_work_ends_with_1_and_names_the_thing_and_the_remedy() {
    let fails = async |arguments: &[&str], expected: &str| {
        let (code, stdout, stderr) = end_of(kontext(arguments)).await;
        assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    };
    fails(&["controller-manager"], "Give --kubeconfig FILE").await;
    fails(&["controller-manager", "--kubeconfig=/none"], "cannot use the kubeconfig /none").await;
    fails(&["why", "pod/web"], "no kubeconfig to be had").await;

    let server = server().await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = format!("--http-port={}", taken.local_addr().expect("bound").port());
    let flags = ["controller-manager", "--kubeconfig", &server.kubeconfig, &port];
    fails(&flags, "choose another --http-port").await;
    let mut command = kontext(&["controller-manager", "--kubeconfig", &server.kubeconfig]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let (code, _, stderr) = end_of(command).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("write a URL such as http://127.0.0.1:4318"), "{stderr}");
}
