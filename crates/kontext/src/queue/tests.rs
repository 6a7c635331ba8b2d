use tokio::time::{advance, timeout};

use super::*;

fn queue() -> WorkQueue {
    WorkQueue::new(Limits::default(), QueueMetrics::default())
}

fn key(text: &str) -> Key {
    Arc::from(text)
}

fn changed(name: &str) -> Option<Cause> {
    Some(Cause {
        event: EventKind::Modified,
        object: Arc::new(ObjectRef::new("Pod", Some("a"), name)),
        attribution: Attribution::Unattributed(None),
        changes: Changes::default(),
        seen: Timestamp::UNIX_EPOCH,
        weight: Weight::Disturbance,
    })
}

fn events(taken: &Taken) -> Vec<(EventKind, String)> {
    taken.causes.iter().map(|cause| (cause.event, cause.object.name.to_string())).collect()
}

async fn take(queue: &WorkQueue) -> Taken {
    timeout(Duration::from_secs(3600), queue.take()).await.expect("a key is ready").expect("not shut down")
}

async fn nothing(queue: &WorkQueue) {
    assert!(timeout(Duration::from_millis(1), queue.take()).await.is_err(), "no key is ready");
}

#[tokio::test(start_paused = true)]
async fn adding_a_waiting_key_merges_its_causes() {
    let queue = queue();
    for name in ["x", "y", "z"] {
        queue.add(&key("a/b"), changed(name));
    }
    assert_eq!(queue.len(), 1);
    let taken = take(&queue).await;
    assert_eq!(events(&taken).len(), 3);
    queue.done(taken);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn any_number_of_changes_is_counted_exactly() {
    for number in [1, 2, 128, 10_000_u64] {
        let queue = queue();
        for _ in 0..number {
            queue.add(&key("a/b"), changed("x"));
        }
        let taken = take(&queue).await;
        assert_eq!(taken.causes.total(), number);
        assert_eq!(taken.causes.iter().count() as u64, number.min(128));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_added_while_processed_is_queued_again_when_done() {
    let queue = queue();
    queue.add(&key("a/b"), changed("x"));
    let taken = take(&queue).await;
    queue.add(&key("a/b"), changed("y"));
    nothing(&queue).await;
    queue.done(taken);
    let again = take(&queue).await;
    assert_eq!(events(&again), [(EventKind::Modified, "y".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_reconcile_gives_its_causes_back_and_adds_the_retry() {
    let queue = queue();
    queue.add(&key("a/b"), changed("x"));
    let taken = take(&queue).await;
    queue.add(&key("a/b"), changed("y"));
    queue.retry(taken);
    // y came meanwhile and does not wait for the limit; x is in front of it.
    let again = take(&queue).await;
    assert_eq!(events(&again), [(EventKind::Modified, "x".into()), (EventKind::Modified, "y".into())]);
    queue.retry(again);
    let third = take(&queue).await;
    let kinds: Vec<EventKind> = third.causes.iter().map(|cause| cause.event).collect();
    assert_eq!(kinds, [EventKind::Modified, EventKind::Modified, EventKind::Retry]);
    queue.done(third);
    assert_eq!(queue.failures(&key("a/b")), 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_waits_for_the_cache_keeps_its_causes_and_counts_no_failure() {
    let queue = queue();
    queue.add(&key("a/b"), changed("x"));
    let taken = take(&queue).await;
    queue.wait(taken, Duration::from_secs(1));
    assert_eq!(queue.failures(&key("a/b")), 0);
    nothing(&queue).await;
    queue.add(&key("a/b"), changed("y"));
    let again = take(&queue).await;
    assert_eq!(events(&again), [(EventKind::Modified, "x".into()), (EventKind::Modified, "y".into())]);
    queue.wait(again, Duration::from_secs(1));
    let at_latest = take(&queue).await;
    assert_eq!(at_latest.causes.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn of_several_delays_the_earliest_holds() {
    let queue = queue();
    let began = Instant::now();
    queue.add_after(&key("a/b"), Duration::from_secs(30));
    queue.add_after(&key("a/b"), Duration::from_secs(10));
    queue.add_after(&key("a/b"), Duration::from_secs(20));
    let taken = take(&queue).await;
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(taken.causes.iter().map(|cause| cause.event).collect::<Vec<_>>(), [EventKind::Timer]);
    queue.done(taken);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_nothing_adds_at_once() {
    let queue = queue();
    queue.add_after(&key("a/b"), Duration::ZERO);
    assert_eq!(queue.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_key_is_not_stuck() {
    let queue = queue();
    queue.add(&key("a/b"), None);
    drop(take(&queue).await);
    queue.add(&key("a/b"), None);
    assert_eq!(&*take(&queue).await.key, "a/b");
}

#[tokio::test(start_paused = true)]
async fn shutting_down_ends_every_waiting_worker() {
    let queue = queue();
    let workers: Vec<_> = (0..5)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.take().await.is_none() })
        })
        .collect();
    advance(Duration::from_secs(1)).await;
    queue.shut_down();
    for worker in workers {
        assert!(timeout(Duration::from_secs(1), worker).await.expect("ends").expect("no panic"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_cause_is_lost_or_doubled_and_no_key_is_processed_twice_at_a_time() {
    const KEYS: u64 = 7;
    const EVENTS: u64 = 4_000;
    let queue = queue();
    let busy: Arc<Mutex<std::collections::HashSet<Key>>> = Arc::default();
    let seen = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (queue, busy, seen) = (queue.clone(), busy.clone(), seen.clone());
            tokio::spawn(async move {
                while let Some(taken) = queue.take().await {
                    assert!(busy.lock().insert(taken.key.clone()), "{} is processed already", taken.key);
                    tokio::task::yield_now().await;
                    assert!(busy.lock().remove(&taken.key));
                    seen.fetch_add(taken.causes.total(), std::sync::atomic::Ordering::Relaxed);
                    queue.done(taken);
                }
            })
        })
        .collect();
    for event in 0..EVENTS {
        queue.add(&key(&format!("a/{}", event % KEYS)), changed("x"));
        if event % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    while !queue.is_idle() {
        tokio::task::yield_now().await;
    }
    queue.shut_down();
    for worker in workers {
        worker.await.expect("no panic");
    }
    assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), EVENTS);
}
