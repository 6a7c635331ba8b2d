//! The same chain on terminals of several widths, and as JSON.

use expect_test::expect;
use jiff::tz::TimeZone;
use kontext_core::{EventKind, Verb, Who};

use super::{TextOptions, json, text};
use crate::fixtures::{Facts as _, Fake, at, chain, mark, object};

async fn replaced() -> crate::Chain {
    let mark = mark("Pod web-7d4b9-*", 4, "replicaset-controller replicaset.CreatePod", "14:30:00.120")
        .subject("ReplicaSet web-7d4b9", "u-rs", 2)
        .because("1 of 3 replicas missing")
        .after(EventKind::Deleted, "Pod web-7d4b9-k9", "14:30:00.101")
        .origin(Who::Unknown, Verb::Deleted, "Pod web-7d4b9-k9", Some(1), "14:30:00.101");
    chain(&Fake::of([object("Pod web-7d4b9-zz", "u-z", "14:30:00").stamped(&mark)]), "Pod web-7d4b9-zz").await
}

#[tokio::test]
async fn a_narrow_terminal_gets_more_lines_and_a_pipe_long_ones() {
    let chain = replaced().await;
    let now = at("15:00:00");
    let mut all = String::new();
    for width in [Some(40), Some(60), Some(80), None] {
        all.push_str(&format!("{width:?}\n"));
        let written = text(&chain, &TextOptions { width, now, ..TextOptions::default() });
        if let Some(width) = width {
            assert!(written.lines().all(|line| line.chars().count() <= width), "{written}");
        }
        all.push_str(&written);
    }
    expect![[r#"
        Some(40)
        Pod web-7d4b9-zz
          created 14:30:00.120Z
        replicaset-controller         +19 ms
            replicaset.CreatePod
            "1 of 3 replicas missing"
        somebody         14:30:00.101Z  verified
            deleted Pod web-7d4b9-k9
            who did it is not kept on any
            object; the audit log has it
        Some(60)
        Pod web-7d4b9-zz             created 14:30:00.120Z
        replicaset-controller                       +19 ms
            replicaset.CreatePod
            "1 of 3 replicas missing"
        somebody                             14:30:00.101Z  verified
            deleted Pod web-7d4b9-k9
            who did it is not kept on any object; the audit log has
            it
        Some(80)
        Pod web-7d4b9-zz                                 created 14:30:00.120Z
        replicaset-controller                                           +19 ms
            replicaset.CreatePod
            "1 of 3 replicas missing"
        somebody                                                 14:30:00.101Z  verified
            deleted Pod web-7d4b9-k9
            who did it is not kept on any object; the audit log has it
        None
        Pod web-7d4b9-zz                                                created 14:30:00.120Z
        replicaset-controller  replicaset.CreatePod  "1 of 3 replicas missing"         +19 ms
        somebody               deleted Pod web-7d4b9-k9                         14:30:00.101Z  verified
                               who did it is not kept on any object; the audit log has it
    "#]]
    .assert_eq(&all);
}

#[tokio::test]
async fn times_are_of_the_readers_zone_with_the_date_of_another_day() {
    let zone = TimeZone::fixed(jiff::tz::offset(11));
    let written =
        text(&replaced().await, &TextOptions { zone, now: at("08:00:00"), ..TextOptions::default() });
    expect![[r#"
        Pod web-7d4b9-zz                                                created 2026-03-02 01:30:00.120
        replicaset-controller  replicaset.CreatePod  "1 of 3 replicas missing"                   +19 ms
        somebody               deleted Pod web-7d4b9-k9                         2026-03-02 01:30:00.101  verified
                               who did it is not kept on any object; the audit log has it
    "#]].assert_eq(&written);
}

#[tokio::test]
async fn colour_marks_what_is_less_important() {
    let options = TextOptions { colour: true, now: at("15:00:00"), ..TextOptions::default() };
    let written = text(&replaced().await, &options).replace('\u{1b}', "^");
    expect![[r#"
        ^[1mPod web-7d4b9-zz^[0m                                                created 14:30:00.120Z
        replicaset-controller  replicaset.CreatePod  "1 of 3 replicas missing"         +19 ms
        somebody               deleted Pod web-7d4b9-k9                         14:30:00.101Z^[2m  verified^[0m
        ^[2m                       who did it is not kept on any object; the audit log has it^[0m
    "#]].assert_eq(&written);
}

#[tokio::test]
async fn json_has_the_documented_fields_and_reads_back() {
    let chain = replaced().await;
    let written = json(&chain).expect("JSON");
    expect![[r#"
        {
          "apiVersion": "why.kontext.dev/v1",
          "kind": "Chain",
          "object": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "default",
            "name": "web-7d4b9-zz",
            "uid": "u-z",
            "generation": 1
          },
          "created": {
            "time": "2026-03-01T14:30:00.12Z",
            "precision": "millisecond"
          },
          "steps": [
            {
              "certainty": "stamped",
              "source": "stamp",
              "object": {
                "apiVersion": "v1",
                "kind": "Pod",
                "namespace": "default",
                "name": "web-7d4b9-zz",
                "uid": "u-z",
                "generation": 1
              },
              "at": {
                "time": "2026-03-01T14:30:00.12Z",
                "precision": "millisecond"
              },
              "traceId": "04040404040404040404040404040404",
              "traceparent": "00-04040404040404040404040404040404-0404040404040404-00",
              "action": {
                "controller": "replicaset-controller",
                "name": "replicaset.CreatePod",
                "reason": "1 of 3 replicas missing",
                "subject": {
                  "kind": "ReplicaSet",
                  "namespace": "default",
                  "name": "web-7d4b9",
                  "uid": "u-rs",
                  "generation": 2
                },
                "causes": [
                  {
                    "event": "deleted",
                    "object": {
                      "kind": "Pod",
                      "namespace": "default",
                      "name": "web-7d4b9-k9"
                    },
                    "seen": "2026-03-01T14:30:00.101Z",
                    "followed": true
                  }
                ],
                "moreCauses": 0,
                "hops": 0
              }
            },
            {
              "certainty": "verified",
              "source": "laterStamp",
              "object": {
                "kind": "Pod",
                "namespace": "default",
                "name": "web-7d4b9-k9"
              },
              "at": {
                "time": "2026-03-01T14:30:00.101Z",
                "precision": "millisecond"
              },
              "write": {
                "who": {
                  "type": "unknown"
                },
                "verb": "deleted",
                "ownsMore": 0,
                "unattributed": false
              },
              "notes": [
                "who did it is not kept on any object; the audit log has it"
              ]
            }
          ]
        }"#]]
    .assert_eq(&written);
    assert_eq!(serde_json::from_str::<crate::Chain>(&written).expect("reads"), chain);
}
