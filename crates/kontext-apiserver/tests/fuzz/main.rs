//! Thousands of requests that are wrong in some way: never a panic, never a hang, always an answer that says what is
//! wrong, and never a change by a request that failed.
//!
//! `KONTEXT_FUZZ_STEPS` (default 4000) and `KONTEXT_FUZZ_SEED` (default 1) choose another run.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

#[path = "../common/mod.rs"]
mod common;
mod mutate;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Client, JSON_PATCH, MERGE_PATCH, STRATEGIC};
use http::header::{ACCEPT, HeaderValue};
use http_body_util::BodyExt;
use kontext_apiserver::ApiServer;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// In the time of the paused clock: it only passes when nothing else can happen.
const HANGS: Duration = Duration::from_secs(24 * 3600);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}: no number")))
}

/// A valid object, and where its kind lives.
struct Template {
    object: Value,
    collection: String,
}

/// The objects that were created on a real server for comparison, of kinds that are served.
async fn templates(client: &Client) -> Vec<Template> {
    let mut collections = BTreeMap::new();
    let mut versions = vec!["/api/v1".to_owned()];
    let groups = client.get("/apis").await.ok();
    for group in groups["groups"].as_array().unwrap() {
        let served = group["versions"].as_array().unwrap().iter();
        versions.extend(served.map(|version| format!("/apis/{}", version["groupVersion"].as_str().unwrap())));
    }
    for path in versions {
        let resources = client.get(&path).await.ok();
        for resource in resources["resources"].as_array().unwrap() {
            let (name, kind) = (resource["name"].as_str().unwrap(), resource["kind"].as_str().unwrap());
            if !name.contains('/') {
                let scope = if resource["namespaced"] == true { "/namespaces/default" } else { "" };
                let version = resources["groupVersion"].as_str().unwrap().to_owned();
                collections.insert((version, kind.to_owned()), format!("{path}{scope}/{name}"));
            }
        }
    }
    let recorded = include_str!("../../testdata/real/creates.jsonl").lines();
    let sent = recorded.map(|line| serde_json::from_str::<Value>(line).unwrap()["sent"].clone());
    let templates: Vec<Template> = sent
        .filter_map(|object| {
            let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
            let collection = collections.get(&(text("apiVersion"), text("kind")))?.clone();
            Some(Template { object, collection })
        })
        .collect();
    assert!(templates.len() > 30, "most recorded kinds are served: {}", templates.len());
    templates
}

struct Asked {
    method: &'static str,
    path: String,
    content_type: &'static str,
    accept: &'static str,
    body: Vec<u8>,
}

fn request(random: &mut SmallRng, template: &Template) -> Asked {
    let mut object = template.object.clone();
    let name = ["w", "one", "two", "Ünï", "a%2Fb", "%00", "..", "x%20y"].choose(random).unwrap();
    object["metadata"]["name"] = json!(name);
    let one = format!("{}/{name}", template.collection);
    let below =
        ["", "", "", "/status", "/scale", "/eviction", "/binding", "/finalize", "/nothing", "/status/x"];
    let below = below.choose(random).unwrap();
    mutate::document(random, &mut object);
    let (method, path, content_type, body) = match random.random_range(0..14) {
        0..=3 => ("POST", template.collection.clone(), "application/json", mutate::text(random, &object)),
        4 => ("PUT", format!("{one}{below}"), "application/json", mutate::text(random, &object)),
        5 => {
            let patch = mutate::json_patch(random, &object);
            ("PATCH", format!("{one}{below}"), JSON_PATCH, mutate::text(random, &patch))
        }
        6 => ("PATCH", format!("{one}{below}"), MERGE_PATCH, mutate::text(random, &object)),
        7 => ("PATCH", format!("{one}{below}"), STRATEGIC, mutate::text(random, &object)),
        8 => {
            ("PATCH", format!("{one}{below}"), "application/apply-patch+yaml", mutate::text(random, &object))
        }
        9 => ("GET", format!("{one}{below}"), "application/json", Vec::new()),
        10 | 11 => ("GET", template.collection.clone(), "application/json", Vec::new()),
        12 => ("DELETE", format!("{one}{below}"), "application/json", delete_options(random)),
        _ => ("DELETE", template.collection.clone(), "application/json", delete_options(random)),
    };
    let odd_type =
        ["application/yaml", "application/vnd.kubernetes.protobuf", "text/plain", "application/cbor"];
    let content_type =
        if random.random_ratio(1, 20) { odd_type.choose(random).unwrap() } else { content_type };
    const ACCEPTS: &[&str] = &[
        "application/json",
        "*/*",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
        "nonsense;;;q=",
    ];
    let accept = if random.random_ratio(1, 4) { ACCEPTS.choose(random).unwrap() } else { "application/json" };
    let query = mutate::query(random);
    Asked { method, path: format!("{path}?{query}"), content_type, accept, body }
}

fn delete_options(random: &mut SmallRng) -> Vec<u8> {
    let mut options = json!({
        "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "propagationPolicy": "Background",
        "preconditions": {"uid": "u", "resourceVersion": "1"}, "orphanDependents": null, "dryRun": []
    });
    if random.random_ratio(1, 2) {
        return Vec::new();
    }
    mutate::document(random, &mut options);
    mutate::text(random, &options)
}

/// Sends it and looks at what must hold for every answer.
async fn ask(server: &ApiServer, client: &Client, asked: &Asked) {
    let told = format!(
        "{} {} ({}, accept {}) {}",
        asked.method,
        asked.path,
        asked.content_type,
        asked.accept,
        String::from_utf8_lossy(&asked.body[..asked.body.len().min(2000)])
    );
    let before = server.resource_version();
    let mut request = client.request(asked.method, &asked.path, asked.content_type, &asked.body);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static(asked.accept));
    let answer = tokio::time::timeout(HANGS, async {
        let response = client.raw(request).await.unwrap_or_else(|error| panic!("{told}: {error}"));
        let status = response.status().as_u16();
        (
            status,
            response.into_body().collect().await.unwrap_or_else(|error| panic!("{told}: {error}")).to_bytes(),
        )
    });
    let (status, body) = answer.await.unwrap_or_else(|_| panic!("{told}: no end"));
    let text = String::from_utf8_lossy(&body);
    // What a strategic merge patch is refused for, an apply of other types than the kind has, and a version that is no
    // number, the real server calls errors of its own, too.
    let known = asked.content_type == STRATEGIC
        || ["strconv.ParseUint", "failed to create typed patch object"]
            .iter()
            .any(|words| text.contains(words));
    assert!(status != 500 || known, "{told}: {text}");
    if status >= 400 {
        assert_eq!(server.resource_version(), before, "{told}: failed and changed something: {text}");
        if asked.accept != "application/yaml" && text != "404 page not found\n" {
            let said: Value =
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{told}: no Status: {status} {text}"));
            assert_eq!(said["kind"], "Status", "{told}: {text}");
            assert_eq!(said["code"], status, "{told}: {text}");
            assert!(said["message"].as_str().is_some_and(|message| !message.is_empty()), "{told}: {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_sent_is_answered_and_what_failed_changed_nothing() {
    let (steps, seed) = (setting("KONTEXT_FUZZ_STEPS", 4000), setting("KONTEXT_FUZZ_SEED", 1));
    let mut random = SmallRng::seed_from_u64(seed);
    let server = common::server().await;
    let client = Client::new(&server, "tester");
    let templates = templates(&client).await;
    for _ in 0..steps {
        let template = templates.choose(&mut random).unwrap();
        let asked = request(&mut random, template);
        if asked.path.parse::<http::Uri>().is_ok() {
            ask(&server, &client, &asked).await;
        }
    }
    what_is_stored_can_be_written_back(&client, &templates).await;
}

/// Whatever got in is an object that the server itself accepts: written as it was read, it changes nothing.
async fn what_is_stored_can_be_written_back(client: &Client, templates: &[Template]) {
    let mut seen = 0;
    let mut collections: Vec<&str> = templates.iter().map(|template| template.collection.as_str()).collect();
    collections.sort_unstable();
    collections.dedup();
    for collection in collections {
        let list = client.get(collection).await.ok();
        for item in list["items"].as_array().unwrap() {
            let name = item["metadata"]["name"].as_str().unwrap();
            let object = client.get(&format!("{collection}/{name}")).await.ok();
            let mut sent = object.clone();
            // What is being deleted may not be written with a finalizer less or more; as it is, it may.
            sent["metadata"].as_object_mut().unwrap().remove("managedFields");
            let put = client.put(&format!("{collection}/{name}"), &sent).await;
            assert_eq!(put.status, 200, "{collection}/{name}: {}\n{object}", put.text);
            assert_eq!(
                put.body["metadata"]["generation"], object["metadata"]["generation"],
                "{collection}/{name}: the spec did not change\n{object}\n{}",
                put.text
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "some requests were good: {seen} objects");
}
