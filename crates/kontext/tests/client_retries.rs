//! kube's default stack sends a refused request again: with the same headers and the same body.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kontext::{Context, Controller, ObjectRef, Policy};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Reads one HTTP/1.1 request with a `Content-Length`: its head, lower-cased, and its body.
async fn request(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.expect("readable");
        assert_ne!(read, 0, "the client closed in the middle of a request");
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.map_or(0, |length| length.parse().expect("a number")) {
            return (head, body.to_owned());
        }
    }
}

/// Refuses `refusals` requests with 429 and answers the next one; tells what it got.
async fn server(listener: TcpListener, refusals: usize) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    for number in 0..=refusals {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        seen.push(request(&mut stream).await);
        let (status, body) = match number < refusals {
            true => ("429 Too Many Requests", "{}"),
            false => ("201 Created", r#"{"kind":"Pod","metadata":{"name":"web"}}"#),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.expect("writable");
    }
    seen
}

#[tokio::test]
async fn a_retried_create_keeps_its_headers_and_its_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let uri = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("a URI");
    let server = tokio::spawn(server(listener, 2));
    let client = kontext::client(kube::Config::new(uri), Arc::new(Policy::new())).expect("a client");
    let pods: Api<Pod> = Api::namespaced(client, "shop");

    let object = ObjectRef::new("ReplicaSet", Some("shop"), "web");
    let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
    let context = Context::builder(controller, object.clone()).build();
    let action = context.start(&object, "replicaset.CreatePod").because("1 of 3 replicas missing");
    let metadata = ObjectMeta { name: Some("web".into()), ..ObjectMeta::default() };
    let pod = Pod { metadata, ..Pod::default() };
    let created = action.call(pods.create(&PostParams::default(), &pod)).await.expect("created at last");
    assert_eq!(created.metadata.name.as_deref(), Some("web"));

    let seen = server.await.expect("the script ran to its end");
    assert_eq!(seen.len(), 3);
    assert!(seen[0].1.contains("replicaset.CreatePod"), "{}", seen[0].1);
    let of_context = |head: &str| -> Vec<String> {
        head.lines()
            .filter(|l| l.starts_with("traceparent") || l.starts_with("audit-id"))
            .map(Into::into)
            .collect()
    };
    assert_eq!(of_context(&seen[0].0).len(), 2);
    for again in &seen[1..] {
        assert_eq!((of_context(&again.0), &again.1), (of_context(&seen[0].0), &seen[0].1));
    }
}
