//! Log lines with the keys of contextual logging, as JSON or as text.
//!
//! Every line says which controller reconciles what: from the context bound where it is written, and from the
//! spans around it. One event is one line, whatever its strings hold: what could break a line or steer a terminal
//! is escaped.
//!
//! ```no_run
//! use tracing_subscriber::prelude::*;
//!
//! tracing_subscriber::registry().with(kontext::telemetry::log::json_layer(std::io::stderr)).init();
//! ```

mod fields;
mod json;
mod line;
mod text;

use std::io::Write;

use jiff::Timestamp;
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

use fields::Fields;
use line::Line;

/// One JSON object a line: `ts`, `level`, `logger`, `msg`, then the context, then the fields of the event.
pub fn json_layer<W>(writer: W) -> LogLayer<W> {
    LogLayer { writer, write: json::write }
}

/// Lines for people: time, level, message, then `key=value`.
pub fn text_layer<W>(writer: W) -> LogLayer<W> {
    LogLayer { writer, write: text::write }
}

/// A `tracing` layer that writes one line for each event.
#[derive(Debug)]
pub struct LogLayer<W> {
    writer: W,
    write: fn(&Line<'_>) -> String,
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        // Another log layer may have been here.
        if extensions.get_mut::<Fields>().is_none() {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            extensions.insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::new(Timestamp::now(), event.metadata());
        if let Ok(bound) = kontext_core::Context::try_current() {
            line.bound(&bound);
        }
        for span in
            context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.span(fields);
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        line.event(fields);
        let mut text = (self.write)(&line);
        text.push('\n');
        // There is nowhere to report to that the log cannot be written.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests;
