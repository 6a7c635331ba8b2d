//! The layer.

use std::sync::Arc;

use tokio::sync::Mutex;
use tower::Layer;

use super::{RateLimit, bucket::Bucket};
use crate::client::shared::Shared;

/// A limit on requests; all services made by it and by its clones share one budget.
#[derive(Clone, Debug)]
pub struct RateLimitLayer {
    bucket: Option<Arc<Mutex<Bucket>>>,
}

impl RateLimitLayer {
    /// At most `burst` (at least 1) requests at once and `qps` a second in the long run; no limit where `qps` is not
    /// positive.
    pub fn new(qps: f32, burst: u32) -> Self {
        let limited = qps > 0.0 && qps.is_finite();
        Self { bucket: limited.then(|| Arc::new(Mutex::new(Bucket::new(f64::from(qps), burst.max(1))))) }
    }

    /// No limit.
    pub fn unlimited() -> Self {
        Self { bucket: None }
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit { inner: Shared::new(inner), bucket: self.bucket.clone() }
    }
}
