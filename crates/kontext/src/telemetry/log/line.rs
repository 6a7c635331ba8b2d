//! What one line says.

use std::borrow::Cow;

use jiff::Timestamp;
use kontext_core::{Context, text::harmless};
use serde_json::{Value, json};
use tracing::Metadata;

use super::fields::Fields;

/// Keys that every line has; fields of these names are written as `field.NAME`.
const RESERVED: [&str; 4] = ["ts", "level", "logger", "msg"];

/// One line, before it is text.
pub(super) struct Line<'a> {
    pub(super) time: Timestamp,
    pub(super) level: &'static str,
    pub(super) logger: &'a str,
    pub(super) message: String,
    /// Each key once, in the order in which it first came.
    pub(super) fields: Vec<(Cow<'static, str>, Value)>,
}

impl<'a> Line<'a> {
    pub(super) fn new(time: Timestamp, metadata: &'a Metadata<'_>) -> Self {
        let level = match *metadata.level() {
            tracing::Level::ERROR => "error",
            tracing::Level::WARN => "warn",
            tracing::Level::INFO => "info",
            tracing::Level::DEBUG => "debug",
            tracing::Level::TRACE => "trace",
        };
        Self {
            time,
            level,
            logger: metadata.target(),
            message: String::new(),
            fields: Vec::with_capacity(12),
        }
    }

    fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let key = key.into();
        let key = if RESERVED.contains(&&*key) { format!("field.{key}").into() } else { key };
        let value = value.into();
        match self.fields.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = value,
            None => self.fields.push((key, value)),
        }
    }

    /// Takes over what the bound context knows.
    pub(super) fn bound(&mut self, context: &Context) {
        let (controller, object) = (context.controller(), context.object());
        self.set("controller", &*controller.name);
        self.set("controllerGroup", &*controller.group);
        self.set("controllerKind", &*controller.kind);
        self.object(&controller.kind, object.namespace.as_deref(), &object.name);
        self.set("reconcileID", context.reconcile_id());
        // Before there is a span, its ids may still change.
        if !context.span().is_none() {
            let traceparent = context.traceparent();
            self.set("trace_id", traceparent.trace_id.to_string());
            self.set("span_id", traceparent.span_id.to_string());
        }
        if let Some(action) = context.action() {
            self.set("action", &*action.name);
        }
    }

    /// The object under its kind, as controller-runtime and klog write it, and namespace and name on their own.
    fn object(&mut self, kind: &str, namespace: Option<&str>, name: &str) {
        let object = match namespace {
            Some(namespace) => json!({"name": name, "namespace": namespace}),
            None => json!({"name": name}),
        };
        self.set(kind.to_owned(), object);
        if let Some(namespace) = namespace {
            self.set("namespace", namespace);
        }
        self.set("name", name);
    }

    /// Takes over the fields of a span around the event; an inner span goes before an outer one.
    pub(super) fn span(&mut self, fields: &Fields) {
        for (key, value) in &fields.0 {
            if !is_internal(key) {
                self.set(*key, value.clone());
            }
            if let ("controllerKind", Some(kind), Some(name)) = (*key, value.as_str(), fields.find("name")) {
                self.object(kind, fields.find("namespace"), name);
            }
        }
    }

    /// Takes over the fields of the event itself.
    pub(super) fn event(&mut self, fields: Fields) {
        for (key, value) in fields.0 {
            match (key, value) {
                ("message", Value::String(message)) => self.message = message,
                (key, value) if !is_internal(key) => self.set(key, value),
                _ => {}
            }
        }
    }
}

/// Fields that are meant for exporters, not for readers of logs.
fn is_internal(key: &str) -> bool {
    ["otel.", "kontext.", "log."].iter().any(|prefix| key.starts_with(prefix))
}

/// `text` as a JSON string of one line in which nothing can steer a terminal.
pub(super) fn quoted(text: &str) -> String {
    escaped(serde_json::to_string(text).expect("a string is JSON"))
}

/// Text without raw controls below 0x20, with all other harmful characters as JSON escapes.
pub(super) fn escaped(text: String) -> String {
    if matches!(harmless(&text), Cow::Borrowed(_)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        let mut buffer = [0; 4];
        if matches!(harmless(character.encode_utf8(&mut buffer)), Cow::Borrowed(_)) {
            out.push(character);
        } else {
            // All harmful characters lie in the basic plane.
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
    }
    out
}
