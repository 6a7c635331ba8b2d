//! Stories, told by the objects that they leave behind.

use expect_test::{Expect, expect};
use kontext_core::{EventKind, Keys, Verb, Who};
use serde_json::{Value, json};

use crate::fixtures::{Facts as _, Fake, Mark, chain, event, mark, object, told};

fn set_image() -> Who {
    Who::Manager("kubectl-set".into())
}

const IMAGE: &str = "spec.template.spec.containers[app].image: registry.example/web:1 -> :2";

/// A Deployment that somebody gave a new image.
fn deployment() -> Value {
    object("Deployment web", "u-d", "13:00:00")
        .generation(3)
        .managed("kubectl-create", "13:00:00", &["spec.replicas", "spec.selector", "spec.template"])
        .managed("kubectl-set", "14:02:11", &["spec.template.spec.containers[app].image"])
        .with("spec", json!({"replicas": 3}))
        .with("status", json!({"readyReplicas": 3}))
}

/// The Deployment loop's scaling of the new ReplicaSet.
fn scaling() -> Mark {
    mark("ReplicaSet web-7d4b9", 2, "deployment-controller deployment.ScaleReplicaSet", "14:02:11.480")
        .on_uid("u-rs", 2)
        .subject("Deployment web", "u-d", 3)
        .because("rolling update: 3 wanted, surge 1, new 1 of 3")
        .after_write(EventKind::Modified, "Deployment web", "kubectl-set", IMAGE, "14:02:11.474")
        .origin(set_image(), Verb::Changed, "Deployment web", Some(3), "14:02:11.474")
        .change(IMAGE)
}

fn replica_set() -> Value {
    object("ReplicaSet web-7d4b9", "u-rs", "14:02:11")
        .generation(2)
        .owned_by("Deployment web", "u-d")
        .managed("kontext", "14:02:11", &["spec.replicas"])
        .with("spec", json!({"replicas": 3}))
}

/// The ReplicaSet loop's creation of a pod.
fn creation() -> Mark {
    mark("Pod web-7d4b9-*", 3, "replicaset-controller replicaset.CreatePod", "14:02:11.482")
        .subject("ReplicaSet web-7d4b9", "u-rs", 2)
        .because("1 of 3 replicas missing")
        .after_action(
            EventKind::Modified,
            "ReplicaSet web-7d4b9",
            2,
            "deployment.ScaleReplicaSet",
            "14:02:11.481",
        )
        .origin(set_image(), Verb::Changed, "Deployment web", Some(3), "14:02:11.474")
        .hops(1)
}

fn pod() -> Value {
    object("Pod web-7d4b9-x2x8k", "u-p", "14:02:11")
        .owned_by("ReplicaSet web-7d4b9", "u-rs")
        .managed("kontext", "14:02:11", &["spec.containers"])
        .with("status", json!({"phase": "Running"}))
}

async fn check(objects: impl IntoIterator<Item = Value>, of: &str, expected: Expect) {
    expected.assert_eq(&told(&Fake::of(objects), of).await);
}

#[tokio::test]
async fn a_pod_of_a_rollout_leads_back_to_the_change_of_the_image() {
    let objects = [pod().stamped(&creation()), replica_set().stamped(&scaling()), deployment()];
    check(objects, "Pod web-7d4b9-x2x8k", expect![[r#"
        Pod web-7d4b9-x2x8k                                                   created 14:02:11.482Z, running
        replicaset-controller      replicaset.CreatePod        "1 of 3 replicas missing"               +2 ms
        deployment-controller      deployment.ScaleReplicaSet  "rolling update: 3 wanted,              +6 ms
                                                               surge 1, new 1 of 3"
        field manager kubectl-set  changed Deployment web, generation 2 -> 3                   14:02:11.474Z  verified
                                   spec.template.spec.containers[app].image: registry.example/web:1 -> :2
    "#]]).await;
}

#[tokio::test]
async fn the_pod_after_a_deleted_one_is_there_because_of_the_deletion_and_not_of_the_rollout() {
    let replacement =
        mark("Pod web-7d4b9-*", 4, "replicaset-controller replicaset.CreatePod", "14:30:00.120")
            .subject("ReplicaSet web-7d4b9", "u-rs", 2)
            .because("1 of 3 replicas missing")
            // The trace of the deleted pod's own stamp: it explains that pod, not its deletion.
            .after_action(EventKind::Deleted, "Pod web-7d4b9-k9", 3, "replicaset.CreatePod", "14:30:00.101")
            .origin(Who::Unknown, Verb::Deleted, "Pod web-7d4b9-k9", Some(1), "14:30:00.101");
    let pod = object("Pod web-7d4b9-zz", "u-z", "14:30:00").stamped(&replacement);
    check(
        [pod, replica_set().stamped(&scaling()), deployment()],
        "Pod web-7d4b9-zz",
        expect![[r#"
        Pod web-7d4b9-zz                                                created 14:30:00.120Z
        replicaset-controller  replicaset.CreatePod  "1 of 3 replicas missing"         +19 ms
        somebody               deleted Pod web-7d4b9-k9                         14:30:00.101Z  verified
                               who did it is not kept on any object; the audit log has it
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_recorded_deletion_names_the_user_and_an_eviction_its_event() {
    let replacement =
        mark("Pod web-7d4b9-*", 4, "replicaset-controller replicaset.CreatePod", "14:30:00.120")
            .subject("ReplicaSet web-7d4b9", "u-rs", 2)
            .because("1 of 3 replicas missing")
            .after(EventKind::Deleted, "Pod web-7d4b9-k9", "14:30:00.101")
            .origin(Who::Unknown, Verb::Deleted, "Pod web-7d4b9-k9", Some(1), "14:30:00.101");
    let pod = || object("Pod web-7d4b9-zz", "u-z", "14:30:00").stamped(&replacement);
    let record = mark("Event k9.1", 9, "kontext-webhook webhook.RecordDelete", "14:30:00.090").origin(
        Who::User("alice".into()),
        Verb::Deleted,
        "Pod web-7d4b9-k9",
        None,
        "14:30:00.090",
    );
    let recorded =
        event("k9.1", "Pod web-7d4b9-k9", "Deleted", "deleted by alice", "14:30:00").stamped(&record);
    check(
        [pod(), recorded],
        "Pod web-7d4b9-zz",
        expect![[r#"
        Pod web-7d4b9-zz                                                created 14:30:00.120Z
        replicaset-controller  replicaset.CreatePod  "1 of 3 replicas missing"         +19 ms
        user alice             deleted Pod web-7d4b9-k9                         14:30:00.101Z
    "#]],
    )
    .await;
    let evicted = event("k9.2", "Pod web-7d4b9-k9", "Evicted", "node had \u{1b}[31mno memory", "14:29:59");
    check(
        [pod(), evicted],
        "Pod web-7d4b9-zz",
        expect![[r#"
        Pod web-7d4b9-zz                                                created 14:30:00.120Z
        replicaset-controller  replicaset.CreatePod  "1 of 3 replicas missing"         +19 ms
        somebody               deleted Pod web-7d4b9-k9                         14:30:00.101Z  verified
                               Event Evicted by tests: node had �[31mno memory
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_replica_set_of_a_hand_edited_deployment_names_the_edit() {
    let edited =
        mark("ReplicaSet web-7d4b9", 2, "deployment-controller deployment.CreateReplicaSet", "14:02:11.480")
            .subject("Deployment web", "u-d", 3)
            .because("no ReplicaSet has this template")
            .after_write(
                EventKind::Modified,
                "Deployment web",
                "kubectl-edit",
                "spec.template.spec.containers[app].env[MODE].value",
                "14:02:11.474",
            )
            .origin(
                Who::Manager("kubectl-edit".into()),
                Verb::Changed,
                "Deployment web",
                Some(3),
                "14:02:11.474",
            );
    let rs =
        object("ReplicaSet web-7d4b9", "u-rs", "14:02:11").owned_by("Deployment web", "u-d").stamped(&edited);
    let deployment = deployment().managed("kubectl-edit", "14:02:11", &["spec.template.spec.containers"]);
    check([rs, deployment], "ReplicaSet web-7d4b9", expect![[r#"
        ReplicaSet web-7d4b9                                                created 14:02:11.480Z, ready 0/1
        deployment-controller       deployment.CreateReplicaSet  "no ReplicaSet has this               +6 ms
                                                                 template"
        field manager kubectl-edit  changed Deployment web, generation 2 -> 3                  14:02:11.474Z  verified
                                    spec.template.spec.containers[app].env[MODE].value
    "#]]).await;
}

#[tokio::test]
async fn a_stale_stamp_is_told_as_older_and_the_new_write_as_unattributed() {
    let rs = replica_set().generation(3).stamped(&scaling());
    let scaled =
        || rs.clone().managed("kubectl-edit", "14:40:00", &["spec.replicas", "spec.minReadySeconds"]);
    check([scaled(), deployment()], "ReplicaSet web-7d4b9", expect![[r#"
        ReplicaSet web-7d4b9                                                    created 14:02:11Z, ready 0/3
        field manager kubectl-edit  changed ReplicaSet web-7d4b9, generation 2 -> 3                14:40:00Z  inferred
                                    owns spec.minReadySeconds, spec.replicas
                                    this write left no stamp
        before that, and not why it is so now:
        deployment-controller       deployment.ScaleReplicaSet  "rolling update: 3 wanted,             +6 ms
                                                                surge 1, new 1 of 3"
        field manager kubectl-set   changed Deployment web, generation 2 -> 3                  14:02:11.474Z  verified
                                    spec.template.spec.containers[app].image: registry.example/web:1 -> :2
    "#]]).await;
    let by_scale = rs.clone().managed("kubectl", "-", &["spec.replicas"]);
    check([by_scale, deployment()], "ReplicaSet web-7d4b9", expect![[r#"
        ReplicaSet web-7d4b9                                                    created 14:02:11Z, ready 0/3
        field manager kubectl      changed ReplicaSet web-7d4b9, generation 2 -> 3                            inferred
                                   owns spec.replicas
                                   this write left no stamp
        before that, and not why it is so now:
        deployment-controller      deployment.ScaleReplicaSet  "rolling update: 3 wanted,              +6 ms
                                                               surge 1, new 1 of 3"
        field manager kubectl-set  changed Deployment web, generation 2 -> 3                   14:02:11.474Z  verified
                                   spec.template.spec.containers[app].image: registry.example/web:1 -> :2
    "#]]).await;
}

#[tokio::test]
async fn a_stamp_copied_down_from_the_deployment_is_not_the_replica_sets() {
    let of_deployment =
        mark("Deployment web", 7, "hpa-controller hpa.Scale", "14:02:11.470").on_uid("u-d", 3);
    let rs = replica_set().stamped(&of_deployment);
    check(
        [rs, deployment()],
        "ReplicaSet web-7d4b9",
        expect![[r#"
            ReplicaSet web-7d4b9                                     created 14:02:11Z, ready 0/3
            field manager kontext      created ReplicaSet web-7d4b9 for Deployment web       <2 s  inferred
            field manager kubectl-set  changed Deployment web                           14:02:11Z  inferred
                                       owns spec.template.spec.containers[app].image
            note: a stamp that belongs to another object (its kind differs) is ignored
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_stamp_of_an_earlier_object_of_that_name_is_ignored() {
    let earlier = scaling().on_uid("u-earlier", 2);
    check([replica_set().stamped(&earlier), deployment()], "ReplicaSet web-7d4b9", expect![[r#"
        ReplicaSet web-7d4b9                                     created 14:02:11Z, ready 0/3
        field manager kontext      created ReplicaSet web-7d4b9 for Deployment web       <2 s  inferred
        field manager kubectl-set  changed Deployment web                           14:02:11Z  inferred
                                   owns spec.template.spec.containers[app].image
        note: a stamp that belongs to another object (its uid differs: an earlier object of that name, or an old stamp
        that came back) is ignored
    "#]]).await;
    // A replica set that was made again is not the one that the pod was created for.
    let again = object("ReplicaSet web-7d4b9", "u-again", "14:20:00");
    check(
        [pod().stamped(&creation()), again, deployment()],
        "Pod web-7d4b9-x2x8k",
        expect![[r#"
        Pod web-7d4b9-x2x8k                                        created 14:02:11.482Z, running
        replicaset-controller      replicaset.CreatePod  "1 of 3 replicas missing"          +1 ms
                                   deployment.ScaleReplicaSet                               +7 ms  claimed
        field manager kubectl-set  changed Deployment web, generation 2 -> 3        14:02:11.474Z  verified
    "#]],
    )
    .await;
}

#[tokio::test]
async fn objects_of_upstream_are_inferred_from_owners_and_managed_fields() {
    let upstream = "kube-controller-manager";
    let pod = object("Pod web-7d4b9-x2x8k", "u-p", "14:02:12")
        .owned_by("ReplicaSet web-7d4b9", "u-rs")
        .managed(upstream, "14:02:12", &["spec.containers", "metadata.ownerReferences"])
        .managed("kubelet", "14:02:15", &["status.phase"])
        .with(
            "status",
            json!({"phase": "Pending", "containerStatuses": [
            {"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}),
        );
    let rs = object("ReplicaSet web-7d4b9", "u-rs", "14:02:11")
        .generation(2)
        .owned_by("Deployment web", "u-d")
        .managed(upstream, "14:02:12", &["spec.replicas", "spec.template"]);
    check([pod, rs, deployment()], "Pod web-7d4b9-x2x8k", expect![[r#"
        Pod web-7d4b9-x2x8k                                    created 14:02:12Z, pending (ImagePullBackOff)
        field manager kube-controller-manager  created Pod web-7d4b9-x2x8k for ReplicaSet               <2 s  inferred
                                               web-7d4b9
        field manager kube-controller-manager  created ReplicaSet web-7d4b9 for Deployment web          <2 s  inferred
        field manager kubectl-set              changed Deployment web                              14:02:11Z  inferred
                                               owns spec.template.spec.containers[app].image
    "#]]).await;
    check(
        [deployment()],
        "Deployment web",
        expect![[r#"
            Deployment web                                    created 13:00:00Z, ready 3/3
            field manager kubectl-set     changed Deployment web, generation 3  ~1 h 2 min  inferred
                                          owns spec.template.spec.containers[app].image
            field manager kubectl-create  created Deployment web                 13:00:00Z  inferred
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_later_change_of_the_owner_is_not_blamed() {
    let pod = object("Pod web-7d4b9-old", "u-o", "13:30:00")
        .owned_by("ReplicaSet web-7d4b9", "u-rs")
        .managed("kube-controller-manager", "13:30:00", &["spec.containers"]);
    let rs = object("ReplicaSet web-7d4b9", "u-rs", "13:00:00")
        .generation(2)
        .owned_by("Deployment web", "u-d")
        .managed("kontext", "14:02:11", &["spec.replicas"])
        .stamped(&scaling());
    check([pod, rs, deployment()], "Pod web-7d4b9-old", expect![[r#"
        Pod web-7d4b9-old                                                                  created 13:30:00Z
        field manager kube-controller-manager  created Pod web-7d4b9-old for ReplicaSet          ~30 min 0 s  inferred
                                               web-7d4b9
        field manager kubectl-create           created Deployment web                              13:00:00Z  inferred
        note: who changed ReplicaSet web-7d4b9 before is not known: managedFields keeps one time of each manager, the
        last
    "#]]).await;
}

#[tokio::test]
async fn terminal_escapes_of_forged_annotations_and_managers_do_not_pass() {
    let keys = Keys::default();
    let forged = creation().text().replace("1 of 3 replicas missing", r"\u001b]0;owned\u0007 \u202e");
    let pod = pod().annotated(&keys.cause, &forged).annotated(&keys.traceparent, "00-\u{1b}[2J-bad").managed(
        "kon\u{1b}[31mtext",
        "14:02:11",
        &["spec.x\u{1b}[0m"],
    );
    let chain = chain(&Fake::of([pod.clone()]), "Pod web-7d4b9-x2x8k").await;
    let json = crate::render::json(&chain).expect("JSON");
    let text = told(&Fake::of([pod.clone()]), "Pod web-7d4b9-x2x8k").await;
    for text in [&json, &text] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
    let broken = pod.annotated(&keys.cause, "{\"v\":1,\"on\":\"\u{1b}[31m\u{202e}\"}");
    check([broken], "Pod web-7d4b9-x2x8k", expect![[r#"
        Pod web-7d4b9-x2x8k                                              created 14:02:11Z, running
        field manager kon�[31mtext  created Pod web-7d4b9-x2x8k for ReplicaSet web-7d4b9  14:02:11Z  inferred
        note: a broken stamp is ignored: a stamp is a JSON object of version 1: control character (\u0000-\u001F)
        found while parsing a string at line 1 column 14
        note: its owner ReplicaSet web-7d4b9 is gone or may not be read
    "#]]).await;
}

#[tokio::test]
async fn a_stamp_without_room_for_causes_goes_on_at_the_wish_or_ends_at_the_origin() {
    let mut truncated = creation();
    truncated.stamp.causes.clear();
    truncated.stamp.more_causes = 7;
    let pod = pod().stamped(&truncated);
    check([pod.clone(), replica_set().stamped(&scaling()), deployment()], "Pod web-7d4b9-x2x8k", expect![[r#"
        Pod web-7d4b9-x2x8k                                                   created 14:02:11.482Z, running
        replicaset-controller      replicaset.CreatePod        "1 of 3 replicas missing"               +2 ms
                                   7 causes had no room in the stamp
        deployment-controller      deployment.ScaleReplicaSet  "rolling update: 3 wanted,              +6 ms  verified
                                                               surge 1, new 1 of 3"
        field manager kubectl-set  changed Deployment web, generation 2 -> 3                   14:02:11.474Z  verified
                                   spec.template.spec.containers[app].image: registry.example/web:1 -> :2
    "#]]).await;
    check(
        [pod, deployment()],
        "Pod web-7d4b9-x2x8k",
        expect![[r#"
            Pod web-7d4b9-x2x8k                                        created 14:02:11.482Z, running
            replicaset-controller      replicaset.CreatePod  "1 of 3 replicas missing"          +8 ms
                                       7 causes had no room in the stamp
            field manager kubectl-set  changed Deployment web, generation 2 -> 3        14:02:11.474Z  verified
                                       1 step between is not known
        "#]],
    )
    .await;
    truncated.stamp.origin = None;
    let bare = object("Pod web-7d4b9-x2x8k", "u-p", "14:02:11").stamped(&truncated);
    check(
        [bare],
        "Pod web-7d4b9-x2x8k",
        expect![[r#"
        Pod web-7d4b9-x2x8k                                             created 14:02:11.482Z
        replicaset-controller  replicaset.CreatePod  "1 of 3 replicas missing"  14:02:11.482Z
                               7 causes had no room in the stamp
        note: the stamp does not tell where the chain began
    "#]],
    )
    .await;
}

#[tokio::test]
async fn an_overwritten_stamp_is_recovered_from_the_event_of_its_action() {
    let overwritten = replica_set().generation(3).stamped(
        &mark("ReplicaSet web-7d4b9", 6, "deployment-controller deployment.ScaleReplicaSet", "14:20:00.000")
            .on_uid("u-rs", 3),
    );
    let mut of_event = scaling();
    of_event.stamp.on.kind = "Event".into();
    of_event.stamp.on.name = kontext_core::Name::Exact("web.1".into());
    of_event.stamp.on.uid = None;
    of_event.stamp.generation = None;
    let scaled =
        event("web.1", "Deployment web", "ScalingReplicaSet", "Scaled up web-7d4b9 to 3", "14:02:11");
    let pod = || pod().stamped(&creation());
    check(
        [pod(), overwritten.clone(), deployment(), scaled.clone().stamped(&of_event)],
        "Pod web-7d4b9-x2x8k",
        expect![[r#"
            Pod web-7d4b9-x2x8k                                                   created 14:02:11.482Z, running
            replicaset-controller      replicaset.CreatePod        "1 of 3 replicas missing"               +2 ms
            deployment-controller      deployment.ScaleReplicaSet  "rolling update: 3 wanted,              +6 ms
                                                                   surge 1, new 1 of 3"
            field manager kubectl-set  changed Deployment web, generation 2 -> 3                   14:02:11.474Z  verified
                                       spec.template.spec.containers[app].image: registry.example/web:1 -> :2
        "#]],
    )
    .await;
    // Another action of the same reconcile knows the causes, not the reason.
    of_event.stamp.action = "deployment.CreateReplicaSet".into();
    check(
        [pod(), overwritten.clone(), deployment(), scaled.stamped(&of_event)],
        "Pod web-7d4b9-x2x8k",
        expect![[r#"
            Pod web-7d4b9-x2x8k                                        created 14:02:11.482Z, running
            replicaset-controller      replicaset.CreatePod  "1 of 3 replicas missing"          +2 ms
            deployment-controller      deployment.ScaleReplicaSet                               +6 ms  claimed
            field manager kubectl-set  changed Deployment web, generation 2 -> 3        14:02:11.474Z  verified
                                       spec.template.spec.containers[app].image: registry.example/web:1 -> :2
        "#]],
    )
    .await;
    // Without the Event, only the pod's own stamp tells of it.
    check(
        [pod(), overwritten, deployment()],
        "Pod web-7d4b9-x2x8k",
        expect![[r#"
        Pod web-7d4b9-x2x8k                                        created 14:02:11.482Z, running
        replicaset-controller      replicaset.CreatePod  "1 of 3 replicas missing"          +1 ms
                                   deployment.ScaleReplicaSet                               +7 ms  claimed
        field manager kubectl-set  changed Deployment web, generation 2 -> 3        14:02:11.474Z  verified
    "#]],
    )
    .await;
}

#[tokio::test]
async fn progress_is_the_occasion_and_the_wish_the_reason() {
    let mut next = creation();
    next.stamp.causes.clear();
    let next = next
        .after_write(
            EventKind::Modified,
            "Pod web-7d4b9-a",
            "kubelet",
            "status.phase: Pending -> Running",
            "14:02:11.481",
        )
        .after(EventKind::Timer, "ReplicaSet web-7d4b9", "14:02:11.481");
    let objects = [pod().stamped(&next), replica_set().stamped(&scaling()), deployment()];
    check(objects, "Pod web-7d4b9-x2x8k", expect![[r#"
        Pod web-7d4b9-x2x8k                                                   created 14:02:11.482Z, running
        replicaset-controller      replicaset.CreatePod        "1 of 3 replicas missing"               +2 ms
                                   when Pod web-7d4b9-a was modified by field manager kubelet: status.phase: Pending
                                   -> Running
                                   and 1 more cause
        deployment-controller      deployment.ScaleReplicaSet  "rolling update: 3 wanted,              +6 ms  verified
                                                               surge 1, new 1 of 3"
        field manager kubectl-set  changed Deployment web, generation 2 -> 3                   14:02:11.474Z  verified
                                   spec.template.spec.containers[app].image: registry.example/web:1 -> :2
    "#]]).await;
}

#[tokio::test]
async fn a_cause_of_another_chain_is_not_followed() {
    // The scaling in the pod's stamp began elsewhere than the pod's stamp says its chain began.
    let other = scaling().origin(
        Who::Manager("kubectl-scale".into()),
        Verb::Changed,
        "Deployment web",
        Some(2),
        "14:00:00.000",
    );
    let objects = [pod().stamped(&creation()), replica_set().stamped(&other), deployment()];
    check(
        objects,
        "Pod web-7d4b9-x2x8k",
        expect![[r#"
            Pod web-7d4b9-x2x8k                                        created 14:02:11.482Z, running
            replicaset-controller      replicaset.CreatePod  "1 of 3 replicas missing"          +8 ms
                                       when ReplicaSet web-7d4b9 was modified by deployment.ScaleReplicaSet
            field manager kubectl-set  changed Deployment web, generation 2 -> 3        14:02:11.474Z  verified
                                       1 step between is not known
        "#]],
    )
    .await;
}

#[tokio::test]
async fn two_controllers_that_answer_each_other_are_cut_and_told() {
    let answer = |number: u8, name: &str, other: u8, of: &str| {
        mark(&format!("ConfigMap {name}"), number, "fighter fight.Back", "14:02:11.000")
            .on_uid(&format!("u-{name}"), 1)
            .subject("ConfigMap a", "u-a", 1)
            .because("the other one changed it")
            .after_action(
                EventKind::Modified,
                &format!("ConfigMap {of}"),
                other,
                "fight.Back",
                "14:02:11.000",
            )
            .origin(Who::Unknown, Verb::Found, "ConfigMap a", None, "14:00:00.000")
    };
    let objects = [
        object("ConfigMap a", "u-a", "13:00:00").stamped(&answer(1, "a", 2, "b")),
        object("ConfigMap b", "u-b", "13:00:00").stamped(&answer(2, "b", 1, "a")),
    ];
    check(
        objects,
        "ConfigMap a",
        expect![[r#"
        ConfigMap a                                    created 13:00:00Z
        fighter   fight.Back  "the other one changed it"           +0 ms
        fighter   fight.Back  "the other one changed it"     +2 min 11 s
                  when ConfigMap a was modified by fight.Back
        somebody  wrote ConfigMap a before it was watched  14:00:00.000Z  claimed
        note: the chain comes back to fight.Back of ConfigMap a: two controllers may be answering each other
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_long_chain_is_cut_and_says_so() {
    let link = |number: u8| {
        mark(&format!("ConfigMap c{number}"), number, "relay relay.Pass", "14:02:11.000")
            .on_uid(&format!("u-{number}"), 1)
            .subject("ConfigMap c", "u-c", 1)
            .after_action(
                EventKind::Modified,
                &format!("ConfigMap c{}", number + 1),
                number + 1,
                "relay.Pass",
                "14:02:11.000",
            )
    };
    let objects: Vec<Value> = (1..60)
        .map(|number| {
            object(&format!("ConfigMap c{number}"), &format!("u-{number}"), "13:00:00").stamped(&link(number))
        })
        .collect();
    let chain = chain(&Fake::of(objects), "ConfigMap c1").await;
    assert_eq!(chain.steps.len(), super::MAX_STEPS);
    assert_eq!(chain.notes, ["the chain is cut after 32 steps"]);
}

#[tokio::test]
async fn what_may_not_be_read_is_noted_and_the_chain_goes_on() {
    let mut cluster = Fake::of([pod().stamped(&creation()), replica_set().stamped(&scaling()), deployment()]);
    cluster.forbidden = vec!["ReplicaSet", "Event"];
    let text = told(&cluster, "Pod web-7d4b9-x2x8k").await;
    expect![[r#"
        Pod web-7d4b9-x2x8k                                        created 14:02:11.482Z, running
        replicaset-controller      replicaset.CreatePod  "1 of 3 replicas missing"          +1 ms
                                   deployment.ScaleReplicaSet                               +7 ms  claimed
        field manager kubectl-set  changed Deployment web, generation 2 -> 3        14:02:11.474Z  verified
        note: ReplicaSet web-7d4b9 was not read: no permission to get replicasets in namespace "default"
        note: Events were not read: no permission to get events in namespace "default"
    "#]]
    .assert_eq(&text);
}

#[tokio::test]
async fn a_forged_stamp_with_the_largest_numbers_is_told_without_panic() {
    let mut forged = creation().hops(u16::MAX);
    forged.stamp.more_causes = u64::MAX;
    forged.stamp.generation = Some(i64::MAX);
    forged.stamp.origin.as_mut().expect("an origin").object.generation = Some(i64::MIN);
    let text = forged.text();
    for clock in ["253402200000000", "-377705000000000", "0"] {
        let text =
            text.replace(&format!("\"t\":{}", forged.stamp.time.as_millisecond()), &format!("\"t\":{clock}"));
        assert!(text.contains(clock));
        let mut pod = pod().annotated(&Keys::default().cause, &text);
        pod["metadata"]["deletionTimestamp"] = "2026-03-01T14:50:00Z".into();
        for uid in [None, Some("u-p")] {
            let mut pod = pod.clone();
            if let Some(uid) = uid {
                // As an update, it is not held against the creation.
                let text =
                    text.replace("\"p\":\"web-7d4b9-\"", &format!("\"p\":\"web-7d4b9-\",\"u\":\"{uid}\""));
                pod = pod.annotated(&Keys::default().cause, &text);
            }
            let text = told(&Fake::of([pod, deployment()]), "Pod web-7d4b9-x2x8k").await;
            assert!(text.contains("deletion was asked for"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_cause_named_like_a_path_is_not_looked_up() {
    let mut forged = creation();
    forged.stamp.causes[0].name = "../../secrets/x".into();
    forged.stamp.subject = kontext_core::ObjectRef::new("Secret", Some("kube-system/.."), "a?b");
    let cluster = Fake::of([pod().stamped(&forged), deployment()]);
    chain(&cluster, "Pod web-7d4b9-x2x8k").await;
    assert_eq!(*cluster.asked.lock().expect("no panic while locked"), ["Pod", "Deployment"]);
}
