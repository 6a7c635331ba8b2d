//! Whatever happens, the counts add up.

use std::collections::HashMap;

use proptest::prelude::*;
use tokio::time::{Duration, advance};

use super::{
    super::{correlator::Correlator, metrics::Outcome, waiting::Occurrence},
    context, created,
    fake::{Answer, Fake},
    recorder, set,
};
use crate::{events::Event, fixtures::at};

/// Which object, which Event, which message, how long after the one before.
fn steps() -> impl Strategy<Value = Vec<(u8, u8, u8, u16)>> {
    let gap = prop_oneof![8 => Just(0), 4 => 0..90_u16, 1 => 0..1500_u16];
    prop::collection::vec((0..3_u8, 0..3_u8, 0..14_u8, gap), 0..300)
}

fn event(which: u8, message: u8) -> Event {
    match which {
        0 => Event::pod_created(&message.to_string()),
        1 => Event::pod_deleted(&message.to_string()),
        _ => Event::pod_not_created(&message.to_string()),
    }
}

proptest! {
    /// The server's counts lack only what was suppressed since an Event was written last.
    #[test]
    fn what_is_written_and_what_is_suppressed_is_what_was_observed(steps in steps()) {
        let mut correlator = Correlator::new("x");
        let mut server: HashMap<String, i32> = HashMap::new();
        let (mut now, mut suppressed) = (0, 0);
        for (object, which, message, gap) in &steps {
            now += i64::from(*gap);
            let about = set(&format!("web-{object}"));
            let occurrence = Occurrence { about: about.clone(), event: event(*which, *message), at: at(now) };
            let Some(post) = correlator.observe(&about.identity(), &occurrence) else {
                suppressed += 1;
                continue;
            };
            let count = i32::try_from(post.event["count"].as_i64().unwrap()).unwrap();
            let before = server.insert(post.name.to_string(), count);
            prop_assert!(before.is_none_or(|before| before < count), "a count only rises");
            prop_assert!(before.is_none() || post.patch.is_some(), "no Event is created twice");
        }
        let observed: i32 = correlator.counts().map(|(_, count)| count).sum();
        prop_assert_eq!(observed, i32::try_from(steps.len()).unwrap());
        let untold: i32 = correlator.counts().map(|(name, count)| count - server.get(name).unwrap_or(&0)).sum();
        prop_assert!(untold >= 0 && untold <= suppressed, "{untold} of {suppressed}");
        prop_assert_eq!(server.values().sum::<i32>() + untold, observed);
    }

}

proptest! {
    // Each case sends up to 300 Events over days of paused time.
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Every Event ends exactly once, and those that were written are on the server, whatever the server does.
    #[test]
    fn every_event_ends_once(
        steps in steps(),
        answers in prop::collection::vec(0..8_u8, 1..40),
        stopped in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let fake = Fake::new(move |_, number| match answers[number % answers.len()] {
                0 => Answer::Fail,
                1 => Answer::DoAndFail,
                2 => Answer::Hang,
                3 => Answer::Refuse,
                4 => Answer::After(Duration::from_secs(12)),
                5 => Answer::After(Duration::from_millis(30)),
                _ => Answer::Do,
            });
            let (recorder, task) = recorder(fake.clone());
            let metrics = recorder.metrics().clone();
            let stop = tokio_util::sync::CancellationToken::new();
            let sending = tokio::spawn(task.run(stop.clone()));
            for (object, which, message, gap) in &steps {
                advance(Duration::from_secs(u64::from(*gap))).await;
                recorder.record(&context(), &set(&format!("web-{object}")), event(*which, *message));
            }
            if stopped {
                stop.cancel();
            }
            drop(recorder);
            sending.await.unwrap();
            let of = |outcome| metrics.of(outcome);
            let sent = of(Outcome::Created) + of(Outcome::Counted);
            let lost = of(Outcome::Rejected) + of(Outcome::GivenUp) + of(Outcome::Stopped);
            let dropped = of(Outcome::QueueFull) + of(Outcome::Suppressed);
            assert_eq!(sent + lost + dropped + of(Outcome::NamespaceTerminating), steps.len() as u64);
            let total = fake.total();
            assert!(total <= steps.len() as u64, "nothing is counted twice");
            assert!(total >= sent, "what counts as sent is there");
            assert!(lost > 0 || dropped > 0 || total == steps.len() as u64);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn without_failures_the_server_shows_exactly_what_happened() {
    let fake = Fake::answering(&[Answer::Do]);
    let (recorder, task) = recorder(fake.clone());
    for number in 0..20_u8 {
        recorder.record(&context(), &set("web"), created(&(number % 12).to_string()));
    }
    let metrics = super::drain(recorder, task).await;
    assert_eq!(fake.total(), 20);
    assert_eq!((metrics.of(Outcome::Created), metrics.of(Outcome::Counted)), (10, 10));
}
