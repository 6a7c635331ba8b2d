use std::{convert::Infallible, time::Duration};

use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use super::*;

/// A service that answers with the milliseconds since `start`.
fn clock(
    limit: &RateLimitLayer,
) -> impl Service<(), Response = u128, Error = Infallible, Future: Send> + Clone + Send + use<> {
    let start = Instant::now();
    limit.layer(service_fn(move |()| async move { Ok(start.elapsed().as_millis()) }))
}

#[tokio::test(start_paused = true)]
async fn requests_wait_in_the_order_in_which_they_came() {
    let service = clock(&RateLimitLayer::new(10.0, 1));
    let mut waiting = futures::stream::FuturesOrdered::new();
    (0..5).for_each(|_| waiting.push_back(service.clone().oneshot(())));
    let times: Vec<_> = futures::StreamExt::collect::<Vec<_>>(waiting).await;
    assert_eq!(times, [Ok(0), Ok(100), Ok(200), Ok(300), Ok(400)]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_gives_its_place_back() {
    let service = clock(&RateLimitLayer::new(1.0, 1));
    assert_eq!(service.clone().oneshot(()).await, Ok(0));
    let mut dropped: Vec<_> = (0..10).map(|_| tokio::spawn(service.clone().oneshot(()))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let last = tokio::spawn(service.clone().oneshot(()));
    dropped.drain(..).for_each(|request| request.abort());
    assert_eq!(last.await.expect("not aborted"), Ok(1000));
}

#[tokio::test(start_paused = true)]
async fn without_a_positive_rate_there_is_no_limit() {
    for qps in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let service = clock(&RateLimitLayer::new(qps, 1));
        for _ in 0..100 {
            assert_eq!(service.clone().oneshot(()).await, Ok(0), "{qps}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn clones_of_a_layer_share_one_budget() {
    let limit = RateLimitLayer::new(1.0, 1);
    let (one, two) = (clock(&limit), clock(&limit.clone()));
    assert_eq!((one.oneshot(()).await, two.oneshot(()).await), (Ok(0), Ok(1000)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_long_holds_nobody_up() {
    let slow = RateLimitLayer::new(1000.0, 10).layer(service_fn(|seconds: u64| async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok::<_, Infallible>(seconds)
    }));
    let watch = tokio::spawn(slow.clone().oneshot(1_000_000));
    tokio::task::yield_now().await;
    let start = Instant::now();
    assert_eq!(slow.oneshot(1).await, Ok(1));
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    watch.abort();
}
