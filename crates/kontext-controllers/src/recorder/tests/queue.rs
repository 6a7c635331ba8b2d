//! Recording never waits.

use tokio::time::Duration;

use super::{
    super::{CAPACITY, metrics::Outcome, waiting::Dropped},
    context, created, drain,
    fake::{Answer, Fake},
    recorder, set,
};

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_is_dropped_and_counted() {
    let fake = Fake::answering(&[Answer::Do]);
    let (recorder, task) = recorder(fake.clone());
    for number in 0..CAPACITY + 7 {
        recorder.record(&context(), &set(&format!("web-{number}")), created("a"));
    }
    let metrics = drain(recorder, task).await;
    assert_eq!((metrics.of(Outcome::Created), metrics.of(Outcome::QueueFull)), (CAPACITY as u64, 7));
    assert_eq!(fake.total(), CAPACITY as u64);
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_and_what_waits_behind_it_take_room() {
    let fake = Fake::answering(&[Answer::Fail]);
    let (recorder, task) = recorder(fake.clone());
    let stop = tokio_util::sync::CancellationToken::new();
    let sending = tokio::spawn(task.run(stop.clone()));
    for number in 0..CAPACITY {
        recorder.record(&context(), &set(&format!("web-{}", number / 2)), created(&number.to_string()));
    }
    fake.came(CAPACITY / 2).await;
    assert_eq!(format!("{recorder:?}"), "Recorder { waiting: 1000, .. }");
    recorder.record(&context(), &set("one-more"), created("a"));
    assert_eq!(recorder.metrics().of(Outcome::QueueFull), 1);
    stop.cancel();
    sending.await.unwrap();
    assert_eq!(recorder.metrics().of(Outcome::Stopped), CAPACITY as u64);
    assert_eq!(format!("{recorder:?}"), "Recorder { waiting: 0, .. }");
}

#[tokio::test(start_paused = true)]
async fn dropped_events_are_told_of_once_a_minute_with_their_number() {
    let dropped = Dropped::default();
    let mut told = vec![];
    for _ in 0..7 {
        told.push(dropped.one_more());
        tokio::time::advance(Duration::from_secs(20)).await;
    }
    assert_eq!(told, [Some(1), None, None, Some(3), None, None, Some(3)]);
}
