//! The core of kontext: what a controller's context is, and what of it is written where. No I/O.
//!
//! ```text
//! watch event -> Cause -> ledger (key: CauseSet) -> Context -> Action -> Policy: header? stamp? -> API server -> watch event
//! ```
//!
//! The KEP "Controller Context Propagation" sketches three functions. Here they are:
//!
//! | sketch | kontext |
//! |---|---|
//! | `contextutils.StartControllerContext(ctx, rs, "replicaset.CreatePod")` | [`Context::start`] |
//! | `wrapped.GetCtx()` | [`Action::context`]; or give the call to [`Action::call`], which binds it |
//! | `defer wrapped.endCtx()` | dropping the [`Action`], or [`Action::end`] |

mod action;
mod baggage;
mod cause;
mod change;
mod content;
mod context;
mod object;
mod origin;
mod policy;
mod stamp;
mod telemetry;
pub mod text;
mod trace;
mod writer;

pub use action::{Action, ActionFrame, CallError, Outcome};
pub use baggage::Baggage;
pub use cause::{Attribution, Cause, CauseSet, EventKind, MAX_KEPT, Observation, Observer, Weight};
pub use change::{Change, Changes, DiffOptions, FieldPath, MAX_SHOWN, Segment, between};
pub use content::{Fingerprint, content_hash};
pub use context::{Context, ContextBuilder, Controller, Intent, TryCurrentError};
pub use object::{ObjectRef, Subject};
pub use origin::{Origin, Verb, Who};
pub use policy::{
    Annotations, GenerationRule, Headers, Keys, Policy, Relation, Target, Unstamped, WriteKind,
};
pub use stamp::{Bearer, Copied, MAX_BYTES, Name, On, Stamp, StampCause, StampError, Stamped, Standing};
pub use telemetry::{Counted, OpenSpan, PlainSpans, ReconcileStart, Telemetry, action_span, reconcile_span};
pub use trace::{SpanId, TraceFlags, TraceId, Traceparent, TraceparentError, Tracestate, TracestateError};
pub use writer::{Writer, annotation_owners, writer_of};
