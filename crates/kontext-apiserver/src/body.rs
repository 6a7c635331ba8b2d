//! The body of an answer: bytes at once, or the events of a watch.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use futures::StreamExt;
use futures::stream::BoxStream;
use http_body::{Frame, SizeHint};

/// The connection was cut on purpose: a fault was injected.
#[derive(Debug, thiserror::Error)]
#[error("connection reset by peer (injected fault)")]
#[non_exhaustive]
pub struct Reset;

/// The body of an answer of the API server.
pub struct Body(Inner);

enum Inner {
    Full(Option<Bytes>),
    Events(BoxStream<'static, Result<Bytes, Reset>>),
}

impl Body {
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(Inner::Full((!bytes.is_empty()).then_some(bytes)))
    }

    /// The bytes of a body that is no stream.
    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Inner::Full(bytes) => bytes.as_ref(),
            Inner::Events(_) => None,
        }
    }

    pub(crate) fn events(events: BoxStream<'static, Result<Bytes, Reset>>) -> Self {
        Self(Inner::Events(events))
    }
}

/// Taking an answer apart; what is of the other kind comes back as it was.
impl Body {
    pub(crate) fn into_events(self) -> Result<BoxStream<'static, Result<Bytes, Reset>>, Self> {
        match self.0 {
            Inner::Events(events) => Ok(events),
            full @ Inner::Full(_) => Err(Self(full)),
        }
    }

    pub(crate) fn into_bytes(self) -> Result<Bytes, Self> {
        match self.0 {
            Inner::Full(bytes) => Ok(bytes.unwrap_or_default()),
            events @ Inner::Events(_) => Err(Self(events)),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Inner::Full(_) => "Body(full)",
            Inner::Events(_) => "Body(events)",
        })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        match &mut self.0 {
            Inner::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Inner::Events(events) => {
                events.poll_next_unpin(context).map(|next| next.map(|r| r.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Inner::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Inner::Events(_) => SizeHint::default(),
        }
    }
}
