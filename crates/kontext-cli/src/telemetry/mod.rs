//! What the process tells of itself: log lines, and spans to an OTLP endpoint.

mod logs;
pub mod otlp;

use std::time::Duration;

use kontext::telemetry::log::{json_layer, text_layer};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

pub use logs::{Format, LogOptions};

/// How long the last spans may take to be sent.
const FLUSH: Duration = Duration::from_secs(5);

/// The telemetry of a process. End it with [`Running::flush`].
#[derive(Debug)]
pub struct Running {
    provider: Option<SdkTracerProvider>,
}

/// Sets up logs to stderr and, where the OTEL_* variables ask for it, the export of spans. Once a process.
///
/// # Errors
///
/// Where a variable or a flag has a value that does not work.
pub fn start(logs: &LogOptions, service: &str) -> anyhow::Result<Running> {
    subscribe(logs, logs.levels(), service)
}

/// The same without logs unless RUST_LOG asks for them: for commands that have a screen of their own.
///
/// # Errors
///
/// Where a variable has a value that does not work.
pub fn start_quiet(service: &str) -> anyhow::Result<Running> {
    subscribe(&LogOptions { format: Format::Text, verbosity: 0 }, "off", service)
}

fn subscribe(logs: &LogOptions, levels: &str, service: &str) -> anyhow::Result<Running> {
    let filter = logs::filter(levels, std::env::var("RUST_LOG").ok().as_deref())?;
    let settings = otlp::Settings::from_env(|name| std::env::var(name).ok())?;
    let provider = settings.as_ref().map(|_| otlp::provider(service)).transpose()?;
    // Spans that the exporter itself causes would be exported too; so only ours are.
    let ours = Targets::new().with_target("kontext", Level::INFO);
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("kontext")).with_filter(ours)
    });
    let (text, json) = match logs.format {
        Format::Text => (Some(text_layer(std::io::stderr)), None),
        Format::Json => (None, Some(json_layer(std::io::stderr))),
    };
    tracing_subscriber::registry()
        .with(spans)
        .with(text.with_filter(filter.clone()))
        .with(json.with_filter(filter))
        .try_init()?;
    if let Some(settings) = settings {
        tracing::info!(endpoint = settings.endpoint, "spans are exported");
    }
    Ok(Running { provider })
}

impl Running {
    /// Sends the spans that wait, within a bound.
    pub async fn flush(self) {
        let Some(provider) = self.provider else { return };
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH)).await;
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans could not be exported"),
            Err(error) => tracing::warn!(%error, "the last spans could not be exported"),
        }
    }
}
