//! What both servers did with the same script, in words that can be compared.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use http::Request;
use http_body_util::BodyExt;
use kontext_testbed::{InMemoryServer, RealServer, Server};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::server::{Answering, HookServer};

/// One request of a script. `NS` in path and body is the scene's namespace.
pub struct Step {
    pub method: &'static str,
    pub path: String,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Value,
}

pub fn step(method: &'static str, path: impl Into<String>, body: Value) -> Step {
    Step { method, path: path.into(), content_type: "application/json", headers: Vec::new(), body }
}

impl Step {
    pub fn of_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A namespace of one server whose requests are put to the webhook.
pub struct Scene {
    client: Client,
    namespace: String,
    hooks: HookServer,
    configurations: Vec<String>,
}

impl Scene {
    /// `webhooks`: pairs of `Mutating` or `Validating` and what a webhook has besides the usual.
    pub async fn new(server: &Server, answering: Answering, webhooks: &[(&str, Value)]) -> Result<Self> {
        let client = server.client("alice").await?;
        let namespace = server.namespace("hooks").await?;
        let hooks = HookServer::start(answering)?;
        let mut scene = Self { client, namespace, hooks, configurations: Vec::new() };
        for (kind, webhook) in webhooks {
            scene.configure(kind, webhook).await?;
        }
        scene.until_asked().await?;
        Ok(scene)
    }

    async fn configure(&mut self, kind: &str, webhook: &Value) -> Result<()> {
        let mut whole = json!({
            "name": format!("{}.example.test", kind.to_lowercase()),
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 5,
            "clientConfig": {"url": format!("{}/{}", self.hooks.url, kind.to_lowercase()), "caBundle": self.hooks.ca_bundle},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
            "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}],
        });
        whole.as_object_mut().context("object")?.extend(webhook.as_object().context("object")?.clone());
        let name = format!("{}-{}", self.namespace, kind.to_lowercase());
        let path =
            format!("/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations", kind.to_lowercase());
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"),
            "metadata": {"name": name}, "webhooks": [whole],
        });
        let (status, body, _) = self.send(&step("POST", path.clone(), configuration)).await?;
        ensure!(status == 201, "{body}");
        self.configurations.push(format!("{path}/{name}"));
        Ok(())
    }

    /// Waits until configurations are in force: the real server hears of them from a watch.
    async fn until_asked(&self) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(15) {
            let probe = json!({"metadata": {"generateName": "probe-"}});
            let probe = step("POST", "/api/v1/namespaces/NS/configmaps?dryRun=All", probe);
            let (status, ..) = self.send(&probe).await?;
            let asked: Vec<String> = self.hooks.drain().into_iter().map(|asked| asked.path).collect();
            let waiting = self.configurations.iter().any(|path| {
                let kind = if path.contains("/mutating") { "/mutating" } else { "/validating" };
                !asked.iter().any(|path| path.contains(kind))
            });
            // A webhook that cannot be reached, or says no, is in force as well.
            if !waiting || status >= 400 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the webhooks are not asked")
    }

    async fn send(&self, step: &Step) -> Result<(u16, Value, Vec<String>)> {
        let path = step.path.replace("/NS", &format!("/{}", self.namespace));
        let body = if step.body.is_null() { String::new() } else { step.body.to_string() };
        let mut request = Request::builder()
            .method(step.method)
            .uri(path)
            .header("content-type", step.content_type)
            .header("accept", "application/json")
            .header("user-agent", "script/1.0");
        for (name, value) in &step.headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Body::from(body.replace("\"NS\"", &format!("\"{}\"", self.namespace)).into_bytes()))?;
        let response = self.client.send(request).await?;
        let status = response.status().as_u16();
        let warnings = response.headers().get_all("warning").iter();
        let warnings = warnings.map(|value| value.to_str().unwrap_or("?").to_owned()).collect();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null), warnings))
    }

    /// Lets the real server's cache come to what was written, so that it does not ask twice because of an old state.
    async fn settle(&self, step: &Step) -> Result<()> {
        let path = step.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        let Some(at) = parts.iter().position(|part| *part == "NS") else { return Ok(()) };
        let collection = parts[..(at + 2).min(parts.len())].join("/");
        let newest = format!("{collection}?limit=1");
        let (_, list, _) = self.send(&super::step("GET", newest, Value::Null)).await?;
        let Some(version) = list["metadata"]["resourceVersion"].as_str() else { return Ok(()) };
        let cached = format!("{collection}?resourceVersion={version}&resourceVersionMatch=NotOlderThan");
        self.send(&super::step("GET", cached, Value::Null)).await?;
        Ok(())
    }

    /// Runs a script: each step with its answer and what the webhooks were asked.
    pub async fn play(&self, script: &[Step], whole_reviews: bool) -> Result<Vec<String>> {
        let mut names = Names::new(&self.namespace, &self.hooks.url);
        let mut transcript = Vec::new();
        self.hooks.drain();
        for step in script {
            let (status, body, warnings) = self.send(step).await?;
            let mut text = format!("{} {} {}\n", step.method, step.path, step.body);
            writeln!(text, "  -> {status} {}", names.normal(&told(&body)))?;
            for warning in warnings {
                writeln!(text, "  -> warning {}", names.text(&warning))?;
            }
            for asked in self.hooks.drain() {
                let request = &asked.review["request"];
                if whole_reviews {
                    writeln!(text, "  asked {} {}", asked.path, names.text(&format!("{:?}", asked.headers)))?;
                    let review = names.normal(&asked.review);
                    text.push_str(&indented(&review));
                } else {
                    writeln!(
                        text,
                        "  asked {} {} {}",
                        asked.path, request["operation"], request["subResource"]
                    )?;
                }
            }
            transcript.push(text);
            self.settle(step).await?;
        }
        Ok(transcript)
    }

    pub async fn end(self) -> Result<()> {
        for path in &self.configurations {
            self.send(&step("DELETE", path.clone(), Value::Null)).await?;
        }
        Ok(())
    }
}

/// What of an answer is compared here: failures whole, objects by what webhooks may have changed.
fn told(body: &Value) -> Value {
    if body["kind"] == "Status" {
        return body.clone();
    }
    let mut metadata = body["metadata"].clone();
    if let Some(fields) = metadata.as_object_mut() {
        fields.remove("creationTimestamp");
    }
    json!({"kind": body["kind"], "metadata": metadata, "data": body["data"], "replicas": body["spec"]["replicas"]})
}

fn indented(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Gives what differs between servers the same names in the order of appearance.
struct Names {
    fixed: Vec<(String, &'static str)>,
    seen: HashMap<String, String>,
}

impl Names {
    fn new(namespace: &str, url: &str) -> Self {
        let host = url.trim_start_matches("https://");
        Self { fixed: vec![(namespace.to_owned(), "NS"), (host.to_owned(), "HOOKS")], seen: HashMap::new() }
    }

    fn text(&self, text: &str) -> String {
        self.fixed.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    fn normal(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                // How the real server's user authenticates is not what ours does.
                .filter(|(key, _)| *key != "extra")
                .map(|(key, value)| (key.clone(), self.field(key, value)))
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.normal(item)).collect(),
            Value::String(text) => self.string(text).into(),
            other => other.clone(),
        }
    }

    fn field(&mut self, key: &str, value: &Value) -> Value {
        match (key, value) {
            ("resourceVersion", Value::String(version)) => self.named("version", version).into(),
            ("name", Value::String(name)) if name.starts_with("made-") => "made-UP".into(),
            // The real server's users are administrators.
            ("groups", Value::Array(groups)) => {
                groups.iter().filter(|group| *group != "system:masters").cloned().collect()
            }
            // Their order follows times, and a second may have passed on one server only.
            ("managedFields", Value::Array(entries)) => {
                let mut entries: Vec<Value> = entries.iter().map(|entry| self.normal(entry)).collect();
                entries.sort_by_key(|entry| format!("{} {}", entry["manager"], entry["subresource"]));
                entries.into()
            }
            _ => self.normal(value),
        }
    }

    fn string(&mut self, text: &str) -> String {
        let mut text = self.text(text);
        if let Some((before, after)) = text.split_once("in record (")
            && let Some((number, rest)) = after.split_once(')')
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            text = format!("{before}in record (VERSION){rest}");
        }
        if is_time(&text) {
            return "TIME".to_owned();
        }
        // Uids also stand in the middle of messages.
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(at) = (0..rest.len()).find(|at| is_uid(rest, *at)) {
            out.push_str(&rest[..at]);
            out.push_str(&self.named("uid", &rest[at..at + 36]));
            rest = &rest[at + 36..];
        }
        out + rest
    }

    fn named(&mut self, kind: &str, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let count = self.seen.values().filter(|name| name.starts_with(kind)).count();
        self.seen.entry(format!("{kind} {text}")).or_insert_with(|| format!("{kind}-{count}")).clone()
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T' && text.as_bytes()[4] == b'-'
}

fn is_uid(text: &str, at: usize) -> bool {
    let Some(part) = text.get(at..at + 36) else { return false };
    part.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Plays a script on both servers and says where they differ. `whole` compares the reviews, not only their order.
pub async fn compare(
    real: Arc<RealServer>,
    answering: impl Fn(&Value) -> super::Hook + Send + Sync + 'static,
    webhooks: &[(&str, Value)],
    script: &[Step],
    whole: bool,
) -> Result<Vec<String>> {
    let answering: Answering = Arc::new(answering);
    let mut played = Vec::new();
    for server in [Server::InMemory(InMemoryServer::start().await?), Server::Real(real)] {
        let scene = Scene::new(&server, answering.clone(), webhooks).await?;
        played.push(scene.play(script, whole).await?);
        scene.end().await?;
    }
    let [ours, real] = <[_; 2]>::try_from(played).expect("two servers");
    let mut report = String::new();
    for (ours, real) in ours.iter().zip(&real).filter(|(ours, real)| ours != real) {
        report.push_str(&differences(ours, real));
    }
    ensure!(report.is_empty(), "the servers differ (- in memory, + real):\n{report}");
    Ok(ours)
}

/// The lines that differ, with the line of the request.
fn differences(ours: &str, real: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (ours.lines().collect(), real.lines().collect());
    // Longest common subsequence; transcripts of one step are short.
    let mut table = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] =
                if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = format!("{}\n", a.first().unwrap_or(&""));
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j >= b.len() || (i < a.len() && table[i + 1][j] >= table[i][j + 1]) {
            let _ = writeln!(out, "  -{}", a[i]);
            i += 1;
        } else {
            let _ = writeln!(out, "  +{}", b[j]);
            j += 1;
        }
    }
    out
}
