use serde_json::json;

use super::*;
use crate::kinds::Registry;

fn decide(group: &str, plural: &str, options: &Options, old: &Value) -> String {
    let registry = Registry::built_in();
    let resource = registry.find(group, "v1", plural).unwrap();
    let now: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    let describe = |v: &Value| {
        let m = &v["metadata"];
        format!(
            "at {} grace {} generation {} finalizers {:?}",
            m["deletionTimestamp"].as_str().unwrap_or("-"),
            m["deletionGracePeriodSeconds"],
            m["generation"],
            object::finalizers(v)
        )
    };
    match step(resource, options, old, now) {
        Step::Pending => "pending".to_owned(),
        Step::Held => "held".to_owned(),
        Step::Mark(v) => format!("mark {}", describe(&v)),
        Step::MarkAndRemove(v) => format!("mark and remove {}", describe(&v)),
        Step::Remove => "remove".to_owned(),
    }
}

fn pod(node: &str) -> Value {
    json!({"metadata": {"name": "p", "generation": 1}, "spec": {"nodeName": node, "terminationGracePeriodSeconds": 30}})
}

#[test]
fn a_running_pod_gets_its_grace_period_and_a_new_generation() {
    assert_eq!(
        decide("", "pods", &Options::default(), &pod("n")),
        "mark at 2024-01-01T00:00:30Z grace 30 generation 2 finalizers []"
    );
}

#[test]
fn a_pod_without_a_node_goes_at_once_in_two_steps() {
    assert_eq!(
        decide("", "pods", &Options::default(), &pod("")),
        "mark and remove at 2024-01-01T00:00:00Z grace 0 generation 2 finalizers []"
    );
}

#[test]
fn a_second_delete_only_shortens_the_grace_period() {
    let mut old = pod("n");
    mark(&mut old, "2024-01-01T00:00:30Z".parse().unwrap(), 30, true);
    let with = |grace| Options { grace, ..Options::default() };
    assert_eq!(decide("", "pods", &with(None), &old), "pending");
    assert_eq!(decide("", "pods", &with(Some(60)), &old), "pending");
    assert_eq!(
        decide("", "pods", &with(Some(5)), &old),
        "mark at 2024-01-01T00:00:05Z grace 5 generation 2 finalizers []"
    );
    assert_eq!(
        decide("", "pods", &with(Some(0)), &old),
        "mark and remove at 2024-01-01T00:00:00Z grace 0 generation 2 finalizers []"
    );
}

#[test]
fn the_propagation_policy_becomes_a_finalizer() {
    let old = json!({"metadata": {"name": "d", "generation": 3}});
    let with = |policy: &str| Options { policy: Some(policy.to_owned()), ..Options::default() };
    assert_eq!(decide("apps", "deployments", &with("Background"), &old), "remove");
    assert_eq!(
        decide("apps", "deployments", &with("Foreground"), &old),
        "mark at 2024-01-01T00:00:00Z grace 0 generation 4 finalizers [\"foregroundDeletion\"]"
    );
    assert_eq!(
        decide("apps", "deployments", &with("Orphan"), &old),
        "mark at 2024-01-01T00:00:00Z grace 0 generation 4 finalizers [\"orphan\"]"
    );
}

#[test]
fn a_job_without_a_policy_orphans_its_pods() {
    let old = json!({"metadata": {"name": "j", "generation": 1}});
    assert_eq!(
        decide("batch", "jobs", &Options::default(), &old),
        "mark at 2024-01-01T00:00:00Z grace 0 generation 2 finalizers [\"orphan\"]"
    );
}

#[test]
fn deleting_again_changes_nothing_while_a_finalizer_holds() {
    let mut old = json!({"metadata": {"name": "d", "generation": 1, "finalizers": ["a.b/c"]}});
    assert_eq!(
        decide("apps", "deployments", &Options::default(), &old),
        "mark at 2024-01-01T00:00:00Z grace 0 generation 2 finalizers [\"a.b/c\"]"
    );
    mark(&mut old, "2023-01-01T00:00:00Z".parse().unwrap(), 0, true);
    assert_eq!(decide("apps", "deployments", &Options::default(), &old), "held");
}
