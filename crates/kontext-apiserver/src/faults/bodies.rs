//! Answers that come late, in part, or not to their end.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};

use crate::body::{Body, Reset};

/// A stream of events that breaks after this many lines.
pub(super) fn reset_after(body: Body, lines: u64) -> Body {
    let events = match body.into_events() {
        Ok(events) => events,
        Err(body) => return body,
    };
    let cut = stream::unfold(Some((events, lines)), |state| async move {
        let (mut events, left) = state?;
        if left == 0 {
            return Some((Err(Reset), None));
        }
        let chunk = match events.next().await? {
            Ok(chunk) => chunk,
            Err(reset) => return Some((Err(reset), None)),
        };
        let (chunk, left) = first_lines(chunk, left);
        Some((Ok(chunk), Some((events, left))))
    });
    Body::events(cut.boxed())
}

/// As many whole lines of a chunk as may still pass, and how many may pass after it.
fn first_lines(mut chunk: Bytes, left: u64) -> (Bytes, u64) {
    let ends = chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let (mut passed, mut end) = (0, chunk.len());
    for at in ends {
        passed += 1;
        if passed == left {
            end = at;
            break;
        }
    }
    chunk.truncate(end);
    (chunk, left - passed)
}

/// A stream of events each of which comes later by this much.
pub(super) fn delayed(body: Body, delay: Duration) -> Body {
    match body.into_events() {
        Err(body) => body,
        Ok(events) => Body::events(
            events
                .then(move |event| async move {
                    tokio::time::sleep(delay).await;
                    event
                })
                .boxed(),
        ),
    }
}

/// The first half of an answer, and then a broken connection.
pub(super) fn truncated(body: Body) -> Body {
    match body.into_bytes() {
        Err(body) => body,
        Ok(bytes) => {
            let half = bytes.slice(..bytes.len() / 2);
            Body::events(stream::iter([Ok(half), Err(Reset)]).boxed())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_lines_pass_than_may() {
        let lines = Bytes::from_static(b"a\nb\nc\n");
        assert_eq!(first_lines(lines.clone(), 2), (Bytes::from_static(b"a\nb\n"), 0));
        assert_eq!(first_lines(lines.clone(), 3), (lines.clone(), 0));
        assert_eq!(first_lines(lines.clone(), 5), (lines, 2));
    }
}
