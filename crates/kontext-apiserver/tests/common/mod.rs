//! A client of bare requests, for tests that look at what exactly the server answers.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file is a crate that uses a part"
)]

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use kontext_apiserver::{ApiServer, Body, UserService};
use serde_json::{Value, json};
use tower::ServiceExt;

pub const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
pub const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub const PODS: &str = "/api/v1/namespaces/default/pods";

pub const JSON_PATCH: &str = "application/json-patch+json";
pub const MERGE_PATCH: &str = "application/merge-patch+json";
pub const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// A server with repeatable randomness.
pub async fn server() -> ApiServer {
    ApiServer::builder().seed(1).start().await
}

/// Speaks as one user.
#[derive(Clone)]
pub struct Client {
    service: UserService,
    pub user_agent: String,
}

pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The object of a request that must have worked.
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        self.body
    }

    /// Code, reason and message of a failure, on one line.
    pub fn failure(&self) -> String {
        let text = |key: &str| self.body[key].as_str().unwrap_or("-");
        format!("{} {}: {}", self.status, text("reason"), text("message"))
    }
}

impl Client {
    pub fn new(server: &ApiServer, user: &str) -> Self {
        Self { service: server.service_for(user), user_agent: "tester/1.0".to_owned() }
    }

    pub async fn raw(&self, request: Request<Full<Bytes>>) -> Result<Response<Body>, String> {
        self.service.clone().oneshot(request).await.map_err(|e| e.to_string())
    }

    pub fn request(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Request<Full<Bytes>> {
        Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header("user-agent", &self.user_agent)
            .header("content-type", content_type)
            .header("accept", "application/json")
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap()
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    pub async fn try_send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let response = self.raw(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, text })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path, "application/json", b"")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", path, "application/json", body.to_string().as_bytes())).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("PUT", path, "application/json", body.to_string().as_bytes())).await
    }

    pub async fn patch(&self, path: &str, kind: &str, body: &Value) -> Answer {
        self.send(self.request("PATCH", path, kind, body.to_string().as_bytes())).await
    }

    pub async fn delete(&self, path: &str, options: &Value) -> Answer {
        self.send(self.request("DELETE", path, "application/json", options.to_string().as_bytes())).await
    }

    /// Starts a watch and reads its events one by one.
    pub async fn watch(&self, path: &str) -> Watch {
        let request = self.request("GET", path, "application/json", b"");
        let response = self.raw(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Watch { body: response.into_body(), buffer: Vec::new() }
    }
}

pub struct Watch {
    body: Body,
    buffer: Vec<u8>,
}

impl Watch {
    /// The next event; `Ok(None)` at a clean end, an error where the connection broke.
    pub async fn next(&mut self) -> Result<Option<Value>, String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line).unwrap()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(error.to_string()),
                Some(Ok(frame)) => self.buffer.extend_from_slice(&frame.into_data().unwrap()),
            }
        }
    }

    /// The next events as `TYPE name`.
    pub async fn take(&mut self, count: usize) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..count {
            let event = self.next().await.unwrap().expect("the watch goes on");
            let name = event["object"]["metadata"]["name"].as_str().unwrap_or("-");
            events.push(format!("{} {name}", event["type"].as_str().unwrap()));
        }
        events
    }
}

pub fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

pub fn deployment(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
            },
        },
    })
}

pub fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]}})
}

pub fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

pub fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].as_i64().unwrap_or(0)
}
