//! The headers of a request.

use http::{HeaderMap, HeaderName, HeaderValue};
use kontext_core::Headers;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
pub(super) const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// Adds `headers`; what the caller set stays, a `tracestate` with its `traceparent`.
pub(super) fn insert(map: &mut HeaderMap, headers: &Headers) {
    if !map.contains_key(TRACEPARENT) && !map.contains_key(TRACESTATE) {
        set(map, TRACEPARENT, &headers.traceparent);
        if let Some(tracestate) = &headers.tracestate {
            set(map, TRACESTATE, tracestate.as_str().as_bytes());
        }
    }
    if let Some(baggage) = headers.baggage.as_ref().filter(|_| !map.contains_key(BAGGAGE)) {
        set(map, BAGGAGE, baggage.to_string().as_bytes());
    }
    if let Some(audit_id) = headers.audit_id.as_ref().filter(|_| !map.contains_key(AUDIT_ID)) {
        set(map, AUDIT_ID, audit_id.as_bytes());
    }
}

/// The core lets no value pass that a header could not hold; should one come all the same, the request goes without.
fn set(map: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        map.insert(name, value);
    }
}
