//! Who waits for whom, and in which context an Event is sent.

use std::sync::Arc;

use kontext::{Context, Controller, ObjectRef};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::{
    super::metrics::Outcome,
    context, created, drain,
    fake::{Answer, Fake},
    recorder, set,
};

#[tokio::test(start_paused = true)]
async fn the_events_of_an_object_keep_their_order_and_do_not_hold_up_those_of_others() {
    let fake = Fake::new(|request, number| match (&*request.object, number) {
        ("web", 0..3) => Answer::Fail,
        _ => Answer::Do,
    });
    let (recorder, task) = recorder(fake.clone());
    for pod in ["a", "b", "c"] {
        recorder.record(&context(), &set("web"), created(pod));
        recorder.record(&context(), &set("api"), created(pod));
    }
    drain(recorder, task).await;
    let of = |object: &str| -> Vec<(u64, String)> {
        let requests = fake.requests().into_iter().filter(|request| request.object == object);
        requests.map(|r| (r.at.as_secs(), r.body["message"].as_str().unwrap().to_owned())).collect()
    };
    let messages = |object: &str| of(object).into_iter().map(|(_, message)| message).collect::<Vec<_>>();
    let pod = |name: &str| format!("Created pod: {name}");
    assert_eq!(messages("api"), [pod("a"), pod("b"), pod("c")]);
    assert!(of("api").iter().all(|(second, _)| *second == 0));
    assert_eq!(messages("web"), [pod("a"), pod("a"), pod("a"), pod("a"), pod("b"), pod("c")]);
}

#[tokio::test(start_paused = true)]
async fn requests_without_answer_hold_up_others_for_a_bounded_time() {
    let fake = Fake::new(|request, _| if request.object == "last" { Answer::Do } else { Answer::Hang });
    let (recorder, task) = recorder(fake.clone());
    for number in 0..30 {
        recorder.record(&context(), &set(&format!("web-{number}")), created("a"));
    }
    recorder.record(&context(), &set("last"), created("a"));
    drain(recorder, task).await;
    let last = fake.requests().into_iter().find(|request| request.object == "last").unwrap();
    assert_eq!(last.at.as_secs(), 30, "after three rounds of eight");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_sent_in_the_context_it_was_recorded_in_even_when_that_has_ended() {
    let fake = Fake::answering(&[Answer::Fail, Answer::Do]);
    let (recorder, task) = recorder(fake.clone());
    let cancelled = CancellationToken::new();
    let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
    let object = ObjectRef::new("ReplicaSet", Some("shop"), "web");
    let context = Context::builder(controller, object.clone())
        .deadline(Instant::now() + Duration::from_secs(1))
        .cancellation(cancelled.clone())
        .build();
    let action = context.start(&object, "replicaset.CreatePod").because("1 of 3 replicas missing");
    recorder.record(action.context(), &set("web"), created("web-a"));
    action.end();
    cancelled.cancel();
    tokio::time::advance(Duration::from_secs(5)).await;
    let metrics = drain(recorder, task).await;
    assert_eq!(metrics.of(Outcome::Created), 1);
    let actions: Vec<_> = fake.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(actions, [Some("replicaset.CreatePod".to_owned()), Some("replicaset.CreatePod".to_owned())]);
}
