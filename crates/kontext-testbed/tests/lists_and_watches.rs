//! Lists and watches: which state, which chunk, which events. Both servers must say the same.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use expect_test::expect;
use http::Request;
use http_body_util::BodyExt;
use kontext_testbed::{Server, on_both_servers};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(30);
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// The ConfigMaps of one namespace, in bare requests.
struct Maps {
    client: Client,
    path: String,
}

impl Maps {
    async fn new(server: &Server) -> Result<Self> {
        let namespace = server.namespace("lists").await?;
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        let mut config = server.config("alice").await?;
        // Answers are looked at as they come.
        config.default_retry = false;
        Ok(Self { client: Client::try_from(config)?, path })
    }

    /// As [`new`](Self::new), with maps `a` to `e`.
    async fn of_five(server: &Server) -> Result<Self> {
        let maps = Self::new(server).await?;
        for name in ["a", "b", "c", "d", "e"] {
            maps.create(name, "front").await?;
        }
        Ok(maps)
    }

    async fn ask(&self, method: &str, path: &str, accept: &str, body: Value) -> Result<(u16, Value)> {
        let content_type =
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", content_type)
            .body(Body::from(body))?;
        let response = self.client.send(request).await?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&bytes)?))
    }

    async fn get(&self, query: &str) -> Result<(u16, Value)> {
        self.ask("GET", &format!("{}{query}", self.path), "application/json", Value::Null).await
    }

    async fn list(&self, query: &str) -> Result<Value> {
        let (status, list) = self.get(query).await?;
        ensure!(status == 200, "{query}: {list}");
        Ok(list)
    }

    async fn write(&self, method: &str, name: &str, body: Value) -> Result<Value> {
        let path = if method == "POST" { self.path.clone() } else { format!("{}/{name}", self.path) };
        let (status, object) = self.ask(method, &path, "application/json", body).await?;
        ensure!(status < 300, "{method} {name}: {object}");
        Ok(object)
    }

    async fn create(&self, name: &str, tier: &str) -> Result<Value> {
        self.write("POST", name, json!({"metadata": {"name": name, "labels": {"tier": tier}}})).await
    }

    async fn label(&self, name: &str, tier: &str) -> Result<Value> {
        self.write("PATCH", name, json!({"metadata": {"labels": {"tier": tier}}})).await
    }

    async fn watch(&self, query: &str) -> Result<Watch> {
        let request = Request::get(format!("{}?watch=1{query}", self.path)).body(Body::empty())?;
        let response = self.client.send(request).await?;
        Ok(Watch { body: response.into_body(), rest: Vec::new() })
    }
}

struct Watch {
    body: Body,
    rest: Vec<u8>,
}

impl Watch {
    /// The next event; `None` where the watch has ended.
    async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            let frame = tokio::time::timeout(WITHIN, self.body.frame()).await.context("no event")?;
            let Some(frame) = frame else { return Ok(None) };
            self.rest.extend_from_slice(&frame?.into_data().unwrap_or_default());
        }
    }

    /// So many events, each as type, name and label.
    async fn take(&mut self, count: usize) -> Result<Vec<String>> {
        let mut events = Vec::new();
        for _ in 0..count {
            let event = self.next().await?.context("the watch ended")?;
            let metadata = &event["object"]["metadata"];
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            events.push([&event["type"], &metadata["name"], &metadata["labels"]["tier"]].map(text).join(" "));
        }
        Ok(events)
    }
}

fn version(object: &Value) -> String {
    object["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

fn names(list: &Value) -> String {
    let name = |item: &Value| item["metadata"]["name"].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(name).collect::<Vec<_>>().join(" ")
}

fn continued(list: &Value) -> String {
    list["metadata"]["continue"].as_str().unwrap_or_default().to_owned()
}

on_both_servers! {
    async fn chunks_show_the_state_that_the_first_one_saw(server: Server) -> Result<()> {
        let maps = Maps::of_five(&server).await?;
        let first = maps.list("?limit=2").await?;
        assert_eq!((names(&first).as_str(), &first["metadata"]["remainingItemCount"]), ("a b", &json!(3)));
        maps.create("aa", "front").await?;
        maps.create("cc", "front").await?;
        maps.write("DELETE", "d", Value::Null).await?;
        let second = maps.list(&format!("?limit=2&continue={}", continued(&first))).await?;
        assert_eq!((names(&second).as_str(), &second["metadata"]["remainingItemCount"]), ("c d", &json!(1)));
        let last = maps.list(&format!("?limit=2&continue={}", continued(&second))).await?;
        assert_eq!((names(&last).as_str(), continued(&last).as_str()), ("e", ""));
        assert_eq!(last["metadata"]["remainingItemCount"], Value::Null);
        for chunk in [&second, &last] {
            assert_eq!(version(chunk), version(&first));
        }
        assert_eq!(names(&maps.list("").await?), "a aa b c cc e");
        Ok(())
    }

    async fn a_chunk_of_selected_objects_does_not_say_how_many_remain(server: Server) -> Result<()> {
        let maps = Maps::of_five(&server).await?;
        for selector in ["labelSelector=tier%3Dfront", "fieldSelector=metadata.name%21%3Dx"] {
            let list = maps.list(&format!("?limit=2&{selector}")).await?;
            assert_eq!(names(&list), "a b");
            assert_eq!(list["metadata"]["remainingItemCount"], Value::Null, "{selector}");
            assert_ne!(continued(&list), "");
        }
        Ok(())
    }

    async fn a_version_means_what_the_rule_says(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let then = version(&maps.create("a", "front").await?);
        maps.create("b", "front").await?;
        for (query, expected) in [
            (format!("?resourceVersion={then}"), "a b"),
            (format!("?resourceVersion={then}&resourceVersionMatch=NotOlderThan"), "a b"),
            (format!("?resourceVersion={then}&resourceVersionMatch=NotOlderThan&limit=1"), "a"),
            (format!("?resourceVersion={then}&resourceVersionMatch=Exact"), "a"),
            (format!("?resourceVersion={then}&limit=5"), "a"),
        ] {
            assert_eq!(names(&maps.list(&query).await?), expected, "{query}");
        }
        let (status, error) = maps.get("?resourceVersion=999999999").await?;
        assert_eq!((status, &error["reason"]), (504, &json!("Timeout")));
        assert_eq!(error["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
        assert_eq!(error["details"]["retryAfterSeconds"], 1);
        Ok(())
    }

    async fn wrong_options_of_lists_are_refused_with_all_that_is_wrong(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let mut out = String::new();
        for query in [
            "resourceVersionMatch=Exact",
            "resourceVersionMatch=Exact&resourceVersion=0",
            "resourceVersionMatch=Some",
            "resourceVersionMatch=Exact&continue=abc",
            "sendInitialEvents=true",
            "resourceVersion=abc",
            "resourceVersion=99999999999999999999",
            "limit=abc",
            "limit=",
            "limit=99999999999999999999",
            "timeoutSeconds=abc",
            "continue=abc",
            "continue=abc&resourceVersion=5",
            "labelSelector=x%20in",
            "fieldSelector=data%3Dx",
        ] {
            let (status, error) = maps.get(&format!("?{query}")).await?;
            out.push_str(&format!("{query}\n    {status} {}\n", error["message"].as_str().unwrap_or("-")));
        }
        expect![[r#"
            resourceVersionMatch=Exact
                422 ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided
            resourceVersionMatch=Exact&resourceVersion=0
                422 ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"
            resourceVersionMatch=Some
                422 ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Unsupported value: "Some": supported values: "Exact", "NotOlderThan", ""]
            resourceVersionMatch=Exact&continue=abc
                422 ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided]
            sendInitialEvents=true
                422 ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list
            resourceVersion=abc
                400 invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax
            resourceVersion=99999999999999999999
                400 invalid resource version: resourceVersion: Invalid value: "99999999999999999999": strconv.ParseUint: parsing "99999999999999999999": value out of range
            limit=abc
                400 strconv.ParseInt: parsing "abc": invalid syntax
            limit=
                400 strconv.ParseInt: parsing "": invalid syntax
            limit=99999999999999999999
                400 strconv.ParseInt: parsing "99999999999999999999": value out of range
            timeoutSeconds=abc
                400 strconv.ParseInt: parsing "abc": invalid syntax
            continue=abc
                400 invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value
            continue=abc&resourceVersion=5
                400 invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value
            labelSelector=x%20in
                400 unable to parse requirement: found '' expected: '('
            fieldSelector=data%3Dx
                400 "data" is not a known field selector: only "metadata.name", "metadata.namespace"
        "#]].assert_eq(&out);
        Ok(())
    }

    async fn wrong_options_of_watches_are_refused_with_all_that_is_wrong(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let mut out = String::new();
        for query in [
            "resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch=Exact",
            "sendInitialEvents=true",
            "sendInitialEvents=true&resourceVersionMatch=Exact",
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x",
            "resourceVersion=abc",
            "timeoutSeconds=abc",
        ] {
            let (status, error) = maps.get(&format!("?watch=1&{query}")).await?;
            out.push_str(&format!("{query}\n    {status} {}\n", error["message"].as_str().unwrap_or("-")));
        }
        expect![[r#"
            resourceVersionMatch=NotOlderThan
                422 ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided
            resourceVersionMatch=Exact
                422 ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]
            sendInitialEvents=true
                422 ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan
            sendInitialEvents=true&resourceVersionMatch=Exact
                422 ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]
            sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x
                422 ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided
            resourceVersion=abc
                500 resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax
            timeoutSeconds=abc
                400 strconv.ParseInt: parsing "abc": invalid syntax
        "#]].assert_eq(&out);
        Ok(())
    }

    async fn a_list_can_be_of_metadata_or_a_table(server: Server) -> Result<()> {
        let maps = Maps::of_five(&server).await?;
        let path = format!("{}?limit=2", maps.path);
        let (_, list) = maps.ask("GET", &path, METADATA, Value::Null).await?;
        assert_eq!((list["kind"].as_str(), names(&list).as_str()), (Some("PartialObjectMetadataList"), "a b"));
        assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
        assert_eq!(list["metadata"]["remainingItemCount"], 3);
        let (_, table) = maps.ask("GET", &path, TABLE, Value::Null).await?;
        assert_eq!((&table["kind"], &table["rows"][1]["cells"][0]), (&json!("Table"), &json!("b")));
        assert_eq!(table["rows"][1]["object"]["kind"], "PartialObjectMetadata");
        assert_ne!(continued(&table), "");
        Ok(())
    }

    async fn a_watch_from_a_version_sends_everything_after_it_once(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let then = version(&maps.create("a", "front").await?);
        maps.create("b", "back").await?;
        maps.write("DELETE", "a", Value::Null).await?;
        let mut watch = maps.watch(&format!("&resourceVersion={then}")).await?;
        assert_eq!(watch.take(2).await?, ["ADDED b back", "DELETED a front"]);
        let after = version(&maps.label("b", "front").await?);
        let event = watch.next().await?.context("an event")?;
        assert_eq!((event["type"].as_str(), version(&event["object"])), (Some("MODIFIED"), after));
        Ok(())
    }

    async fn a_selecting_watch_sees_objects_come_and_go(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let then = version(&maps.create("a", "back").await?);
        let mut watch = maps.watch(&format!("&labelSelector=tier%3Dfront&resourceVersion={then}")).await?;
        maps.label("a", "front").await?;
        maps.write("PATCH", "a", json!({"data": {"x": "y"}})).await?;
        let left = version(&maps.label("a", "back").await?);
        maps.create("b", "front").await?;
        maps.write("DELETE", "b", Value::Null).await?;
        assert_eq!(watch.take(2).await?, ["ADDED a front", "MODIFIED a front"]);
        let gone = watch.next().await?.context("an event")?;
        assert_eq!(gone["type"], "DELETED");
        // The last state that was selected, at the version of the write that moved it out.
        assert_eq!(gone["object"]["metadata"]["labels"]["tier"], "front");
        assert_eq!(version(&gone["object"]), left);
        assert_eq!(watch.take(2).await?, ["ADDED b front", "DELETED b front"]);
        Ok(())
    }

    async fn a_watch_of_one_name_sees_that_object_only(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let then = version(&maps.create("a", "x").await?);
        let mut watch =
            maps.watch(&format!("&fieldSelector=metadata.name%3Db&resourceVersion={then}")).await?;
        maps.label("a", "y").await?;
        maps.create("b", "x").await?;
        maps.label("a", "z").await?;
        maps.label("b", "y").await?;
        assert_eq!(watch.take(2).await?, ["ADDED b x", "MODIFIED b y"]);
        Ok(())
    }

    async fn initial_events_end_with_a_bookmark(server: Server) -> Result<()> {
        let maps = Maps::of_five(&server).await?;
        let query = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
        let mut watch = maps.watch(query).await?;
        let mut first = watch.take(5).await?;
        first.sort();
        assert_eq!(first, ["a", "b", "c", "d", "e"].map(|name| format!("ADDED {name} front")));
        let bookmark = watch.next().await?.context("a bookmark")?;
        assert_eq!(bookmark["type"], "BOOKMARK");
        assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
        maps.label("a", "back").await?;
        assert_eq!(watch.take(1).await?, ["MODIFIED a back"]);
        Ok(())
    }

    async fn without_initial_events_a_watch_begins_now(server: Server) -> Result<()> {
        let maps = Maps::of_five(&server).await?;
        let query = "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=";
        let mut watch = maps.watch(query).await?;
        maps.label("c", "back").await?;
        assert_eq!(watch.take(1).await?, ["MODIFIED c back"]);
        Ok(())
    }

    async fn a_kind_at_rest_is_watched_from_an_old_version_while_others_are_written(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let then = version(&maps.create("a", "x").await?);
        let secrets = maps.path.replace("configmaps", "secrets");
        for number in 0..50 {
            let secret = json!({"metadata": {"name": format!("s{number}")}});
            maps.ask("POST", &secrets, "application/json", secret).await?;
        }
        let mut watch = maps.watch(&format!("&resourceVersion={then}")).await?;
        let list = maps.list(&format!("?resourceVersion={then}&resourceVersionMatch=Exact")).await?;
        assert_eq!((names(&list), version(&list)), ("a".to_owned(), then));
        maps.label("a", "y").await?;
        assert_eq!(watch.take(1).await?, ["MODIFIED a y"]);
        Ok(())
    }

    async fn a_watch_ends_at_its_timeout(server: Server) -> Result<()> {
        let maps = Maps::new(&server).await?;
        let mut watch = maps.watch("&timeoutSeconds=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan").await?;
        assert!(watch.next().await?.is_none());
        Ok(())
    }
}
