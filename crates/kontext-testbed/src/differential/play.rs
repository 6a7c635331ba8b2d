//! Sends a script to one server.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body as HttpBody;
use serde_json::{Value, json};

use super::resolve::Known;
use super::script::{Action, Request, Script, Step};
use super::watching::Watching;

/// Who sends: the default name of the field manager comes from this.
const USER_AGENT: &str = "differential/1.0";
/// The longest that an answer may take. The real server waits three seconds for versions that are still to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server answered to one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The status code; 0 where nothing was sent or nothing came back, and the body says why.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The `Warning` headers.
    pub warnings: Vec<String>,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// The body: JSON where it is that, else a text; the events of a watch.
    pub body: Value,
}

impl Answer {
    fn of_play(why: &str) -> Self {
        Self { body: json!({ "play": why }), ..Self::default() }
    }

    pub(super) fn of_headers(status: http::StatusCode, headers: &HeaderMap, body: Value) -> Self {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            status: status.as_u16(),
            content_type: headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default(),
            warnings: headers.get_all(header::WARNING).iter().map(text).collect(),
            retry_after: headers.get(header::RETRY_AFTER).map(text),
            body,
        }
    }
}

/// Plays a script in a namespace that is there already. One answer a step.
pub(super) async fn play(client: &Client, script: &Script, namespace: &str) -> Result<Vec<Answer>> {
    let mut player = Player {
        client,
        known: Known { namespace: namespace.to_owned(), answers: HashMap::new() },
        watches: HashMap::new(),
    };
    let mut answers = Vec::with_capacity(script.steps.len());
    for step in &script.steps {
        let answer = player.step(step).await.with_context(|| format!("step {}", step.id))?;
        player.known.answers.insert(step.id, answer.body.clone());
        answers.push(answer);
    }
    Ok(answers)
}

struct Player<'a> {
    client: &'a Client,
    known: Known,
    watches: HashMap<u32, Watching>,
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) -> Result<Answer> {
        match &step.action {
            Action::Send(request) => self.send(request).await,
            Action::Watch(watch) => {
                let mut request = Request {
                    method: "GET".into(),
                    path: watch.path.clone(),
                    query: watch.query.clone(),
                    accept: watch.accept.clone(),
                    ..Request::default()
                };
                request.query.insert(0, ("watch".into(), "true".into()));
                let Some(request) = self.request(&request)? else {
                    return Ok(Answer::of_play("nothing sent"));
                };
                let response = tokio::time::timeout(PATIENCE, self.client.send(request)).await;
                let (parts, body) = response.context("no answer to the watch")??.into_parts();
                if !parts.status.is_success() {
                    let bytes = body.collect().await?.to_bytes();
                    return Ok(Answer::of_headers(parts.status, &parts.headers, parse(&bytes)));
                }
                self.watches.insert(step.id, Watching::start(body, watch.last.clone()));
                Ok(Answer::of_headers(parts.status, &parts.headers, json!("a stream")))
            }
            Action::Close(opened) => {
                let Some(mut watching) = self.watches.remove(opened) else {
                    return Ok(Answer::of_play("no such watch"));
                };
                let last = match watching.last.take() {
                    Some((request, name)) => {
                        // Its answer is compared too: without the object there is nothing to wait for.
                        let answer = self.send(&request).await?;
                        if answer.status != 201 {
                            return Ok(answer);
                        }
                        Some(self.known.text(&name))
                    }
                    None => None,
                };
                Ok(Answer { body: watching.events(last.as_deref()).await, ..Answer::default() })
            }
        }
    }

    async fn send(&self, request: &Request) -> Result<Answer> {
        let Some(request) = self.request(request)? else { return Ok(Answer::of_play("nothing sent")) };
        let exchange = async {
            let (parts, body) = self.client.send(request).await?.into_parts();
            let bytes = body.collect().await?.to_bytes();
            anyhow::Ok(Answer::of_headers(parts.status, &parts.headers, parse(&bytes)))
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(answer) => answer,
            Err(_) => Ok(Answer::of_play("no answer in time")),
        }
    }

    /// The request as it goes out; `None` where its body is made of something that is not there.
    fn request(&self, request: &Request) -> Result<Option<http::Request<HttpBody>>> {
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(self.known.target(request))
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, request.accept.as_deref().unwrap_or("application/json"));
        let body = match &request.body {
            None => Vec::new(),
            Some(body) => {
                let Some(text) = self.known.body(body) else { return Ok(None) };
                let content_type = request.content_type.as_deref().unwrap_or("application/json");
                builder = builder.header(header::CONTENT_TYPE, content_type);
                text.into_bytes()
            }
        };
        Ok(Some(builder.body(HttpBody::from(body))?))
    }
}

fn parse(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}
