//! The informer against a scripted API server: each list and watch is answered from a script, so that every way in
//! which a watch can break is played on purpose.

use std::{collections::VecDeque, convert::Infallible};

use bytes::Bytes;
use futures::{StreamExt, channel::mpsc};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{sync::mpsc as events, time::Duration};
use tokio_util::sync::CancellationToken;

use super::*;

#[derive(Debug)]
struct Thing {
    value: Value,
}

impl Thing {
    fn meta(&self, field: &str) -> &str {
        self.value["metadata"][field].as_str().unwrap_or_default()
    }
}

impl Watched for Thing {
    fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(json)?;
        match value["broken"] {
            Value::Null => Ok(Self { value }),
            _ => Err(serde::de::Error::custom("broken")),
        }
    }
    fn namespace(&self) -> Option<&str> {
        Some("ns")
    }
    fn name(&self) -> &str {
        self.meta("name")
    }
    fn uid(&self) -> &str {
        self.meta("uid")
    }
    fn resource_version(&self) -> &str {
        self.meta("resourceVersion")
    }
    fn indexes(&self) -> Vec<std::sync::Arc<str>> {
        vec![self.value["owner"].as_str().unwrap_or("none").into()]
    }
}

fn thing(name: &str, uid: &str, version: u32, owner: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "ns", "uid": uid, "resourceVersion": version.to_string()}, "owner": owner})
}

fn list(version: u32, items: &[Value]) -> Answer {
    Answer::List(json!({"metadata": {"resourceVersion": version.to_string()}, "items": items}))
}

fn line(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

type Bodies = http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>;

fn whole(value: &Value) -> Bodies {
    Full::new(Bytes::from(value.to_string())).map_err(|never| match never {}).boxed_unsync()
}

enum Answer {
    List(Value),
    /// Lines of a watch that then ends.
    Lines(Vec<String>),
    /// Lines of a watch that then breaks off.
    Broken(Vec<String>),
    /// Lines of a watch that stays open.
    Open(Vec<String>),
    Status(u16, Value),
}

/// Runs an informer through the script and gives the requests made and the first `number` events told.
async fn play(
    script: Vec<Answer>,
    number: usize,
) -> (Vec<String>, Vec<String>, std::sync::Arc<Store<Thing>>) {
    let script = std::sync::Arc::new(Mutex::new(VecDeque::from(script)));
    let requests: std::sync::Arc<Mutex<Vec<String>>> = std::sync::Arc::default();
    let open: std::sync::Arc<Mutex<Vec<mpsc::UnboundedSender<_>>>> = std::sync::Arc::default();
    let service = {
        let requests = requests.clone();
        tower::service_fn(move |request: Request<Body>| {
            let query = request.uri().to_string();
            let query: Vec<&str> =
                query.split('&').filter(|part| !part.starts_with("timeoutSeconds")).collect();
            requests.lock().push(query.join("&"));
            let answer = script.lock().pop_front();
            let open = open.clone();
            async move {
                let stream = |lines: Vec<String>, end: Option<std::io::Error>| {
                    let frames = lines.into_iter().map(|l| Ok(http_body::Frame::data(Bytes::from(l))));
                    futures::stream::iter(frames.chain(end.map(Err)))
                };
                let response = match answer {
                    Some(Answer::List(value)) => Response::new(whole(&value)),
                    Some(Answer::Status(code, value)) => {
                        let mut response = Response::new(whole(&value));
                        *response.status_mut() = code.try_into().expect("a status");
                        response
                    }
                    Some(Answer::Lines(lines)) => {
                        Response::new(StreamBody::new(stream(lines, None)).boxed_unsync())
                    }
                    Some(Answer::Broken(lines)) => {
                        let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                        Response::new(StreamBody::new(stream(lines, Some(error))).boxed_unsync())
                    }
                    Some(Answer::Open(lines)) => {
                        let (sender, receiver) = mpsc::unbounded();
                        open.lock().push(sender);
                        Response::new(StreamBody::new(stream(lines, None).chain(receiver)).boxed_unsync())
                    }
                    None => std::future::pending().await,
                };
                Ok::<_, Infallible>(response)
            }
        })
    };
    let resource = Resource { group: "", version: "v1", plural: "things", kind: "Thing" };
    let mut informer =
        Informer::<Thing>::new(kube::Client::new(service, "ns"), resource, InformerOptions::default());
    let (sender, mut told) = events::unbounded_channel();
    informer.add_handler(std::sync::Arc::new(move |delta: Delta<'_, Thing>, seen: Seen<'_>| {
        let text = match delta {
            Delta::Added { new, initial } => format!("added {} initial={initial}", new.name()),
            Delta::Updated { old, new } => {
                format!("updated {} {} -> {}", new.name(), old.resource_version(), new.resource_version())
            }
            Delta::Deleted { last, tombstone, .. } => {
                format!("deleted {} {} tombstone={tombstone}", last.name(), last.resource_version())
            }
        };
        let relisted = if seen.relisted { " relisted" } else { "" };
        sender.send(format!("{text}{relisted}")).expect("the test listens");
    }));
    let store = informer.store().clone();
    let stop = CancellationToken::new();
    let run = tokio::spawn({
        let stop = stop.clone();
        async move { informer.run(stop).await }
    });
    let mut all = Vec::new();
    while all.len() < number {
        let next = tokio::time::timeout(Duration::from_secs(600), told.recv()).await.expect("another event");
        all.push(next.expect("the informer lives"));
    }
    stop.cancel();
    run.await.expect("no panic");
    let requests = requests.lock().clone();
    (requests, all, store)
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_the_previous_object_with_each_event() {
    let script = vec![
        list(5, &[thing("a", "1", 3, "x")]),
        Answer::Open(vec![
            line("MODIFIED", &thing("a", "1", 6, "y")),
            line("ADDED", &thing("b", "2", 7, "y")),
            line("DELETED", &thing("a", "1", 8, "y")),
        ]),
    ];
    let (_, told, store) = play(script, 4).await;
    assert_eq!(
        told,
        ["added a initial=true", "updated a 3 -> 6", "added b initial=false", "deleted a 8 tombstone=false"]
    );
    assert_eq!(store.indexed("y").len(), 1);
    assert!(store.indexed("x").is_empty() && store.object("ns/a").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_broken_watch_is_resumed_where_it_ended() {
    let bookmark = json!({"metadata": {"resourceVersion": "9"}});
    let script = vec![
        list(5, &[]),
        Answer::Broken(vec![line("ADDED", &thing("a", "1", 6, "x"))]),
        Answer::Lines(vec![line("BOOKMARK", &bookmark), "{\"type\":\"ADDED\",\"obj".into()]),
        Answer::Open(vec![line("ADDED", &thing("b", "1", 10, "x"))]),
    ];
    let (requests, told, _) = play(script, 2).await;
    assert_eq!(told, ["added a initial=false", "added b initial=false"]);
    let watches: Vec<&str> = requests.iter().filter_map(|r| r.split("resourceVersion=").nth(1)).collect();
    assert_eq!(watches, ["5", "6", "9"]);
}

#[tokio::test(start_paused = true)]
async fn deletions_missed_while_history_was_lost_are_told_as_tombstones() {
    let expired =
        json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    let script = vec![
        list(5, &[thing("a", "1", 3, "x"), thing("b", "2", 4, "x")]),
        Answer::Lines(vec![line("ERROR", &expired)]),
        list(9, &[thing("b", "2", 8, "x")]),
        Answer::Open(vec![]),
    ];
    let (requests, told, store) = play(script, 4).await;
    assert_eq!(told[2..], ["updated b 4 -> 8 relisted", "deleted a 3 tombstone=true relisted"]);
    assert_eq!((requests.len() >= 3, store.len()), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn a_name_given_to_another_object_meanwhile_is_a_deletion_and_an_addition() {
    let gone = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "gone"});
    let script = vec![
        list(5, &[thing("a", "1", 3, "x")]),
        Answer::Status(410, gone),
        list(9, &[thing("a", "2", 8, "x")]),
    ];
    let (_, told, _) = play(script, 3).await;
    assert_eq!(told[1..], ["deleted a 3 tombstone=true relisted", "added a initial=false relisted"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_does_not_stop_the_others() {
    let script = vec![
        list(5, &[json!({"metadata": {"name": "bad"}, "broken": true}), thing("a", "1", 3, "x")]),
        Answer::Open(vec![line("ADDED", &json!({"broken": 1})), line("ADDED", &thing("b", "2", 6, "x"))]),
    ];
    let (_, told, _) = play(script, 2).await;
    assert_eq!(told, ["added a initial=true", "added b initial=false"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_can_no_longer_be_read_is_not_told_as_deleted_by_a_relist() {
    let broken = json!({"metadata": {"name": "a", "namespace": "ns"}, "broken": true});
    let too_large =
        json!({"kind": "Status", "code": 504, "reason": "Timeout", "message": "too large resource version"});
    let script = vec![
        list(5, &[thing("a", "1", 3, "x"), thing("b", "2", 4, "x")]),
        // Asked from the same version again, the server would say so for ever.
        Answer::Lines(vec![line("ERROR", &too_large)]),
        list(9, &[broken]),
        Answer::Open(vec![line("ADDED", &thing("c", "3", 10, "x"))]),
    ];
    let (_, told, store) = play(script, 4).await;
    assert_eq!(told[2..], ["deleted b 4 tombstone=true relisted", "added c initial=false"]);
    assert_eq!(store.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_page_by_page_and_tried_again_when_it_fails() {
    let page =
        json!({"metadata": {"resourceVersion": "5", "continue": "t+/="}, "items": [thing("a", "1", 3, "x")]});
    let unavailable = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "reason": "InternalError", "message": "x"});
    let script = vec![
        Answer::Status(500, unavailable),
        Answer::List(page),
        list(5, &[thing("b", "2", 4, "x")]),
        Answer::Open(vec![line("ADDED", &thing("c", "3", 6, "x"))]),
    ];
    let (requests, told, _) = play(script, 3).await;
    assert_eq!(told.len(), 3);
    assert_eq!(requests[1], "/api/v1/things?limit=500");
    assert_eq!(requests[2], "/api/v1/things?limit=500&continue=t%2B%2F%3D");
}
