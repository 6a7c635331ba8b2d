//! Value, error, `?`, panic, dropped future, timeout, cancellation, plain end: one end each, with the right outcome.

use std::{
    future::pending,
    io::{Error, ErrorKind},
    sync::Arc,
    time::Duration,
};

use kontext_core::{
    CallError, Context, Controller, Counted, ObjectRef, OpenSpan, Outcome, ReconcileStart, Telemetry,
};
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Span;

#[derive(Default)]
struct Ends {
    reconciles: Mutex<u32>,
    outcomes: Mutex<Vec<Outcome>>,
}

impl Telemetry for Ends {
    fn open_reconcile(&self, _: ReconcileStart<'_>) -> OpenSpan {
        *self.reconciles.lock() += 1;
        OpenSpan { span: Span::none(), traceparent: None }
    }
    fn open_action(&self, _: &Span, _: &str, _: &ObjectRef) -> OpenSpan {
        OpenSpan { span: Span::none(), traceparent: None }
    }
    fn action_ended(&self, _: &Controller, _: &str, outcome: &Outcome, _: Duration) {
        self.outcomes.lock().push(outcome.clone());
    }
    fn count(&self, _: Counted, _: u64) {}
}

fn subject() -> ObjectRef {
    ObjectRef::new("ReplicaSet", Some("shop"), "web")
}

fn context(ends: &Arc<Ends>, cancellation: CancellationToken) -> Context {
    let controller = Arc::new(Controller::new("replicaset-controller", "apps", "ReplicaSet"));
    Context::builder(controller, subject()).telemetry(ends.clone()).cancellation(cancellation).build()
}

fn outcomes(ends: &Ends) -> Vec<&'static str> {
    ends.outcomes.lock().iter().map(Outcome::as_str).collect()
}

async fn check<F, Fut>(expected: &str, way: F)
where
    F: FnOnce(Context, CancellationToken) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let ends = Arc::new(Ends::default());
    let cancellation = CancellationToken::new();
    let context = context(&ends, cancellation.clone());
    let _ = tokio::spawn(async move { way(context, cancellation).await }).await;
    assert_eq!(outcomes(&ends), [expected]);
    assert_eq!(*ends.reconciles.lock(), 1);
}

async fn fails() -> Result<(), Error> {
    Err(Error::from(ErrorKind::ConnectionReset))
}

#[tokio::test]
async fn a_value() {
    check("completed", |context, _| async move {
        let action = context.start(&subject(), "replicaset.CreatePod").because("1 of 3 replicas missing");
        assert_eq!(action.call(async { Ok::<_, Error>(7) }).await.expect("succeeds"), 7);
    })
    .await;
}

#[tokio::test]
async fn an_error() {
    check("failed", |context, _| async move {
        let action = context.start(&subject(), "replicaset.CreatePod");
        assert!(matches!(action.call(fails()).await, Err(CallError::Call(_))));
    })
    .await;
}

#[tokio::test]
async fn the_question_mark_before_any_call() {
    async fn reconcile(context: Context) -> Result<(), Error> {
        let _action = context.start(&subject(), "replicaset.CreatePod");
        fails().await?;
        Ok(())
    }
    check("abandoned", |context, _| async move { assert!(reconcile(context).await.is_err()) }).await;
}

#[tokio::test]
async fn a_panic() {
    check("panicked", |context, _| async move {
        let action = context.start(&subject(), "replicaset.CreatePod");
        let _ = action.call(async { if true { panic!("on purpose") } else { fails().await } }).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future() {
    check("dropped", |context, _| async move {
        let action = context.start(&subject(), "replicaset.CreatePod");
        let call = action.call(pending::<Result<(), Error>>());
        assert!(timeout(Duration::from_millis(1), call).await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline() {
    check("timed_out", |context, _| async move {
        let context = context.with_timeout(Duration::from_secs(5));
        let action = context.start(&subject(), "replicaset.CreatePod");
        let error = action.call(pending::<Result<(), Error>>()).await.expect_err("too late");
        assert_eq!(error.to_string(), "replicaset.CreatePod for ReplicaSet shop/web: no answer within 5s");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_the_policy_where_there_is_no_deadline() {
    check("timed_out", |context, _| async move {
        let action = context.start(&subject(), "replicaset.CreatePod");
        assert!(
            action.call(pending::<Result<(), Error>>()).await.expect_err("too late").is_deadline_exceeded()
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancellation() {
    check("cancelled", |context, cancellation| async move {
        let action = context.start(&subject(), "replicaset.CreatePod");
        let call = action.call(pending::<Result<(), Error>>());
        let cancel = async {
            tokio::task::yield_now().await;
            cancellation.cancel();
        };
        let (result, ()) = tokio::join!(call, cancel);
        assert!(result.expect_err("cancelled").is_cancelled());
    })
    .await;
}

#[tokio::test]
async fn the_end() {
    check("completed", |context, _| async move { context.start(&subject(), "replicaset.CreatePod").end() })
        .await;
}

#[tokio::test]
async fn a_reconcile_without_an_action_opens_no_span() {
    let ends = Arc::new(Ends::default());
    let context = context(&ends, CancellationToken::new());
    context.call(async { Ok::<_, Error>(()) }).await.expect("succeeds");
    drop(context);
    assert_eq!((*ends.reconciles.lock(), outcomes(&ends).len()), (0, 0));
}

#[tokio::test]
async fn a_failed_reconcile_without_an_action_opens_one() {
    let ends = Arc::new(Ends::default());
    context(&ends, CancellationToken::new()).failed(&"the informer knows no such thing");
    assert_eq!(*ends.reconciles.lock(), 1);
}
