use std::collections::VecDeque;

use kontext_core::{EventKind, PlainSpans};
use parking_lot::Mutex;
use tokio::{sync::mpsc, time::timeout};

use super::*;
use crate::queue::{Limits, QueueMetrics};

type Script = Mutex<VecDeque<Step>>;

struct Scripted {
    script: Script,
    told: mpsc::UnboundedSender<(String, Vec<EventKind>)>,
}

impl Reconciler for Scripted {
    type Error = String;

    async fn reconcile(&self, context: Context, key: &Key) -> Result<Next, String> {
        let kinds = context.causes().iter().map(|cause| cause.event).collect();
        self.told.send((key.to_string(), kinds)).expect("the test listens");
        let step = self.script.lock().pop_front();
        match step {
            Some(step) => step(context).await,
            None => Ok(Next::Done),
        }
    }

    fn object(&self, key: &str) -> ObjectRef {
        ObjectRef::new("Thing", None, key)
    }

    fn intent(&self, _: &str) -> Option<Intent> {
        None
    }
}

struct Running {
    queue: WorkQueue,
    told: mpsc::UnboundedReceiver<(String, Vec<EventKind>)>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

type Step = Box<dyn FnOnce(Context) -> futures::future::BoxFuture<'static, Result<Next, String>> + Send>;

fn step<F, Fut>(step: F) -> Step
where
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Next, String>> + Send + 'static,
{
    Box::new(|context| Box::pin(step(context)))
}

fn run(max_retries: Option<u32>, script: Vec<Step>) -> Running {
    let queue = WorkQueue::new(Limits::default(), QueueMetrics::default());
    let (sender, told) = mpsc::unbounded_channel();
    let runner = Runner {
        controller: Arc::new(Controller::new("thing-controller", "", "Thing")),
        queue: queue.clone(),
        workers: 2,
        max_retries,
        policy: Arc::default(),
        telemetry: Arc::new(PlainSpans),
        metrics: RunnerMetrics::default(),
        grace: Duration::from_secs(5),
    };
    let stop = CancellationToken::new();
    let task =
        tokio::spawn(runner.run(Scripted { script: Mutex::new(script.into()), told: sender }, stop.clone()));
    Running { queue, told, stop, task }
}

impl Running {
    async fn next(&mut self) -> Vec<EventKind> {
        timeout(Duration::from_secs(3600), self.told.recv()).await.expect("a reconcile").expect("runs").1
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_reconcile_is_retried_with_its_causes_and_the_retry() {
    let mut running =
        run(None, vec![step(|_| async { Err("no".into()) }), step(|_| async { panic!("on purpose") })]);
    running.queue.add(&Key::from("a"), None);
    assert_eq!(running.next().await, []);
    assert_eq!(running.next().await, [EventKind::Retry]);
    assert_eq!(running.next().await, [EventKind::Retry, EventKind::Retry]);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_given_up_after_its_retries_and_starts_afresh_with_the_next_event() {
    let failing = (0..4).map(|_| step(|_| async { Err("no".into()) })).collect();
    let mut running = run(Some(2), failing);
    running.queue.add(&Key::from("a"), None);
    for _ in 0..3 {
        running.next().await;
    }
    assert!(timeout(Duration::from_secs(3600), running.told.recv()).await.is_err(), "given up");
    running.queue.add(&Key::from("a"), None);
    assert_eq!(running.next().await, []);
    assert_eq!(running.next().await, [EventKind::Retry]);
}

#[tokio::test(start_paused = true)]
async fn a_look_asked_for_later_is_a_timer() {
    let mut running = run(None, vec![step(|_| async { Ok(Next::After(Duration::from_secs(60))) })]);
    running.queue.add(&Key::from("a"), None);
    running.next().await;
    let began = Instant::now();
    assert_eq!(running.next().await, [EventKind::Timer]);
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_reconciles_finish_within_the_grace() {
    let finished = Arc::new(Mutex::new(false));
    let seen = finished.clone();
    let mut running = run(
        None,
        vec![step(move |_| async move {
            sleep(Duration::from_secs(3)).await;
            *seen.lock() = true;
            Ok(Next::Done)
        })],
    );
    running.queue.add(&Key::from("a"), None);
    running.next().await;
    running.stop.cancel();
    running.task.await.expect("no panic");
    assert!(*finished.lock());
}

#[tokio::test(start_paused = true)]
async fn a_stop_cancels_the_calls_that_outlast_the_grace() {
    let mut running = run(
        None,
        vec![step(|context| async move {
            let call = context.call(std::future::pending::<Result<(), String>>()).await;
            assert!(call.expect_err("cancelled").is_cancelled());
            Err("cancelled".into())
        })],
    );
    running.queue.add(&Key::from("a"), None);
    running.next().await;
    let began = Instant::now();
    running.stop.cancel();
    running.task.await.expect("no panic");
    assert_eq!(began.elapsed().as_secs(), 5);
}
