//! The annotation keys.

/// The annotation that holds the stamp.
const CAUSE: &str = "kontext.dev/cause";
/// Where KEP-5915 has the trace annotations.
const PREFIX: &str = "tracing.k8s.io/";

/// The annotation keys that kontext writes; none of them is content of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// `tracing.k8s.io/traceparent`.
    pub traceparent: Box<str>,
    /// `tracing.k8s.io/tracestate`.
    pub tracestate: Box<str>,
    /// `tracing.k8s.io/baggage`.
    pub baggage: Box<str>,
    /// `kontext.dev/cause`.
    pub cause: Box<str>,
}

impl Default for Keys {
    fn default() -> Self {
        Self::with_prefix(PREFIX)
    }
}

impl Keys {
    /// The keys with the trace annotations under `prefix`, which is used as it stands (`example.com/`).
    pub fn with_prefix(prefix: &str) -> Self {
        let key = |name: &str| format!("{prefix}{name}").into();
        Self {
            traceparent: key("traceparent"),
            tracestate: key("tracestate"),
            baggage: key("baggage"),
            cause: CAUSE.into(),
        }
    }

    /// All four.
    pub fn all(&self) -> [&str; 4] {
        [&self.traceparent, &self.tracestate, &self.baggage, &self.cause]
    }

    /// Whether kontext writes `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.all().contains(&key)
    }
}
