//! Writing one Event: tries, pauses, and what each error means.

use std::future::Future;

use kontext::Context;
use tokio::{
    sync::Semaphore,
    time::{Duration, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, warn};

use super::{
    correlator::Post,
    metrics::Outcome,
    sink::{Created, EventSink, SinkError},
};

const TRIES: u32 = 12;
const PAUSE: Duration = Duration::from_secs(10);
/// How long one request may take, with the client's own retries.
const REQUEST: Duration = Duration::from_secs(10);

/// What every posting needs.
#[derive(Debug)]
pub(super) struct Poster<S> {
    pub(super) sink: S,
    /// Limits the requests under way; those that pause hold none.
    pub(super) requests: Semaphore,
    /// From then on there are no more pauses: whatever fails is given up.
    pub(super) stopping: CancellationToken,
}

impl<S: EventSink> Poster<S> {
    /// Writes an Event, however long that takes.
    pub(super) async fn post(&self, context: &Context, post: &Post) -> Outcome {
        let span = context.span();
        self.tries(context, post).instrument(span).await
    }

    async fn tries(&self, context: &Context, post: &Post) -> Outcome {
        let (namespace, name) = (&*post.namespace, &*post.name);
        let mut maybe_created = false;
        let mut tried = 0;
        loop {
            tried += 1;
            let last = tried == TRIES || self.stopping.is_cancelled();
            let error = match self.once(context, post).await {
                Ok((outcome, written)) => {
                    let resource_version = written.resource_version;
                    debug!(namespace, name, resource_version, ?outcome, "Event written");
                    return outcome;
                }
                Err(error) => error,
            };
            match error {
                // A try before this one did its work, and its answer was lost.
                SinkError::AlreadyExists if maybe_created => return Outcome::Created,
                SinkError::NamespaceTerminating => {
                    debug!(namespace, name, "Event dropped, the namespace is being deleted");
                    return Outcome::NamespaceTerminating;
                }
                SinkError::Transient(error) if last => {
                    let stopped = tried < TRIES;
                    warn!(namespace, name, tries = tried, stopped, %error, "Event could not be written, dropped");
                    return if stopped { Outcome::Stopped } else { Outcome::GivenUp };
                }
                SinkError::Transient(error) => {
                    debug!(namespace, name, tries = tried, %error, "Event could not be written, will be tried again");
                    maybe_created = true;
                }
                error => {
                    warn!(namespace, name, %error, "Event was rejected, dropped");
                    return Outcome::Rejected;
                }
            }
            tokio::select! {
                () = sleep(pause(name, tried)) => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    /// One try: a patch of what was created before, and a create where that is gone by now.
    async fn once(&self, context: &Context, post: &Post) -> Result<(Outcome, Created), SinkError> {
        let _request = self.requests.acquire().await.expect("invariant: the semaphore is never closed");
        if let Some(patch) = &post.patch {
            match bounded(self.sink.patch(context, &post.namespace, &post.name, patch)).await {
                Err(SinkError::NotFound(_)) => {}
                other => return Ok((Outcome::Counted, other?)),
            }
        }
        let created = bounded(self.sink.create(context, &post.namespace, &post.event)).await?;
        Ok((Outcome::Created, created))
    }
}

async fn bounded(request: impl Future<Output = Result<Created, SinkError>>) -> Result<Created, SinkError> {
    match timeout(REQUEST, request).await {
        Ok(answer) => answer,
        Err(_) => Err(SinkError::Transient(format!("no answer within {REQUEST:?}").into())),
    }
}

/// The pause after a try. The first is a part of the full one, so that not all clients of a server that comes back try
/// at the same time; the digits of an Event's name are as good as chance.
fn pause(name: &str, tried: u32) -> Duration {
    let digits = name.rsplit('.').next().and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match (tried, digits) {
        (1, Some(digits)) => PAUSE.mul_f64((digits / 1000 % 1000) as f64 / 1000.0),
        _ => PAUSE,
    }
}
