//! The body of an answer: passed on as it comes, and remembered where it is an object.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use super::known::Responses;
use crate::client::known::MAX_ANSWER;

pin_project_lite::pin_project! {
    /// The body of an answer that passed through the layer.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        memory: Option<Memory>,
    }
}

#[derive(Debug)]
struct Memory {
    responses: Arc<Responses>,
    frames: Vec<Bytes>,
    bytes: usize,
}

impl<B> ResponseBody<B> {
    pub(super) fn passed(inner: B) -> Self {
        Self { inner, memory: None }
    }

    pub(super) fn remembered(inner: B, responses: Arc<Responses>) -> Self {
        Self { inner, memory: Some(Memory { responses, frames: Vec::new(), bytes: 0 }) }
    }
}

impl Memory {
    fn finish(self) {
        let json = match <[Bytes; 1]>::try_from(self.frames) {
            // A frame is a slice of the connection's buffer, many times its size, and would keep all of it.
            Ok([whole]) => Bytes::copy_from_slice(&whole),
            Err(frames) => {
                let mut whole = BytesMut::with_capacity(self.bytes);
                frames.iter().for_each(|frame| whole.extend_from_slice(frame));
                whole.freeze()
            }
        };
        self.responses.record(json);
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        match (&frame, this.memory.as_mut()) {
            (Some(Ok(frame)), Some(memory)) => {
                if let Some(data) = frame.data_ref() {
                    memory.bytes += data.len();
                    memory.frames.push(data.clone());
                }
                if memory.bytes > MAX_ANSWER {
                    *this.memory = None;
                } else if this.inner.is_end_stream() {
                    // Some readers do not ask again after the last frame.
                    this.memory.take().into_iter().for_each(Memory::finish);
                }
            }
            (None, Some(_)) => this.memory.take().into_iter().for_each(Memory::finish),
            (Some(Err(_)), _) => *this.memory = None,
            (_, None) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
