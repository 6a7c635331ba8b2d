//! The headers of trace context that a request passes on to webhooks, as a server without tracing of its own does.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The most members, and the most bytes, of baggage that is passed on.
const BAGGAGE_MEMBERS: usize = 64;
const BAGGAGE_BYTES: usize = 8192;

/// `traceparent`, `tracestate` and `baggage` in the form that webhooks get. A traceparent with flags that the server
/// does not know (above `02`) is dropped with its tracestate; of the others the sampled bit is kept.
pub(super) fn headers(request: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let text = |name: &str| request.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let mut out = Vec::new();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.push((HeaderName::from_static(name), value));
        }
    };
    if let Some(parent) = text("traceparent").and_then(traceparent) {
        put("traceparent", &parent);
        if let Some(state) = text("tracestate").filter(|state| !state.is_empty()) {
            put("tracestate", state);
        }
    }
    if let Some(baggage) = text("baggage").filter(|baggage| !baggage.is_empty())
        && baggage.len() <= BAGGAGE_BYTES
        && baggage.split(',').count() <= BAGGAGE_MEMBERS
    {
        put("baggage", baggage);
    }
    out
}

fn traceparent(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let [version, trace, span, flags, rest @ ..] = parts.as_slice() else { return None };
    let valid = hex(version, 2)
        && *version != "ff"
        && (*version != "00" || rest.is_empty())
        && hex(trace, 32)
        && hex(span, 16)
        && hex(flags, 2)
        && trace.bytes().any(|b| b != b'0')
        && span.bytes().any(|b| b != b'0');
    let bits = u8::from_str_radix(flags, 16).ok()?;
    (valid && !(*version == "00" && bits > 2)).then(|| format!("00-{trace}-{span}-{:02x}", bits & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_beyond_two_drop_the_parent_and_two_loses_its_bit() {
        let with = |flags: &str| {
            traceparent(&format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}"))
        };
        assert!(with("01").is_some_and(|t| t.ends_with("-01")));
        assert!(with("02").is_some_and(|t| t.ends_with("-00")));
        assert_eq!(with("03"), None);
        assert_eq!(traceparent("00-00000000000000000000000000000000-b7ad6b7169203331-01"), None);
        assert_eq!(traceparent("nonsense"), None);
    }

    #[test]
    fn the_state_of_a_dropped_parent_is_dropped_and_baggage_stays() {
        let mut request = HeaderMap::new();
        request.insert(
            "traceparent",
            HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"),
        );
        request.insert("tracestate", HeaderValue::from_static("a=b"));
        request.insert("baggage", HeaderValue::from_static("k=v"));
        let names: Vec<String> = headers(&request).into_iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["baggage"]);
    }
}
