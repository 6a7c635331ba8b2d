use super::*;
use crate::fixtures::{self, PodSpec};

#[derive(Clone, Copy)]
struct Case {
    owner: Option<&'static str>,
    app: &'static str,
    owner_deleting: bool,
    child_deleting: bool,
    namespace: &'static str,
}

const CASE: Case = Case {
    owner: Some("u-web"),
    app: "web",
    owner_deleting: false,
    child_deleting: false,
    namespace: "shop",
};

fn decide(case: Case) -> Claim {
    let mut set = fixtures::replica_set("web", 3);
    if case.owner_deleting {
        set.meta.deleted = Some(fixtures::at(0));
    }
    let spec = PodSpec {
        namespace: case.namespace,
        app: case.app,
        owner: case.owner,
        deleting: case.child_deleting,
        ..PodSpec::new("web-1")
    };
    claim(&set.meta, set.selector.as_ref().unwrap(), &spec.pod().meta)
}

#[test]
fn each_candidate_is_kept_adopted_released_or_left_alone() {
    let orphan = Case { owner: None, ..CASE };
    let adopt = Claim::Adopt("it has no controller and its labels match the selector");
    let release = Claim::Release("its labels no longer match the selector");
    for (what, case, expected) in [
        ("a child that matches", CASE, Claim::Keep),
        ("also while the owner is deleted", Case { owner_deleting: true, ..CASE }, Claim::Keep),
        ("a child of somebody else", Case { owner: Some("u-other"), ..CASE }, Claim::Ignore),
        ("a child that no longer matches", Case { app: "db", ..CASE }, release),
        ("not released by a dying owner", Case { app: "db", owner_deleting: true, ..CASE }, Claim::Ignore),
        ("an orphan that matches", orphan, adopt),
        ("an orphan that does not match", Case { app: "db", ..orphan }, Claim::Ignore),
        ("an orphan that is being deleted", Case { child_deleting: true, ..orphan }, Claim::Ignore),
        ("an orphan and a dying owner", Case { owner_deleting: true, ..orphan }, Claim::Ignore),
        ("an orphan of another namespace", Case { namespace: "bank", ..orphan }, Claim::Ignore),
    ] {
        assert_eq!(decide(case), expected, "{what}");
    }
}

#[test]
fn nothing_is_adopted_for_an_owner_that_is_gone_or_dying() {
    let cached = fixtures::replica_set("web", 3).meta;
    assert_eq!(may_adopt("ReplicaSet", &cached, &cached), Ok(()));
    let gone = may_adopt("ReplicaSet", &cached, &Meta { uid: Text::from("u-new"), ..cached.clone() });
    expect_test::expect!["original ReplicaSet shop/web is gone: got uid u-new, wanted u-web"]
        .assert_eq(&gone.unwrap_err().to_string());
    let dying = may_adopt("ReplicaSet", &cached, &Meta { deleted: Some(fixtures::at(0)), ..cached.clone() });
    expect_test::expect!["shop/web has just been deleted at 2026-01-01T00:00:00Z"]
        .assert_eq(&dying.unwrap_err().to_string());
}
