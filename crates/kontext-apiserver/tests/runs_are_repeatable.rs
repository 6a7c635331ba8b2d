//! With a seed and a clock of its own, the same requests give the same bytes.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use common::*;
use kontext_apiserver::{ApiServer, TokioClock};
use serde_json::json;

async fn story() -> Vec<String> {
    let clock = TokioClock::starting_at("2024-05-06T07:08:09Z".parse().unwrap());
    let server = ApiServer::builder().clock(clock).seed(42).start().await;
    let client = Client::new(&server, "alice");
    let mut said = Vec::new();
    said.push(client.post(CONFIG_MAPS, &json!({"metadata": {"generateName": "m-"}})).await.text);
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    said.push(client.post(DEPLOYMENTS, &deployment("web")).await.text);
    said.push(client.get("/api/v1/namespaces").await.text);
    said
}

#[tokio::test(start_paused = true)]
async fn two_runs_with_one_seed_are_the_same_to_the_byte() {
    let first = story().await;
    assert_eq!(first, story().await);
    assert!(first[1].contains("2024-05-06T07:09:09Z"), "{}", first[1]);
}
