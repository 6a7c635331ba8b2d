//! Tables as a kube-apiserver 1.36.3 answered them, and Pods in all their states.

use expect_test::expect;

use super::*;

static TABLES: &str = include_str!("../../testdata/real/tables.jsonl");

#[test]
fn every_table_has_the_columns_and_cells_of_the_real_server() {
    let mut wrong = String::new();
    let mut rows = 0;
    for line in TABLES.lines() {
        let case: Value = serde_json::from_str(line).expect("valid");
        let text = |name: &str| case[name].as_str().expect("text");
        let now: Timestamp = text("now").parse().expect("time");
        let objects: Vec<&Value> = case["objects"].as_array().expect("list").iter().collect();
        let ours = table(text("group"), text("kind"), &objects, now, TableOptions::default());
        let columns: Vec<Value> = ours["columnDefinitions"]
            .as_array()
            .expect("list")
            .iter()
            .map(|column| json!([column["name"], column["type"], column["format"], column["priority"]]))
            .collect();
        if json!(columns) != case["columns"] {
            wrong.push_str(&format!("{}: {}\n", text("kind"), json!(columns)));
        }
        for (ours, real) in
            ours["rows"].as_array().expect("list").iter().zip(case["cells"].as_array().expect("list"))
        {
            if ours["cells"] != *real {
                wrong.push_str(&format!("{}\n  ours {}\n  real {real}\n", text("kind"), ours["cells"]));
            }
            rows += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(rows > 60, "{rows}");
}

fn pod_line(pod: &Value) -> String {
    let now: Timestamp = "2024-01-01T01:00:00Z".parse().expect("time");
    let table = table("", "Pod", &[pod], now, TableOptions::from_query(Some("None")));
    assert_eq!(table["rows"][0]["object"], Value::Null);
    let cells = table["rows"][0]["cells"].as_array().expect("list").clone();
    format!("{} {} {}\n", cells[1], cells[2], cells[3])
}

#[test]
fn the_status_of_a_pod_comes_from_its_containers() {
    let spec = json!({"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]});
    let running = json!({"name": "a", "ready": true, "restartCount": 0, "state": {"running": {}}});
    let states = [
        json!({"phase": "Pending"}),
        json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}),
        json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
        json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}),
        json!({"phase": "Failed", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 3}}}]}),
        json!({"phase": "Pending", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}),
        json!({"phase": "Running", "containerStatuses": [running, {"name": "b", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"finishedAt": "2024-01-01T00:55:00Z"}}}]}),
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [running, {"name": "b", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}),
        json!({"phase": "Running", "containerStatuses": [running, {"name": "b", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}),
        json!({"phase": "Failed", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
        json!({"phase": "Failed", "reason": "Evicted"}),
        json!({"phase": "Succeeded", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}),
    ];
    let mut out = String::new();
    for status in &states {
        out.push_str(&pod_line(&json!({"metadata": {"name": "p"}, "spec": spec, "status": status})));
    }
    let leaving = json!({"name": "p", "deletionTimestamp": "2024-01-01T00:00:00Z"});
    out.push_str(&pod_line(&json!({"metadata": leaving, "spec": spec, "status": states[7]})));
    expect![[r#"
        "0/2" "Pending" "0"
        "0/2" "SchedulingGated" "0"
        "0/2" "Init:CrashLoopBackOff" "2"
        "0/2" "Init:0/1" "0"
        "0/2" "Init:ExitCode:3" "0"
        "0/2" "ImagePullBackOff" "0"
        "1/2" "CrashLoopBackOff" "4 (5m ago)"
        "1/2" "Running" "0"
        "1/2" "NotReady" "0"
        "0/2" "Error" "0"
        "0/2" "Evicted" "0"
        "0/2" "Completed" "0"
        "1/2" "Terminating" "0"
    "#]]
    .assert_eq(&out);
}

#[test]
fn a_row_carries_what_was_asked_for() {
    let now: Timestamp = "2024-01-01T01:00:00Z".parse().expect("time");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}});
    let object = |include| {
        table("", "ConfigMap", &[&map], now, TableOptions::from_query(include))["rows"][0]["object"].clone()
    };
    assert_eq!(object(None)["kind"], "PartialObjectMetadata");
    assert_eq!(object(Some("Object")), map);
    assert_eq!(object(Some("None")), Value::Null);
    let widget = json!({"metadata": {"name": "w", "creationTimestamp": "2024-01-01T00:00:00Z"}});
    let custom = table("example.com", "Widget", &[&widget], now, TableOptions::default());
    assert_eq!(custom["rows"][0]["cells"], json!(["w", "60m"]));
}
