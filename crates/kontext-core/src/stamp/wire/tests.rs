use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::stamp::{Bearer, Copied, Standing};

fn stamp() -> Stamp {
    Stamp {
        on: On { kind: "Pod".into(), name: Name::Prefix("web-7d4b9-".into()), uid: None },
        controller: "replicaset-controller".into(),
        action: "replicaset.CreatePod".into(),
        subject: ObjectRef::new("ReplicaSet", None, "web-7d4b9")
            .with_uid("9b7d2f7e-6f0f-4c8e-8d52-1c43a5f7a001")
            .with_generation(2),
        reason: "1 of 3 replicas missing".into(),
        causes: vec![StampCause {
            event: EventKind::Modified,
            kind: "ReplicaSet".into(),
            name: "web-7d4b9".into(),
            trace_id: TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736"),
            action: Some("deployment.ScaleReplicaSet".into()),
            manager: None,
            seen: Timestamp::from_millisecond(1_763_907_731_480).expect("valid"),
            changes: vec!["spec.replicas: 2 -> 3".into()],
        }],
        more_causes: 0,
        origin: Some(Origin {
            who: Who::Manager("kubectl-set".into()),
            verb: Verb::Changed,
            object: ObjectRef::new("Deployment", None, "web").with_generation(3),
            time: Some(Timestamp::from_millisecond(1_763_907_731_474).expect("valid")),
            change: Some("spec.template.spec.containers[app].image: registry.example/web:1 -> :2".into()),
        }),
        hops: 2,
        generation: Some(1),
        content: None,
        time: Timestamp::from_millisecond(1_763_907_731_482).expect("valid"),
        manager: Some("replicaset-controller".into()),
    }
}

#[test]
fn a_usual_stamp_is_short_and_reads_back() {
    let text = stamp().encode().expect("fits");
    expect![[r#"{"v":1,"on":{"k":"Pod","p":"web-7d4b9-"},"c":"replicaset-controller","a":"replicaset.CreatePod","t":1763907731482,"f":{"k":"ReplicaSet","n":"web-7d4b9","u":"9b7d2f7e-6f0f-4c8e-8d52-1c43a5f7a001","g":2},"r":"1 of 3 replicas missing","e":[{"e":"modified","t":"4bf92f3577b34da6a3ce929d0e0e4736","a":"deployment.ScaleReplicaSet","d":2}],"o":{"w":"kubectl-set","v":"changed","k":"Deployment","n":"web","g":3,"d":8,"f":"spec.template.spec.containers[app].image: registry.example/web:1 -> :2"},"h":2,"g":1}"#]].assert_eq(&text);
    let read = Stamp::decode(&text).expect("reads");
    assert_eq!(read.subject.uid, stamp().subject.uid);
    assert_eq!(read.causes[0].trace_id, stamp().causes[0].trace_id);
    assert_eq!(read.time, stamp().time);
}

#[test]
fn causes_that_do_not_fit_are_counted() {
    let mut long = stamp();
    long.causes = (0..4).map(|_| stamp().causes[0].clone()).collect();
    long.more_causes = 9_996;
    let read = Stamp::decode(&long.encode().expect("fits")).expect("reads");
    assert_eq!(read.causes.len() as u64 + read.more_causes, 10_000);
}

#[test]
fn names_too_long_for_any_stamp_are_an_error_and_not_a_long_stamp() {
    let mut long = stamp();
    long.subject.name = "x".repeat(253).into();
    long.on.name = Name::Exact("y".repeat(253).into());
    assert!(matches!(long.encode(), Err(StampError::TooLong(_))));
}

fn refused(text: &str) -> String {
    Stamp::decode(text).expect_err("refused").to_string()
}

#[test]
fn forged_and_broken_stamps_are_refused_with_the_reason() {
    assert!(refused("").contains("a JSON object"));
    assert!(refused(&"x".repeat(513)).contains("at most 512 bytes"));
    assert!(refused(&stamp().encode().expect("fits").replace("\"v\":1", "\"v\":2")).contains("version 2"));
    assert!(refused(&stamp().encode().expect("fits").replace("4bf9", "4BF9")).contains("e.t"));
    assert!(refused(&stamp().encode().expect("fits").replace("\"modified\"", "\"eaten\"")).contains("e.e"));
}

#[test]
fn terminal_escapes_in_a_stamp_do_not_survive() {
    let text = stamp().encode().expect("fits").replace("1 of 3 replicas missing", r"\u001b[31m\n\u202e");
    let read = Stamp::decode(&text).expect("reads");
    assert_eq!(&*read.reason, "\u{fffd}[31m\u{fffd}\u{fffd}");
}

fn bearer<'a>() -> Bearer<'a> {
    Bearer {
        kind: "Pod",
        name: "web-7d4b9-x2x8k",
        uid: Some("u-1"),
        generation: Some(1),
        created: Some(Timestamp::from_second(1_763_907_731).expect("valid")),
        ..Bearer::default()
    }
}

#[test]
fn a_stamp_holds_on_the_object_it_was_written_for() {
    assert_eq!(stamp().standing(&bearer()), Standing::Fresh);
    assert_eq!(
        stamp().standing(&Bearer { generation: Some(2), deleting: true, ..bearer() }),
        Standing::Fresh
    );
    assert_eq!(stamp().standing(&Bearer { generation: Some(2), ..bearer() }), Standing::Stale);
}

#[test]
fn a_copied_or_resurrected_stamp_is_told() {
    let late = Timestamp::from_second(1_763_999_999).ok();
    let copied = |bearer: Bearer<'_>| stamp().standing(&bearer);
    assert_eq!(copied(Bearer { kind: "ReplicaSet", ..bearer() }), Standing::Copied(Copied::Kind));
    assert_eq!(copied(Bearer { name: "other", ..bearer() }), Standing::Copied(Copied::Name));
    assert_eq!(copied(Bearer { created: late, ..bearer() }), Standing::Copied(Copied::Time));
    let owners = ["kubectl-create"];
    assert_eq!(
        copied(Bearer { annotation_owners: Some(&owners), ..bearer() }),
        Standing::Copied(Copied::Manager)
    );
    let mut update = stamp();
    update.on.uid = Some("u-0".into());
    assert_eq!(update.standing(&bearer()), Standing::Copied(Copied::Uid));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,600}") {
        let _ = Stamp::decode(&text);
    }

    #[test]
    fn whatever_the_strings_hold_a_written_stamp_fits_and_reads_back(reason in "\\PC{0,300}", name in "[a-z]{1,40}") {
        let mut stamp = stamp();
        stamp.reason = reason.as_str().into();
        stamp.subject.name = name.as_str().into();
        if let Ok(text) = stamp.encode() {
            prop_assert!(text.len() <= MAX_BYTES);
            prop_assert!(Stamp::decode(&text).is_ok());
        }
    }
}
