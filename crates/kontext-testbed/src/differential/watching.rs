//! A watch while the script goes on: its stream is read to the end by a task of its own.

use std::time::Duration;

use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::script::Request;

/// How long the last event may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A watch that is open.
pub(super) struct Watching {
    events: mpsc::UnboundedReceiver<Value>,
    task: JoinHandle<()>,
    pub(super) last: Option<(Request, String)>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watching {
    pub(super) fn start(body: Body, last: Option<(Request, String)>) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move { read(body, &sender).await });
        Self { events, task, last }
    }

    /// The events up to that of the object `last`, or up to the end of the stream.
    pub(super) async fn events(mut self, last: Option<&str>) -> Value {
        let mut events = Vec::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Err(_) => {
                    events.push(json!({"play": "the stream goes on"}));
                    break;
                }
                Ok(None) => {
                    if last.is_some() {
                        events.push(json!({"play": "the stream has ended"}));
                    }
                    break;
                }
                Ok(Some(event)) => {
                    if last.is_some_and(|name| name_of(&event) == Some(name)) {
                        break;
                    }
                    events.extend(shown(event));
                }
            }
        }
        Value::Array(events)
    }
}

fn name_of(event: &Value) -> Option<&str> {
    let object = &event["object"];
    let of_row = object.pointer("/rows/0/object/metadata/name");
    object.pointer("/metadata/name").or(of_row)?.as_str()
}

/// An event without what is a matter of time: bookmarks, but for the one that ends the initial events.
fn shown(mut event: Value) -> Option<Value> {
    if event["type"] == "BOOKMARK" {
        let metadata = &mut event["object"]["metadata"];
        if metadata["annotations"]["k8s.io/initial-events-end"] != "true" {
            return None;
        }
        metadata["resourceVersion"] = json!("<version of the bookmark>");
    }
    Some(event)
}

/// Reads lines until the stream ends or nobody listens.
async fn read(mut body: Body, events: &mpsc::UnboundedSender<Value>) {
    let mut pending: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            // A stream that breaks must not look like one that ends.
            let _ = events.send(json!({"play": "the stream broke"}));
            return;
        };
        pending.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let event = serde_json::from_slice(&line)
                .unwrap_or_else(|_| json!({"play": String::from_utf8_lossy(&line)}));
            if events.send(event).is_err() {
                return;
            }
        }
    }
}
