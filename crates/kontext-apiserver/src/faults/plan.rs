//! What one request meets with, before and after it is carried out.

use super::fault::Fault;
use super::{bodies, status};
use crate::body::Body;
use crate::record::RequestRecord;
use crate::server::Shared;
use crate::service::Reply;

/// What a broken proxy says in the place of JSON.
const PAGE: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/// The faults that strike one request, in the order of their rules, each with its `Retry-After`.
#[derive(Debug, Default)]
pub(crate) struct Plan(pub(super) Vec<(Fault, Option<u64>)>);

impl Plan {
    /// The faults' names, for the request log.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|(fault, _)| fault.to_string()).collect()
    }

    /// What comes before the request is carried out. An answer means that it is not; its flag says that the
    /// connection is cut.
    pub(crate) async fn before(&self, shared: &Shared, record: &RequestRecord) -> Option<(Reply, bool)> {
        for (fault, retry_after) in &self.0 {
            match fault {
                Fault::Delay(delay) => tokio::time::sleep(*delay).await,
                Fault::Status(code) => return Some((status::status(*code, *retry_after, record), false)),
                Fault::Answer(answer) => return Some((status::answer(answer, *retry_after), false)),
                Fault::ResetBeforeCommit => return Some((Reply::text(""), true)),
                Fault::DropWatches => shared.drop_watches_of(record),
                Fault::Compact => shared.store.compact(),
                _ => {}
            }
        }
        None
    }

    /// How many writes of its kind a read is behind.
    pub(crate) fn lag(&self) -> Option<u64> {
        self.0
            .iter()
            .filter_map(|(fault, _)| match fault {
                Fault::StaleRead(writes) => Some(*writes),
                _ => None,
            })
            .max()
    }

    /// What becomes of the answer; the flag says that the connection is cut.
    pub(crate) fn after(&self, mut reply: Reply, record: &RequestRecord) -> (Reply, bool) {
        let mut cut = false;
        for (fault, retry_after) in &self.0 {
            reply = match fault {
                Fault::CommitThenReset => {
                    cut = true;
                    reply
                }
                Fault::CommitThenStatus(code) => Reply {
                    changed: reply.changed,
                    created: reply.created,
                    ..status::status(*code, *retry_after, record)
                },
                Fault::ResetWatchAfter(events) => with_body(reply, |body| bodies::reset_after(body, *events)),
                Fault::DelayEvents(delay) => with_body(reply, |body| bodies::delayed(body, *delay)),
                Fault::TruncatedBody => with_body(reply, bodies::truncated),
                Fault::GarbageBody => with_body(reply, |_| Body::full(PAGE)),
                _ => reply,
            };
        }
        (reply, cut)
    }
}

fn with_body(mut reply: Reply, change: impl FnOnce(Body) -> Body) -> Reply {
    reply.body = change(reply.body);
    reply
}
