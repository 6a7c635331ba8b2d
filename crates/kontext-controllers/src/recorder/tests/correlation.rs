//! What becomes of occurrences, by their times.

use std::fmt::Write;

use expect_test::expect;

use super::{
    super::{Subject, correlator::Correlator, waiting::Occurrence},
    created, set,
};
use crate::{events::Event, fixtures::at};

struct Table {
    correlator: Correlator,
    names: Vec<String>,
    lines: String,
}

impl Table {
    fn new() -> Self {
        Self { correlator: Correlator::new("replicaset-controller"), names: vec![], lines: String::new() }
    }

    fn see(&mut self, second: i64, about: &Subject, event: Event) {
        let occurrence = Occurrence { about: about.clone(), event, at: at(second) };
        let line = match self.correlator.observe(&about.identity(), &occurrence) {
            None => "suppressed".to_owned(),
            Some(post) => {
                let number = self.names.iter().position(|name| **name == *post.name).unwrap_or_else(|| {
                    self.names.push(post.name.to_string());
                    self.names.len() - 1
                });
                let verb = if post.patch.is_some() { "patch" } else { "create" };
                let body = post.patch.as_ref().unwrap_or(&post.event);
                format!("{verb} #{number} count {} {}", body["count"], body["message"])
            }
        };
        writeln!(self.lines, "{second:<4} {line}").unwrap();
    }
}

#[test]
fn the_same_again_raises_the_count_of_the_event_that_is_there() {
    let mut correlator = Correlator::new("replicaset-controller");
    let about = set("web");
    let mut see = |second| {
        let occurrence = Occurrence { about: about.clone(), event: created("web-a"), at: at(second) };
        correlator.observe(&about.identity(), &occurrence).unwrap()
    };
    let first = see(0);
    assert_eq!((&*first.namespace, first.patch), ("shop", None));
    expect![[r#"
        {
          "apiVersion": "v1",
          "count": 1,
          "firstTimestamp": "2026-01-01T00:00:00Z",
          "involvedObject": {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": "web",
            "namespace": "shop",
            "resourceVersion": "5",
            "uid": "u-web"
          },
          "kind": "Event",
          "lastTimestamp": "2026-01-01T00:00:00Z",
          "message": "Created pod: web-a",
          "metadata": {
            "name": "web.18867251edfa0000",
            "namespace": "shop"
          },
          "reason": "SuccessfulCreate",
          "reportingComponent": "replicaset-controller",
          "reportingInstance": "",
          "source": {
            "component": "replicaset-controller"
          },
          "type": "Normal"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&first.event).unwrap());
    let second = see(90);
    assert_eq!(second.name, first.name);
    expect![[r#"{"count":2,"lastTimestamp":"2026-01-01T00:01:30Z","message":"Created pod: web-a"}"#]]
        .assert_eq(&second.patch.unwrap().to_string());
    assert_eq!(second.event["firstTimestamp"], "2026-01-01T00:00:00Z", "for when the Event is gone by then");
    assert_eq!(second.event["count"], 2);
}

#[test]
fn from_the_tenth_message_on_similar_events_are_combined() {
    let mut table = Table::new();
    for pod in 0..12 {
        table.see(pod, &set("web"), created(&format!("p{pod}")));
    }
    table.see(20, &set("web"), created("p0"));
    table.see(21, &set("web"), created("p10"));
    table.see(22, &set("web"), Event::pod_deleted("p0"));
    table.see(23, &set("api"), created("p13"));
    expect![[r#"
        0    create #0 count 1 "Created pod: p0"
        1    create #1 count 1 "Created pod: p1"
        2    create #2 count 1 "Created pod: p2"
        3    create #3 count 1 "Created pod: p3"
        4    create #4 count 1 "Created pod: p4"
        5    create #5 count 1 "Created pod: p5"
        6    create #6 count 1 "Created pod: p6"
        7    create #7 count 1 "Created pod: p7"
        8    create #8 count 1 "Created pod: p8"
        9    create #9 count 1 "(combined from similar events): Created pod: p9"
        10   patch #9 count 2 "(combined from similar events): Created pod: p10"
        11   patch #9 count 3 "(combined from similar events): Created pod: p11"
        20   patch #0 count 2 "Created pod: p0"
        21   patch #9 count 4 "(combined from similar events): Created pod: p10"
        22   create #10 count 1 "Deleted pod: p0"
        23   create #11 count 1 "Created pod: p13"
    "#]]
    .assert_eq(&table.lines);
}

#[test]
fn what_is_more_than_ten_minutes_apart_is_not_similar() {
    let mut table = Table::new();
    for pod in 0..9 {
        table.see(0, &set("web"), created(&format!("p{pod}")));
    }
    table.see(600, &set("web"), created("still similar"));
    table.see(1201, &set("web"), created("apart"));
    table.see(1201, &set("web"), created("p0"));
    expect![[r#"
        0    create #0 count 1 "Created pod: p0"
        0    create #1 count 1 "Created pod: p1"
        0    create #2 count 1 "Created pod: p2"
        0    create #3 count 1 "Created pod: p3"
        0    create #4 count 1 "Created pod: p4"
        0    create #5 count 1 "Created pod: p5"
        0    create #6 count 1 "Created pod: p6"
        0    create #7 count 1 "Created pod: p7"
        0    create #8 count 1 "Created pod: p8"
        600  create #9 count 1 "(combined from similar events): Created pod: still similar"
        1201 create #10 count 1 "Created pod: apart"
        1201 patch #0 count 2 "Created pod: p0"
    "#]]
    .assert_eq(&table.lines);
}

#[test]
fn an_object_has_a_burst_of_twenty_five_and_what_is_suppressed_still_counts() {
    let mut table = Table::new();
    for _ in 0..30 {
        table.see(0, &set("web"), created("web-a"));
    }
    table.lines.clear();
    table.see(0, &set("web"), Event::pod_not_created("quota"));
    table.see(0, &set("api"), created("api-a"));
    table.see(299, &set("web"), created("web-a"));
    table.see(300, &set("web"), created("web-a"));
    table.see(300, &set("web"), created("web-a"));
    expect![[r#"
        0    create #1 count 1 "Error creating: quota"
        0    create #2 count 1 "Created pod: api-a"
        299  suppressed
        300  patch #0 count 32 "Created pod: web-a"
        300  suppressed
    "#]]
    .assert_eq(&table.lines);
}

#[test]
fn a_recreated_object_has_events_of_its_own() {
    let mut table = Table::new();
    table.see(0, &set("web"), created("web-a"));
    table.see(1, &Subject { uid: "u-other".into(), ..set("web") }, created("web-a"));
    table.see(2, &Subject { resource_version: "9".into(), ..set("web") }, created("web-a"));
    expect![[r#"
        0    create #0 count 1 "Created pod: web-a"
        1    create #1 count 1 "Created pod: web-a"
        2    patch #0 count 2 "Created pod: web-a"
    "#]]
    .assert_eq(&table.lines);
}

#[test]
fn the_events_of_cluster_scoped_objects_are_in_default_and_their_names_are_valid() {
    let mut correlator = Correlator::new("node-controller");
    let mut see = |name: &str| {
        let about = Subject { kind: "Node".into(), namespace: None, name: name.into(), ..set("") };
        let occurrence = Occurrence { about: about.clone(), event: created("x"), at: at(0) };
        let post = correlator.observe(&about.identity(), &occurrence).unwrap();
        assert!(post.event["involvedObject"].get("namespace").is_none());
        format!("{}/{}\n", post.namespace, post.name)
    };
    let lines = ["node-1", "system:node", "Upper", "a..b", "-a", "a-", &"n".repeat(236), &"n".repeat(237)];
    let lines: String = lines.into_iter().map(|name| see(name).replace(&"n".repeat(236), "nnn")).collect();
    expect![[r#"
        default/node-1.18867251edfa0000
        default/node.18867251edfa0001
        default/node.18867251edfa0002
        default/node.18867251edfa0003
        default/node.18867251edfa0004
        default/node.18867251edfa0005
        default/nnn.18867251edfa0006
        default/node.18867251edfa0007
    "#]]
    .assert_eq(&lines);
}
