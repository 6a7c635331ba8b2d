//! Building a client.

use std::sync::Arc;

use kontext_core::{Policy, Telemetry};
use kube::client::ClientBuilder;

use super::{ContextLayer, KnownObjects, Unbound};
use crate::rate_limit::RateLimitLayer;

/// Collects what a client with the context layer is made of.
#[must_use]
pub struct Builder {
    config: kube::Config,
    layer: ContextLayer,
    rate_limit: RateLimitLayer,
    http2: bool,
}

impl Builder {
    /// A client for the cluster of `config`, without limit.
    pub fn new(config: kube::Config, policy: Arc<Policy>) -> Self {
        Self {
            config,
            layer: ContextLayer::new(policy),
            rate_limit: RateLimitLayer::unlimited(),
            http2: false,
        }
    }

    /// Who counts.
    pub fn telemetry(mut self, telemetry: Arc<dyn Telemetry>) -> Self {
        self.layer = self.layer.telemetry(telemetry);
        self
    }

    /// Objects as they were read.
    pub fn known_objects(mut self, known: Arc<dyn KnownObjects>) -> Self {
        self.layer = self.layer.known_objects(known);
        self
    }

    /// Keeps answers of these resources only; see [`ContextLayer::answers_of`].
    pub fn answers_of(mut self, resources: &'static [&'static str]) -> Self {
        self.layer = self.layer.answers_of(resources);
        self
    }

    /// What becomes of requests without context.
    pub fn unbound(mut self, unbound: Unbound) -> Self {
        self.layer = self.layer.unbound(unbound);
        self
    }

    /// At most `burst` requests at once and `qps` a second in the long run; no limit where `qps` is not positive.
    /// Retries of kube's default stack are not counted again.
    pub fn rate_limit(mut self, qps: f32, burst: u32) -> Self {
        self.rate_limit = RateLimitLayer::new(qps, burst);
        self
    }

    /// Sends requests over one HTTP/2 connection, without kube's own retries: for loops that make many requests at a
    /// time and retry through their work queue. A configuration with a proxy keeps kube's stack. See
    /// [`transport`](crate::transport).
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// Where kube cannot make a client of the configuration.
    pub fn build(self) -> kube::Result<kube::Client> {
        if self.http2 && self.config.proxy_url.is_none() {
            let transport = crate::transport::http2(&self.config)?;
            return Ok(transport.with_layer(&self.rate_limit).with_layer(&self.layer).build());
        }
        Ok(ClientBuilder::try_from(self.config)?.with_layer(&self.rate_limit).with_layer(&self.layer).build())
    }
}
