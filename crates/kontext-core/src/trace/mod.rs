//! W3C Trace Context, level 2: ids, `traceparent`, `tracestate`.
//!
//! Parsing is strict, because annotations and headers are written by anybody: what is not exactly of the
//! form is refused with the reason, never repaired.

mod ids;
mod traceparent;
mod tracestate;

pub use ids::{SpanId, TraceId};
pub use traceparent::{TraceFlags, Traceparent, TraceparentError};
pub use tracestate::{Tracestate, TracestateError};
