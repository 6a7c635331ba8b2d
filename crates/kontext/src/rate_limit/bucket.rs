//! The token bucket.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Fills with `qps` tokens a second up to `burst`; full at first.
#[derive(Debug)]
pub(crate) struct Bucket {
    qps: f64,
    burst: f64,
    tokens: f64,
    /// When `tokens` was true.
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(qps: f64, burst: u32) -> Self {
        let burst = f64::from(burst);
        Self { qps, burst, tokens: burst, at: Instant::now() }
    }

    /// Waits for one token and takes it. Dropped before, it takes none.
    pub(super) async fn take(&mut self) {
        while let Err(wait) = self.try_take(Instant::now()) {
            sleep_until(Instant::now() + wait).await;
        }
    }

    /// Takes a token, or says how long it will be until there is one.
    pub(crate) fn try_take(&mut self, now: Instant) -> Result<(), Duration> {
        let filled = now.duration_since(self.at).as_secs_f64() * self.qps;
        self.tokens = (self.tokens + filled).min(self.burst);
        self.at = now;
        // What rounding leaves out of a whole token is not worth another timer.
        const WHOLE: f64 = 1.0 - 1e-6;
        if self.tokens >= WHOLE {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::try_from_secs_f64((1.0 - self.tokens) / self.qps).unwrap_or(Duration::from_secs(3600)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut bucket = Bucket::new(2.0, 3);
        let start = Instant::now();
        for (request, expected) in [0, 0, 0, 500, 1000, 1500].into_iter().enumerate() {
            bucket.take().await;
            assert_eq!(start.elapsed().as_millis(), expected, "request {request}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_bucket_fills_up_to_its_burst_and_no_further() {
        let mut bucket = Bucket::new(1000.0, 2);
        bucket.take().await;
        bucket.take().await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let now = Instant::now();
        assert_eq!((bucket.try_take(now), bucket.try_take(now)), (Ok(()), Ok(())));
        assert_eq!(bucket.try_take(now), Err(Duration::from_millis(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_tiny_rate_does_not_overflow() {
        let mut bucket = Bucket::new(f64::from(f32::MIN_POSITIVE), 1);
        bucket.take().await;
        assert_eq!(bucket.try_take(Instant::now()), Err(Duration::from_secs(3600)));
    }
}
