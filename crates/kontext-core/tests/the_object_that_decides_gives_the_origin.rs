//! Of several causes of one reconcile, the one about the object that an action is decided by gives its origin.

use std::sync::Arc;

use jiff::Timestamp;
use kontext_core::{Attribution, Cause, Changes, Context, Controller, EventKind, ObjectRef, Weight, Writer};

fn cause(event: EventKind, object: &ObjectRef, manager: &str, weight: Weight) -> Cause {
    let writer = Writer {
        manager: manager.into(),
        operation: "Update".into(),
        subresource: None,
        time: None,
        owns_change: true,
    };
    Cause {
        event,
        object: Arc::new(object.clone()),
        attribution: Attribution::Unattributed(Some(writer)),
        changes: Changes::default(),
        seen: Timestamp::UNIX_EPOCH,
        weight,
    }
}

#[test]
fn a_pod_is_released_because_it_changed_and_another_is_created_because_of_the_wish() {
    let set = ObjectRef::new("ReplicaSet", Some("shop"), "web");
    let pod = ObjectRef::new("Pod", Some("shop"), "web-1");
    let causes = [
        cause(EventKind::Created, &set, "kubectl-create", Weight::Intent),
        cause(EventKind::Modified, &pod, "alice", Weight::Disturbance),
        cause(
            EventKind::Modified,
            &ObjectRef::new("Pod", Some("shop"), "web-2"),
            "kubelet",
            Weight::Progress,
        ),
    ];
    let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
    let context = Context::builder(controller, set.clone()).causes(causes.into_iter().collect()).build();
    let origin = |context: &Context| context.origin().expect("known").to_string();

    let released = context.start(&set, "replicaset.ReleasePod").decided_by(&pod);
    assert!(origin(released.context()).contains("alice changed Pod"), "{}", origin(released.context()));
    let created = context.start(&set, "replicaset.CreatePod");
    assert!(
        origin(created.context()).contains("kubectl-create created ReplicaSet"),
        "{}",
        origin(created.context())
    );
    // Mere progress of the object decides nothing.
    let other = context.start(&set, "replicaset.ReleasePod").decided_by(&ObjectRef::new(
        "Pod",
        Some("shop"),
        "web-2",
    ));
    assert!(origin(other.context()).contains("kubectl-create"), "{}", origin(other.context()));
}
