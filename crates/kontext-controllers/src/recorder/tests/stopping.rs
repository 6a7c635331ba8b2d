//! A stop: what was recorded is still sent, within a bound.

use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::{
    super::{Recorder, RecorderTask, metrics::Outcome},
    context, created,
    fake::{Answer, Fake},
    recorder, set,
};

/// Runs the task, stops it when `requests` have come, and tells how long it took to end.
async fn stopped(fake: &Fake, task: RecorderTask<Fake>, requests: usize) -> Duration {
    let stop = CancellationToken::new();
    let sending = tokio::spawn(task.run(stop.clone()));
    fake.came(requests).await;
    let began = Instant::now();
    stop.cancel();
    sending.await.unwrap();
    began.elapsed()
}

fn recorded(fake: &Fake, number: usize) -> (Recorder, RecorderTask<Fake>) {
    let (recorder, task) = recorder(fake.clone());
    for number in 0..number {
        recorder.record(&context(), &set(&format!("web-{}", number % 40)), created(&number.to_string()));
    }
    (recorder, task)
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_before_a_stop_is_still_sent() {
    let fake = Fake::new(|_, _| Answer::After(Duration::from_millis(100)));
    let (recorder, task) = recorded(&fake, 100);
    let took = stopped(&fake, task, 0).await;
    assert_eq!((fake.total(), recorder.metrics().of(Outcome::Created)), (100, 100));
    assert!(took < Duration::from_secs(2), "{took:?}");
    recorder.record(&context(), &set("web"), created("late"));
    assert_eq!(recorder.metrics().of(Outcome::Stopped), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_answers_holds_up_a_stop_for_five_seconds() {
    let fake = Fake::answering(&[Answer::Hang]);
    let (recorder, task) = recorded(&fake, 100);
    let took = stopped(&fake, task, 8).await;
    assert_eq!(took.as_secs(), 5);
    assert_eq!(recorder.metrics().of(Outcome::Stopped), 100);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_for_another_try_gets_it_at_the_stop() {
    let fake = Fake::answering(&[Answer::Fail, Answer::Do]);
    let (recorder, task) = recorded(&fake, 1);
    let took = stopped(&fake, task, 1).await;
    assert_eq!((fake.total(), recorder.metrics().of(Outcome::Created)), (1, 1));
    assert!(took < Duration::from_millis(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_does_not_hold_up_a_stop() {
    let fake = Fake::answering(&[Answer::Fail]);
    let (recorder, task) = recorded(&fake, 100);
    let took = stopped(&fake, task, 40).await;
    assert_eq!(recorder.metrics().of(Outcome::Stopped), 100);
    assert!(took < Duration::from_millis(10), "{took:?}");
}
