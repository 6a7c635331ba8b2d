//! Applies, patches and what they meet, as a kube-apiserver 1.36.3 answered them. Each line of the recording is one
//! script on one new object; every answer is compared whole, but for times, uids, versions and allocated addresses.

mod common;

use common::{Client, server};
use serde_json::{Map, Value, json};

static RECORDED: &str = include_str!("../testdata/real/applies.jsonl");

#[tokio::test]
async fn every_answer_is_that_of_the_real_server() {
    let server = server().await;
    let client = Client::new(&server, "alice");
    let (mut wrong, mut count) = (String::new(), 0);
    for line in RECORDED.lines() {
        let script: Value = serde_json::from_str(line).expect("valid");
        for (index, step) in script["steps"].as_array().expect("list").iter().enumerate() {
            let text = |name: &str| step[name].as_str().unwrap_or_default();
            let request = client.request(text("method"), text("path"), text("type"), text("body").as_bytes());
            let answer = client.send(request).await;
            let warnings: Vec<&str> =
                answer.headers.get_all("warning").iter().map(|value| value.to_str().expect("text")).collect();
            let ours = json!({
                "answer": normal("", &answer.body), "code": answer.status, "warnings": warnings,
            });
            let real = json!({
                "answer": normal("", &step["answer"]), "code": step["code"], "warnings": step["warnings"],
            });
            if ours != real {
                wrong.push_str(&format!("{} #{index}\nours {ours}\nreal {real}\n", script["name"]));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 300, "{count} steps");
}

/// What no two servers have in common is replaced by a mark.
fn normal(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("uid" | "resourceVersion" | "clusterIP" | "nodePort", Value::String(text))
            if !text.starts_with("given") && text != "None" =>
        {
            json!("*")
        }
        ("clusterIPs", _) => json!("*"),
        (_, Value::String(text)) => json!(without_times_and_uids(text)),
        (_, Value::Array(items)) => {
            let mut items: Vec<Value> = items.iter().map(|item| normal("", item)).collect();
            if key == "causes" || key == "managedFields" {
                // With several managers the real server's order is that of a hash map, or of times.
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        (_, Value::Object(fields)) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), normal(name, value))).collect::<Map<_, _>>(),
        ),
        _ => value.clone(),
    }
}

/// Replaces what looks like a time by `T` and what looks like a uid by `UID`.
fn without_times_and_uids(text: &str) -> String {
    let shape = |text: &str| -> String {
        text.chars()
            .map(|c| match c {
                '0'..='9' => 'd',
                'a'..='f' => 'x',
                other => other,
            })
            .collect()
    };
    let is_time = |part: &str| shape(part).starts_with("dddd-dd-ddTdd:dd:dd") && part.ends_with('Z');
    let is_uid = |part: &str| {
        let lengths: Vec<usize> = part.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12] && part.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
    };
    text.split(' ')
        .map(|part| {
            let word = part.trim_matches(|c: char| matches!(c, '"' | '\\' | ',' | ':'));
            if is_time(word) {
                part.replace(word, "T")
            } else if is_uid(word) {
                part.replace(word, "UID")
            } else {
                part.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
