//! What the context tells the outside: OpenTelemetry spans, Prometheus metrics, log lines.
//!
//! ```no_run
//! use std::sync::Arc;
//! use kontext::telemetry::{Metrics, OtelSpans};
//!
//! let mut registry = prometheus_client::registry::Registry::default();
//! let metrics = Arc::new(Metrics::default());
//! metrics.register(&mut registry);
//! let telemetry = Arc::new(OtelSpans::new().with_metrics(metrics)); // for ContextBuilder::telemetry and the client
//! ```
//!
//! Spans go through `tracing`: what exports them is the subscriber's business. Install `tracing-opentelemetry`'s
//! layer, and links, parents and ids follow; without it the same spans are plain `tracing` spans.

pub mod log;
mod metrics;
mod spans;

pub use metrics::Metrics;
pub use spans::OtelSpans;
