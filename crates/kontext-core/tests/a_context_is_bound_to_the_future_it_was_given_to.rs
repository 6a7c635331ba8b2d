//! Two actions at a time in one task keep their own contexts; a plain spawn inherits nothing.

use std::{io::Error, sync::Arc};

use kontext_core::{Context, Controller, ObjectRef};
use tokio::task::yield_now;

fn context() -> Context {
    let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
    Context::builder(controller, ObjectRef::new("ReplicaSet", Some("shop"), "web")).build()
}

fn bound() -> Option<String> {
    let context = Context::try_current().ok()?;
    context.action().map(|action| action.name.to_string())
}

async fn look() -> Result<(Option<String>, Option<String>), Error> {
    let before = bound();
    yield_now().await;
    Ok((before, bound()))
}

#[tokio::test]
async fn joined_calls_do_not_swap_their_contexts() {
    for _ in 0..100 {
        let context = context();
        let subject = context.object().clone();
        let (create, delete) = (context.start(&subject, "x.Create"), context.start(&subject, "x.Delete"));
        let (created, deleted) = tokio::join!(create.call(look()), delete.call(look()));
        assert_eq!(created.expect("succeeds"), (Some("x.Create".into()), Some("x.Create".into())));
        assert_eq!(deleted.expect("succeeds"), (Some("x.Delete".into()), Some("x.Delete".into())));
    }
    assert_eq!(bound(), None);
}

#[tokio::test]
async fn a_plain_spawn_inherits_nothing_and_the_contexts_own_does() {
    let context = context();
    let subject = context.object().clone();
    let action = context.start(&subject, "x.Create");
    let names = action.context().scope(async {
        let plain = tokio::spawn(async { bound() }).await.expect("no panic");
        let own = Context::try_current().expect("bound").spawn(async { bound() }).await.expect("no panic");
        (plain, own)
    });
    assert_eq!(names.await, (None, Some("x.Create".into())));
}

#[tokio::test]
async fn what_is_started_later_is_a_child_of_the_same_trace() {
    let context = context();
    let subject = context.object().clone();
    let (first, second) = (context.start(&subject, "x.A"), context.start(&subject, "x.B"));
    let (a, b) = (first.context().traceparent(), second.context().traceparent());
    assert_eq!(a.trace_id, b.trace_id);
    assert_ne!(a.span_id, b.span_id);
}
