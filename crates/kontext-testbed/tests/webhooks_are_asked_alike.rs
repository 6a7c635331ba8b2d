//! Both servers ask webhooks the same questions at the same points.

mod hooks;

use anyhow::Result;
use hooks::{Hook, Step, compare, step};
use kontext_testbed::require_real_server;
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/NS/configmaps";
const PODS: &str = "/api/v1/namespaces/NS/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/NS/deployments";

const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn both() -> Vec<(&'static str, Value)> {
    vec![("Mutating", json!({})), ("Validating", json!({}))]
}

fn config_map(name: &str, data: Value) -> Value {
    json!({"metadata": {"name": name}, "data": data})
}

fn pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"app": "x"}},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
    })
}

fn deployment(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
            },
        },
    })
}

async fn same(webhooks: &[(&str, Value)], script: Vec<Step>) -> Result<()> {
    let real = require_real_server!();
    compare(real, |_| Hook::allow(), webhooks, &script, true).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creates_updates_and_patches() -> Result<()> {
    let one = format!("{CONFIG_MAPS}/a");
    let stale = json!({"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"k": "3"}});
    same(
        &both(),
        vec![
            step(
                "POST",
                format!("{CONFIG_MAPS}?fieldManager=me&fieldValidation=Strict"),
                config_map("a", json!({"k": "1"})),
            ),
            step("POST", CONFIG_MAPS, json!({"metadata": {"generateName": "made-"}})),
            step("POST", CONFIG_MAPS, config_map("a", json!({}))),
            step("PUT", one.clone(), config_map("a", json!({"k": "2"}))),
            step("PUT", one.clone(), config_map("a", json!({"k": "2"}))),
            step("PUT", one.clone(), stale),
            step("PUT", format!("{CONFIG_MAPS}/missing"), config_map("missing", json!({}))),
            step("PATCH", one.clone(), json!({"data": {"k": "4"}})).of_type(MERGE),
            step("PATCH", one.clone(), json!([{"op": "add", "path": "/data/l", "value": "5"}]))
                .of_type(JSON_PATCH),
            step("PATCH", format!("{one}?fieldManager=other"), json!({"data": {"m": "6"}}))
                .of_type(STRATEGIC),
            step("PATCH", one.clone(), json!({"data": {"m": "6"}})).of_type(STRATEGIC),
            step("POST", format!("{CONFIG_MAPS}?dryRun=All"), config_map("dry", json!({}))),
            step("PUT", format!("{one}?dryRun=All"), config_map("a", json!({"k": "7"}))),
            step("PATCH", format!("{one}?dryRun=All"), json!({"data": {"k": "8"}})).of_type(MERGE),
            step("DELETE", format!("{one}?dryRun=All"), Value::Null),
            step("DELETE", one, Value::Null),
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_and_scale() -> Result<()> {
    let one = format!("{DEPLOYMENTS}/web");
    let scale = |replicas: i64| json!({"metadata": {"name": "web", "namespace": "NS"}, "spec": {"replicas": replicas}});
    same(
        &both(),
        vec![
            step("POST", DEPLOYMENTS, deployment("web")),
            step("PUT", format!("{one}/scale"), scale(3)),
            step("PUT", format!("{one}/scale"), scale(3)),
            step("PATCH", format!("{one}/scale"), json!({"spec": {"replicas": 4}})).of_type(MERGE),
            step(
                "PATCH",
                format!("{one}/status"),
                json!({"metadata": {"annotations": {"a": "b"}}, "status": {"replicas": 2}}),
            )
            .of_type(MERGE),
            step("PATCH", one.clone(), json!({"spec": {"paused": true}})).of_type(STRATEGIC),
            step("PUT", one.clone(), deployment("web")),
            step("DELETE", one, json!({"propagationPolicy": "Foreground"})),
        ],
    )
    .await
}

/// Not in here: a pod that goes at once. The real server then asks about the removal with what its cache has, and again
/// if that was too old, which depends on timing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletes_of_every_sort() -> Result<()> {
    let held = json!({"metadata": {"name": "held", "finalizers": ["example.com/hold"]}});
    let orphaned = json!({"metadata": {"name": "orphaned", "finalizers": ["orphan"]}});
    same(
        &both(),
        vec![
            step("POST", CONFIG_MAPS, held),
            step("DELETE", format!("{CONFIG_MAPS}/held"), json!({"propagationPolicy": "Orphan"})),
            step("DELETE", format!("{CONFIG_MAPS}/held"), Value::Null),
            step("POST", CONFIG_MAPS, json!({"metadata": {"name": "held"}})),
            step("PATCH", format!("{CONFIG_MAPS}/held"), json!({"metadata": {"finalizers": null}}))
                .of_type(MERGE),
            step("POST", CONFIG_MAPS, orphaned),
            step("DELETE", format!("{CONFIG_MAPS}/orphaned"), json!({"propagationPolicy": "Background"})),
            step("POST", CONFIG_MAPS, config_map("c", json!({}))),
            step("DELETE", format!("{CONFIG_MAPS}/c"), json!({"preconditions": {"uid": "other"}})),
            step("DELETE", format!("{CONFIG_MAPS}/c"), json!({"preconditions": {"resourceVersion": "1"}})),
            step("DELETE", format!("{CONFIG_MAPS}/c"), json!({"dryRun": ["All"]})),
            step(
                "DELETE",
                format!("{CONFIG_MAPS}/c?propagationPolicy=Foreground"),
                json!({"gracePeriodSeconds": 3}),
            ),
            step("DELETE", format!("{CONFIG_MAPS}/missing"), Value::Null),
            step("POST", CONFIG_MAPS, json!({"metadata": {"name": "d", "labels": {"l": "1"}}})),
            step("DELETE", format!("{CONFIG_MAPS}?labelSelector=l%3D1"), Value::Null),
            step("POST", PODS, pod("b")),
            step(
                "POST",
                format!("{PODS}/b/binding"),
                json!({"metadata": {"name": "b"}, "target": {"name": "node"}}),
            ),
            step("DELETE", format!("{PODS}/b"), json!({"gracePeriodSeconds": 20})),
            step("DELETE", format!("{PODS}/b"), json!({"gracePeriodSeconds": 30})),
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bindings_and_evictions() -> Result<()> {
    let running =
        json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    let eviction = json!({"metadata": {"name": "a", "annotations": {"why": "test"}}});
    same(
        &both(),
        vec![
            step("POST", PODS, pod("a")),
            step(
                "POST",
                format!("{PODS}/a/binding"),
                json!({
                    "metadata": {"name": "a", "annotations": {"k": "v"}, "labels": {"l": "m"}},
                    "target": {"kind": "Node", "name": "node"},
                }),
            ),
            step(
                "POST",
                format!("{PODS}/a/binding"),
                json!({"metadata": {"name": "a"}, "target": {"name": "node"}}),
            ),
            step("POST", format!("{PODS}/a/binding"), json!({"metadata": {"name": "a"}, "target": {}})),
            step("PATCH", format!("{PODS}/a/status"), running).of_type(STRATEGIC),
            step("POST", format!("{PODS}/a/eviction?dryRun=All"), eviction.clone()),
            step("POST", format!("{PODS}/a/eviction"), eviction),
            step("POST", format!("{PODS}/missing/eviction"), json!({"metadata": {"name": "missing"}})),
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trace_context_is_passed_on_alike() -> Result<()> {
    let traced = |name: &str, flags: &'static str| {
        step("POST", CONFIG_MAPS, config_map(name, json!({}))).with_header("traceparent", flags)
    };
    same(
        &[("Validating", json!({}))],
        vec![
            traced("a", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                .with_header("tracestate", "a=b"),
            traced("b", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02"),
            traced("c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03")
                .with_header("tracestate", "a=b"),
            traced("d", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
                .with_header("baggage", "k=v"),
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_none_fail_alike() -> Result<()> {
    let real = require_real_server!();
    let raw = |status: u16, body: &str| Hook::Raw {
        status,
        content_type: "application/json",
        body: body.to_owned(),
    };
    let answering = move |request: &Value| match request["name"].as_str().unwrap_or_default() {
        "silent" => Hook::Silence,
        "broken" => raw(500, "no"),
        "lost" => raw(404, "{}"),
        "kindless" => raw(200, "{}"),
        "empty" => raw(200, ""),
        "responseless" => raw(200, r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#),
        "stranger" => raw(
            200,
            r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": "x", "allowed": true}}"#,
        ),
        "mute" => Hook::Response(json!({"allowed": false})),
        "reason" => Hook::Response(json!({"allowed": false, "status": {"reason": "Because", "code": 418}})),
        "message" => Hook::Response(json!({"allowed": false, "status": {"message": "no", "code": 200}})),
        "warned" => Hook::Response(json!({"allowed": true, "warnings": ["careful", "careful", "a \"b\""]})),
        "untyped" => Hook::Response(json!({"allowed": true, "patch": "W10="})),
        "unpatched" => Hook::Response(json!({"allowed": true, "patchType": "JSONPatch"})),
        "missing" => Hook::patch(&json!([{"op": "remove", "path": "/data/x"}])),
        "nowhere" => Hook::patch(&json!([{"op": "add", "path": "/a/b/c", "value": 1}])),
        "replaced" => Hook::patch(&json!([{"op": "replace", "path": "/data/y", "value": "1"}])),
        "tested" => Hook::patch(&json!([{"op": "test", "path": "/data/x", "value": "1"}])),
        "patched" => {
            Hook::patch(&json!([{"op": "add", "path": "/metadata/labels", "value": {"by": "hook"}}]))
        }
        _ => Hook::allow(),
    };
    let names = [
        "silent",
        "broken",
        "lost",
        "kindless",
        "empty",
        "responseless",
        "stranger",
        "mute",
        "reason",
        "message",
        "warned",
        "untyped",
        "unpatched",
        "missing",
        "nowhere",
        "replaced",
        "tested",
        "patched",
    ];
    let mut script: Vec<Step> =
        names.iter().map(|name| step("POST", CONFIG_MAPS, config_map(name, json!({"k": "1"})))).collect();
    script.push(step("DELETE", format!("{CONFIG_MAPS}/patched"), Value::Null));
    let quick = json!({"timeoutSeconds": 1});
    compare(real.clone(), answering, &[("Mutating", quick.clone())], &script, false).await?;
    compare(
        real,
        answering,
        &[("Mutating", json!({"timeoutSeconds": 1, "failurePolicy": "Ignore"}))],
        &script,
        false,
    )
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_not_there_fails_alike() -> Result<()> {
    let real = require_real_server!();
    // Nobody listens on the first port.
    let nowhere = json!({"clientConfig": {"url": "https://127.0.0.1:1/nobody"}});
    let script = [step("POST", CONFIG_MAPS, config_map("a", json!({})))];
    compare(real, |_| Hook::allow(), &[("Validating", nowhere)], &script, false).await?;
    Ok(())
}
