//! The election with its requests, against a fake of one Lease and with tokio's time standing still.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use expect_test::expect;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::{Lost, Status, record};
use super::fake::{FakeLease, Mishap, name};

/// How many lead now, and how many at most.
#[derive(Default)]
struct Leaders {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Leads(Arc<Leaders>);

impl Drop for Leads {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Leaders {
    fn enter(self: &Arc<Self>) -> Leads {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Leads(self.clone())
    }
}

struct Running {
    stop: CancellationToken,
    status: tokio::sync::watch::Receiver<Status>,
    task: JoinHandle<Result<Option<()>, Lost>>,
}

/// A candidate whose work lasts until it is cancelled.
fn candidate(fake: &FakeLease, identity: &str, leaders: &Arc<Leaders>) -> Running {
    let election = fake.election(identity);
    let (stop, status, leaders) = (CancellationToken::new(), election.status(), leaders.clone());
    let task = tokio::spawn(election.run(stop.clone(), move |leading| async move {
        let _leads = leaders.enter();
        leading.cancelled().await;
    }));
    Running { stop, status, task }
}

impl Running {
    async fn until(&mut self, status: Status) {
        timeout(Duration::from_secs(60), self.status.wait_for(|now| *now == status))
            .await
            .unwrap_or_else(|_| panic!("never {status:?}"))
            .expect("the election lives");
    }
}

fn holder(fake: &FakeLease) -> Option<String> {
    fake.lease().and_then(|lease| record::holder(&lease).map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_and_the_second_stands_by() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    let mut a = candidate(&fake, "a", &leaders);
    a.until(Status::Leading).await;
    let mut b = candidate(&fake, "b", &leaders);
    b.until(Status::StandingBy { holder: Some("a".into()) }).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(*a.status.borrow(), Status::Leading);
    assert_eq!(leaders.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_over_with_the_next_look() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    let mut a = candidate(&fake, "a", &leaders);
    a.until(Status::Leading).await;
    let mut b = candidate(&fake, "b", &leaders);
    b.until(Status::StandingBy { holder: Some("a".into()) }).await;
    sleep(Duration::from_secs(30)).await;
    a.stop.cancel();
    let stopped = Instant::now();
    assert_eq!(a.task.await.expect("no panic"), Ok(Some(())));
    b.until(Status::Leading).await;
    assert!(stopped.elapsed() < Duration::from_millis(2500), "{:?}", stopped.elapsed());
    let spec = fake.lease().and_then(|lease| lease.spec).expect("a lease");
    assert_eq!(spec.lease_transitions, Some(1));
    assert_eq!(leaders.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_is_replaced_when_its_lease_has_expired() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    let mut a = candidate(&fake, "a", &leaders);
    a.until(Status::Leading).await;
    let mut b = candidate(&fake, "b", &leaders);
    b.until(Status::StandingBy { holder: Some("a".into()) }).await;
    sleep(Duration::from_secs(30)).await;
    a.task.abort();
    let killed = Instant::now();
    b.until(Status::Leading).await;
    let took = killed.elapsed();
    assert!(took > Duration::from_secs(12) && took < Duration::from_secs(20), "{took:?}");
    assert_eq!(leaders.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_without_server_stops_before_anybody_may_take_over() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    let mut a = candidate(&fake, "a", &leaders);
    a.until(Status::Leading).await;
    sleep(Duration::from_secs(7)).await;
    fake.down(true);
    let down = Instant::now();
    let lost = a.task.await.expect("no panic").expect_err("lost");
    assert!(matches!(&lost, Lost::NotRenewed { .. }), "{lost}");
    assert!(down.elapsed() <= Duration::from_secs(10), "{:?}", down.elapsed());
    assert_eq!(leaders.now.load(Ordering::SeqCst), 0);
    expect!["leader election lost: the lease kube-system/kontext could not be renewed for 10.0 s"]
        .assert_eq(&lost.to_string());
}

#[tokio::test(start_paused = true)]
async fn work_that_does_not_end_is_dropped_when_the_lease_expires() {
    let (fake, leaders) = (FakeLease::default(), Arc::<Leaders>::default());
    let election = fake.election("a");
    let mut status = election.status();
    let count = leaders.clone();
    let task = tokio::spawn(election.run(CancellationToken::new(), move |_| async move {
        let _leads = count.enter();
        std::future::pending::<()>().await;
    }));
    status.wait_for(|now| *now == Status::Leading).await.expect("it lives");
    fake.down(true);
    let down = Instant::now();
    assert!(matches!(task.await.expect("no panic"), Err(Lost::NotRenewed { .. })));
    assert_eq!(down.elapsed().as_secs(), 15);
    assert_eq!(leaders.now.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_leader_survives_errors_conflicts_and_hanging_requests_within_its_deadline() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    let mut a = candidate(&fake, "a", &leaders);
    a.until(Status::Leading).await;
    fake.log();
    fake.mishaps([Mishap::Refuse(500), Mishap::Refuse(409), Mishap::Refuse(429)]);
    sleep(Duration::from_secs(9)).await;
    assert_eq!(*a.status.borrow(), Status::Leading);
    expect![[r#"
        [
            "PUT 500",
            "GET 409",
            "GET 429",
            "GET 200",
            "PUT 200",
        ]
    "#]]
    .assert_debug_eq(&fake.log());
    fake.mishaps([Mishap::Hang { carried_out: true }, Mishap::Slow(Duration::from_secs(1))]);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(*a.status.borrow(), Status::Leading);
    // The PUT that hung was carried out, and nobody knows; the next one looks first.
    assert_eq!(fake.log()[..3], ["PUT 200", "GET 200", "PUT 200"]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_else_took_is_lost_at_once() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    let mut a = candidate(&fake, "a", &leaders);
    a.until(Status::Leading).await;
    fake.edit(|lease| {
        let spec = lease.as_mut().and_then(|lease| lease.spec.as_mut()).expect("a lease");
        spec.holder_identity = Some("usurper".into());
    });
    let taken = Instant::now();
    let lost = a.task.await.expect("no panic");
    assert_eq!(lost, Err(Lost::Taken { lease: name(), by: "usurper".into() }));
    assert!(taken.elapsed() <= Duration::from_secs(2));
    assert_eq!(holder(&fake).as_deref(), Some("usurper"), "another's lease is not released");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lease_is_created_again_by_its_leader() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    let mut a = candidate(&fake, "a", &leaders);
    a.until(Status::Leading).await;
    fake.edit(|lease| *lease = None);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(*a.status.borrow(), Status::Leading);
    assert_eq!(holder(&fake).as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn two_that_start_together_do_not_both_lead() {
    for _ in 0..50 {
        let (fake, leaders) = (FakeLease::default(), Arc::<Leaders>::default());
        fake.mishaps([Mishap::Slow(Duration::from_millis(3)), Mishap::Slow(Duration::from_millis(1))]);
        let (a, b) = (candidate(&fake, "a", &leaders), candidate(&fake, "b", &leaders));
        sleep(Duration::from_secs(120)).await;
        assert_eq!(leaders.now.load(Ordering::SeqCst), 1);
        assert_eq!(leaders.most.load(Ordering::SeqCst), 1);
        a.task.abort();
        b.task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_candidate_stopped_in_the_middle_of_its_first_write_leaves_no_lease_behind() {
    let (fake, leaders) = (FakeLease::default(), Arc::default());
    fake.mishaps([Mishap::Slow(Duration::ZERO), Mishap::Hang { carried_out: true }]);
    let a = candidate(&fake, "a", &leaders);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(holder(&fake).as_deref(), Some("a"));
    a.stop.cancel();
    assert_eq!(a.task.await.expect("no panic"), Ok(None));
    assert_eq!(holder(&fake), None);
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_by_itself_gives_the_lease_back_and_its_output() {
    let fake = FakeLease::default();
    let output = fake.election("a").run(CancellationToken::new(), |_| async { 7 }).await;
    assert_eq!(output, Ok(Some(7)));
    assert_eq!(holder(&fake), None);
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_renewed_while_stopped_work_finishes() {
    let fake = FakeLease::default();
    let stop = CancellationToken::new();
    stop_after(&stop, Duration::from_secs(5));
    let started = Instant::now();
    let output = fake
        .election("a")
        .run(stop, |leading| async move {
            leading.cancelled().await;
            sleep(Duration::from_secs(60)).await;
        })
        .await;
    assert_eq!(output, Ok(Some(())));
    assert_eq!(started.elapsed().as_secs(), 65);
}

fn stop_after(stop: &CancellationToken, delay: Duration) {
    let stop = stop.clone();
    tokio::spawn(async move {
        sleep(delay).await;
        stop.cancel();
    });
}

#[tokio::test(start_paused = true)]
async fn the_metrics_bear_client_gos_names() {
    let fake = FakeLease::default();
    let election = fake.election("a");
    let mut registry = prometheus_client::registry::Registry::default();
    election.register(&mut registry);
    let mut text = String::new();
    let registry = &registry;
    election
        .run(CancellationToken::new(), |_| async {
            prometheus_client::encoding::text::encode(&mut text, registry).expect("a String");
        })
        .await
        .expect("not lost");
    assert!(text.contains("leader_election_master_status{name=\"kontext\"} 1"), "{text}");
}
