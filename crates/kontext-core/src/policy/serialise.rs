//! What is serialised: headers of a request, annotations of a write.

use super::{Policy, Target, Unstamped};
use crate::{
    baggage::Baggage,
    cause::{Attribution, Cause},
    context::Context,
    stamp::{On, Stamp, StampCause},
    trace::Tracestate,
};

/// Causes told in one stamp at most; the encoder may have to tell fewer.
const MAX_STAMP_CAUSES: usize = 4;
/// Changed fields told of one cause at most.
const MAX_CAUSE_CHANGES: usize = 3;

/// The headers of one request.
#[derive(Clone, Debug)]
pub struct Headers {
    /// `traceparent`, flags 00 or 01.
    pub traceparent: [u8; 55],
    /// `tracestate`, never empty.
    pub tracestate: Option<Tracestate>,
    /// `baggage`, never empty.
    pub baggage: Option<Baggage>,
    /// `Audit-ID`: `<trace id>-<span id>-<number of the request>`, at most 64 characters.
    pub audit_id: Option<String>,
}

/// The annotations of one write: key and value, in the order in which they are written.
pub type Annotations = Vec<(Box<str>, String)>;

impl Policy {
    /// The headers of a request made in `context`; `None` where propagation is off.
    pub fn headers(&self, context: &Context) -> Option<Headers> {
        if !self.is_on() {
            return None;
        }
        let traceparent = context.traceparent();
        let audit_id = self.audit_id.then(|| {
            format!("{}-{}-{:x}", traceparent.trace_id, traceparent.span_id, context.next_request())
        });
        let baggage = context.baggage().allowed(&self.baggage_allowed);
        Some(Headers {
            traceparent: traceparent.to_header(),
            tracestate: context.tracestate().cloned(),
            baggage: (!baggage.is_empty()).then_some(baggage),
            audit_id,
        })
    }

    /// The annotations of a write made in `context` that changes content and passed [`may_stamp`](Self::may_stamp).
    ///
    /// `generation` is the one that the object gets by this write, `content` the hash of what it gets, for kinds
    /// without generation.
    ///
    /// # Errors
    ///
    /// The reason why it goes without a stamp; propagation never fails a write.
    pub fn annotations(
        &self,
        context: &Context,
        target: &Target<'_>,
        generation: Option<i64>,
        content: Option<u64>,
    ) -> Result<Annotations, Unstamped> {
        let stamp = self.stamp(context, target, generation, content)?;
        let text = stamp.encode().map_err(|_| Unstamped::TooLarge)?;
        let mut annotations = vec![
            (self.keys.traceparent.clone(), context.traceparent().to_annotation()),
            (self.keys.cause.clone(), text),
        ];
        if let Some(tracestate) = context.tracestate() {
            annotations.push((self.keys.tracestate.clone(), tracestate.to_string()));
        }
        let baggage = context.baggage().allowed(&self.baggage_allowed);
        if !baggage.is_empty() {
            annotations.push((self.keys.baggage.clone(), baggage.to_string()));
        }
        Ok(annotations)
    }

    fn stamp(
        &self,
        context: &Context,
        target: &Target<'_>,
        generation: Option<i64>,
        content: Option<u64>,
    ) -> Result<Stamp, Unstamped> {
        let action = context.action().ok_or(Unstamped::NoAction)?;
        let hops = context.hops();
        if hops > self.max_hops {
            return Err(Unstamped::TooManyHops);
        }
        let causes = context.causes();
        let told: Vec<StampCause> = causes
            .by_weight()
            .into_iter()
            .take(MAX_STAMP_CAUSES)
            .map(|cause| stamp_cause(cause, target.namespace))
            .collect();
        let mut subject = action.subject.clone();
        if subject.namespace.as_deref() == target.namespace {
            subject.namespace = None;
        }
        let mut origin = context.origin();
        if let Some(origin) = &mut origin
            && origin.object.namespace.as_deref() == target.namespace
        {
            origin.object.namespace = None;
        }
        Ok(Stamp {
            on: On {
                kind: target.kind.to_owned().into(),
                name: target.name.clone(),
                uid: target.uid.map(Into::into),
            },
            controller: context.controller().name.clone(),
            action: action.name.as_ref().into(),
            subject,
            reason: action.reason.as_ref().into(),
            more_causes: causes.total() - told.len() as u64,
            causes: told,
            origin,
            hops,
            generation,
            content,
            time: action.started,
            manager: target.manager.map(Into::into),
        })
    }
}

fn stamp_cause(cause: &Cause, namespace: Option<&str>) -> StampCause {
    let object = &cause.object;
    let name = match object.namespace.as_deref() {
        Some(other) if Some(other) != namespace => format!("{other}/{}", object.name).into(),
        _ => object.name.clone(),
    };
    let manager = match &cause.attribution {
        Attribution::Unattributed(Some(writer)) => Some(writer.manager.clone()),
        _ => None,
    };
    StampCause {
        event: cause.event,
        kind: object.kind.as_ref().into(),
        name,
        trace_id: cause.traceparent().map(|traceparent| traceparent.trace_id),
        action: cause.stamped().map(|stamped| stamped.stamp.action.clone()),
        manager,
        seen: cause.seen,
        changes: cause.changes.shown.iter().take(MAX_CAUSE_CHANGES).map(|c| c.to_string().into()).collect(),
    }
}
