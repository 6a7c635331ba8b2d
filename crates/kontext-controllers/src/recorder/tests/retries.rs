//! What each error means for an Event. Time is tokio's, paused.

use expect_test::expect;
use tokio::time::Duration;

use super::{
    super::metrics::Outcome,
    context, created, drain,
    fake::{Answer, Fake},
    recorder, set,
};
use crate::events::Event;

async fn one(answers: &'static [Answer]) -> (Fake, super::RecorderMetrics) {
    let fake = Fake::answering(answers);
    let (recorder, task) = recorder(fake.clone());
    recorder.record(&context(), &set("web"), created("web-a"));
    let metrics = drain(recorder, task).await;
    (fake, metrics)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_is_tried_twelve_times_with_pauses_of_ten_seconds() {
    let (fake, metrics) = one(&[Answer::Fail]).await;
    let times: Vec<_> = fake.requests().iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 12);
    assert!(times[1] < Duration::from_secs(10), "the first pause is a part of the full one");
    let pauses: Vec<_> = times[1..].windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(pauses, [10; 10]);
    assert_eq!(metrics.of(Outcome::GivenUp), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_sent_when_the_server_is_back() {
    let (fake, metrics) = one(&[Answer::Fail, Answer::Fail, Answer::Do]).await;
    assert_eq!((fake.requests().len(), fake.total(), metrics.of(Outcome::Created)), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_event_is_not_tried_again() {
    let (fake, metrics) = one(&[Answer::Refuse]).await;
    assert_eq!((fake.requests().len(), metrics.of(Outcome::Rejected)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_namespace_that_is_being_deleted_is_dropped() {
    let (fake, metrics) = one(&[Answer::Terminating]).await;
    assert_eq!((fake.requests().len(), metrics.of(Outcome::NamespaceTerminating)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_answer_is_given_up_after_ten_seconds_and_made_again() {
    let (fake, metrics) = one(&[Answer::Hang, Answer::Do]).await;
    let again = fake.requests()[1].at;
    assert!(again >= Duration::from_secs(10) && again < Duration::from_secs(20), "{again:?}");
    assert_eq!(metrics.of(Outcome::Created), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_counts_as_done_when_it_is_there_already() {
    let (fake, metrics) = one(&[Answer::DoAndFail, Answer::Do]).await;
    assert_eq!((fake.requests().len(), fake.total(), metrics.of(Outcome::Created)), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_expired_is_created_again_with_the_full_count() {
    let fake = Fake::answering(&[Answer::Do]);
    let (recorder, task) = recorder(fake.clone());
    let sending = tokio::spawn(task.run(Default::default()));
    let record = |event: Event| recorder.record(&context(), &set("web"), event);
    record(created("web-a"));
    record(created("web-a"));
    fake.came(2).await;
    fake.forget_all();
    tokio::time::advance(Duration::from_secs(3600)).await;
    record(created("web-a"));
    let metrics = recorder.metrics().clone();
    drop(recorder);
    sending.await.unwrap();
    expect![[r#"
        0.0    create web
        0.0    patch web
        3600.0 patch web
        3600.0 create web
    "#]]
    .assert_eq(&fake.log());
    let events = fake.events();
    let event = events.values().next().unwrap();
    assert_eq!(event["count"], 3);
    assert_eq!(event["firstTimestamp"], "2026-01-01T00:00:00Z");
    assert_eq!(event["lastTimestamp"], "2026-01-01T01:00:00Z");
    assert_eq!((metrics.of(Outcome::Created), metrics.of(Outcome::Counted)), (2, 1));
}
