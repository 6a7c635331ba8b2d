//! Webhooks of an operator tested with no port: a service registered under a host.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use common::*;
use expect_test::expect;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use kontext_apiserver::ApiServer;
use serde_json::{Value, json};

type Answers = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// A server with one webhook of each sort at `hook.test`, and the reviews that they saw.
struct Scene {
    client: Client,
    reviews: Arc<Mutex<Vec<Value>>>,
}

impl Scene {
    /// `answers` gets the request of a review and gives the response without its uid.
    async fn new(answers: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let answers: Answers = Arc::new(answers);
        let reviews = Arc::new(Mutex::new(Vec::new()));
        let seen = reviews.clone();
        let service = tower::service_fn(move |request: Request<Full<Bytes>>| {
            let (answers, seen) = (answers.clone(), seen.clone());
            async move {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let review: Value = serde_json::from_slice(&body).unwrap();
                let mut response = answers(&review["request"]);
                response["uid"] = review["request"]["uid"].clone();
                seen.lock().unwrap().push(review["request"].clone());
                let answer = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(answer.to_string()))))
            }
        });
        let server = ApiServer::builder().seed(1).webhook_service("hook.test", service).start().await;
        Self { client: Client::new(&server, "alice"), reviews }
    }

    async fn configure(&self, kind: &str, hook: &Value) {
        let mut whole = json!({
            "name": "hook.example.test", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://hook.test/ask"},
            "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}],
        });
        whole.as_object_mut().unwrap().extend(hook.as_object().unwrap().clone());
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"),
            "metadata": {"name": "c"}, "webhooks": [whole],
        });
        let path =
            format!("/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations", kind.to_lowercase());
        self.client.post(&path, &configuration).await.ok();
    }

    fn seen(&self) -> Vec<String> {
        let reviews = self.reviews.lock().unwrap();
        let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
        reviews
            .iter()
            .map(|r| {
                format!(
                    "{} {}/{} {} {}",
                    text(&r["operation"]),
                    text(&r["resource"]["resource"]),
                    text(&r["subResource"]),
                    text(&r["kind"]["kind"]),
                    text(&r["name"])
                )
            })
            .collect()
    }
}

fn patch(operations: &Value) -> Value {
    json!({"allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(operations.to_string())})
}

#[tokio::test]
async fn a_mutating_webhook_changes_what_is_stored_and_owns_nothing() {
    let scene = Scene::new(|_| {
        patch(&json!([{"op": "add", "path": "/metadata/annotations", "value": {"by": "hook"}}]))
    })
    .await;
    scene.configure("Mutating", &json!({})).await;
    let map = scene.client.post(CONFIG_MAPS, &config_map("a")).await.ok();
    assert_eq!(map["metadata"]["annotations"], json!({"by": "hook"}));
    assert!(!map["metadata"]["managedFields"].to_string().contains("f:by"));
    // The same again is no write.
    let again = scene.client.put(&format!("{CONFIG_MAPS}/a"), &config_map("a")).await.ok();
    assert_eq!(version(&again), version(&map));
    assert_eq!(scene.seen(), ["CREATE configmaps/- ConfigMap a", "UPDATE configmaps/- ConfigMap a"]);
}

#[tokio::test]
async fn a_refusal_is_told_with_code_reason_and_words() {
    let scene = Scene::new(
        |_| json!({"allowed": false, "status": {"code": 418, "reason": "Teapot", "message": "no coffee"}}),
    )
    .await;
    scene.configure("Validating", &json!({})).await;
    let answer = scene.client.post(CONFIG_MAPS, &config_map("a")).await;
    expect![[r#"418 Teapot: admission webhook "hook.example.test" denied the request: no coffee"#]]
        .assert_eq(&answer.failure());
    assert_eq!(scene.client.get(&format!("{CONFIG_MAPS}/a")).await.status, 404);
}

#[tokio::test]
async fn warnings_come_as_headers() {
    let scene = Scene::new(|_| json!({"allowed": true, "warnings": ["be careful"]})).await;
    scene.configure("Validating", &json!({})).await;
    let answer = scene.client.post(CONFIG_MAPS, &config_map("a")).await;
    assert_eq!(answer.headers["warning"], "299 - \"be careful\"");
}

#[tokio::test]
async fn each_door_is_reviewed_as_what_it_is() {
    let scene = Scene::new(|_| json!({"allowed": true})).await;
    scene.configure("Validating", &json!({})).await;
    let client = &scene.client;
    client.post(DEPLOYMENTS, &deployment("web")).await.ok();
    client
        .patch(&format!("{DEPLOYMENTS}/web/scale"), MERGE_PATCH, &json!({"spec": {"replicas": 3}}))
        .await
        .ok();
    client
        .patch(&format!("{DEPLOYMENTS}/web/status"), MERGE_PATCH, &json!({"status": {"replicas": 3}}))
        .await
        .ok();
    client.delete(&format!("{DEPLOYMENTS}/web"), &json!({})).await.ok();
    client.post(PODS, &json!({"metadata": {"generateName": "p-"}, "spec": pod("x")["spec"]})).await.ok();
    client.post(PODS, &pod("q")).await.ok();
    client
        .post(&format!("{PODS}/q/binding"), &json!({"metadata": {"name": "q"}, "target": {"name": "n"}}))
        .await
        .ok();
    client.post(&format!("{PODS}/q/eviction"), &json!({"metadata": {"name": "q"}})).await.ok();
    client.delete(PODS, &json!({"gracePeriodSeconds": 0})).await.ok();
    expect![[r#"
        CREATE deployments/- Deployment web
        UPDATE deployments/scale Scale web
        UPDATE deployments/status Deployment web
        DELETE deployments/- Deployment web
        CREATE pods/- Pod p-546kh
        CREATE pods/- Pod q
        CREATE pods/binding Binding q
        CREATE pods/eviction Eviction q
        DELETE pods/- Pod -
        DELETE pods/- Pod -
        DELETE pods/- Pod -
        DELETE pods/- Pod -
    "#]]
    .assert_eq(&format!("{}\n", scene.seen().join("\n")));
}

#[tokio::test]
async fn a_patch_that_does_not_fit_fails_the_request_whatever_the_failure_policy() {
    let scene = Scene::new(|_| patch(&json!([{"op": "remove", "path": "/spec/nothing"}]))).await;
    scene.configure("Mutating", &json!({"failurePolicy": "Ignore"})).await;
    let answer = scene.client.post(CONFIG_MAPS, &config_map("a")).await;
    expect![[r#"500 InternalError: Internal error occurred: remove operation does not apply: doc is missing path: "/spec/nothing": missing value"#]]
        .assert_eq(&answer.failure());
}

#[tokio::test]
async fn nobody_answers_at_a_service_unless_it_is_registered() {
    let scene = Scene::new(|_| json!({"allowed": true})).await;
    let elsewhere = json!({"clientConfig": {"service": {"namespace": "ns", "name": "svc"}}});
    scene.configure("Validating", &elsewhere).await;
    let answer = scene.client.post(CONFIG_MAPS, &config_map("a")).await;
    expect![[r#"500 InternalError: Internal error occurred: failed calling webhook "hook.example.test": failed to call webhook: Post "https://svc.ns.svc:443/?timeout=10s": service ns/svc cannot be reached: this in-memory API server has no cluster network; use clientConfig.url, or register svc.ns.svc with ApiServerBuilder::webhook_service"#]]
        .assert_eq(&answer.failure());
}

#[tokio::test]
async fn configurations_of_webhooks_are_not_put_to_webhooks() {
    let scene = Scene::new(|_| json!({"allowed": false})).await;
    scene.configure("Mutating", &json!({})).await;
    scene.configure("Validating", &json!({})).await;
    assert_eq!(scene.seen(), Vec::<String>::new());
}
