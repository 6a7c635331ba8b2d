//! Watches: a cursor into the history of a kind, turned into a stream of events.
//!
//! A watcher holds no queue. It reads the next changes when the client takes the last ones, and where the history has
//! moved on too far meanwhile, it ends with `410 Expired`, as the real server's watchers do.

mod event;
mod options;
mod stream;
mod view;

use std::sync::Arc;

use futures::StreamExt;
use http::StatusCode;

use crate::body::Body;
use crate::error::ApiError;
use crate::service::read::Selection;
use crate::service::{Call, Reply, call};

pub(crate) use stream::DropSignal;

/// Starts a watch.
pub(crate) fn watch(call: &Call<'_>) -> Result<Reply, ApiError> {
    let options = options::Options::of(call)?;
    let selection = Selection::of(call)?;
    let encoder = event::Encoder::of(call)?;
    let watcher = stream::Watcher::start(Arc::clone(call.shared), call, options, selection, encoder)?;
    Ok(Reply {
        status: StatusCode::OK,
        content_type: call::JSON,
        body: Body::events(watcher.events().boxed()),
        changed: false,
        etag: None,
        retry_after: None,
        created: None,
    })
}
