//! The recorder: sends the loops' Events to the API server, beside the loops and never in their way.
//!
//! ```text
//! Recorder::record -> queue (1000) -> correlator -> a lane per object -> EventSink -> API server
//! ```
//!
//! The behaviour is that of client-go's `tools/record`, and so are the Events: `core/v1`, counted up with patches.
//! What happens again raises the count of the Event that tells of it; what differs only in its message is combined from
//! the tenth on; one object gets no more than a burst of 25. Where the API server is away, an Event is tried 12 times.
//!
//! Unlike upstream, which sends one Event after the other, an Event that has to wait holds up only those of its own
//! object. An Event is sent within the context that it was recorded in, so that it carries that action's headers and,
//! when first created, its stamp; it is sent also when that context has ended by then.

mod correlator;
mod limits;
mod lru;
mod metrics;
mod posting;
mod sink;
mod subject;
mod task;
mod waiting;

use std::sync::Arc;

use jiff::Timestamp;
use kontext::Context;
use kube::Client;
use tokio::sync::{Semaphore, mpsc};
use tracing::{debug, warn};

pub use metrics::{RecorderMetricFamilies, RecorderMetrics};
pub use sink::{Created, EventSink, KubeEventSink, SinkError};
pub use subject::Subject;
pub use task::RecorderTask;

use crate::events::Event;
use metrics::Outcome;
use waiting::{Dropped, Occurrence, Waiting};

/// Events that wait, those under way among them; what comes beyond is dropped.
const CAPACITY: usize = 1000;

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Records Events of one source, such as `replicaset-controller`. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
    dropped: Arc<Dropped>,
    metrics: RecorderMetrics,
    clock: Clock,
}

impl Recorder {
    /// A recorder for the loop `source_component`, and the task that sends its Events to `sink`.
    ///
    /// The metrics are in nobody's registry; [`with_metrics`](Self::with_metrics) takes some that are.
    pub fn new<S: EventSink>(source_component: &str, sink: S) -> (Self, RecorderTask<S>) {
        Self::with_metrics(source_component, sink, RecorderMetrics::default())
    }

    /// A recorder whose Events are sent with `client`, with the source as field manager.
    pub fn for_client(source_component: &str, client: Client) -> (Self, RecorderTask) {
        Self::new(source_component, KubeEventSink::new(client, source_component))
    }

    /// A recorder that counts in `metrics`.
    pub fn with_metrics<S: EventSink>(
        source_component: &str,
        sink: S,
        metrics: RecorderMetrics,
    ) -> (Self, RecorderTask<S>) {
        Self::with_clock(source_component, sink, metrics, Arc::new(Timestamp::now))
    }

    fn with_clock<S: EventSink>(
        source_component: &str,
        sink: S,
        metrics: RecorderMetrics,
        clock: Clock,
    ) -> (Self, RecorderTask<S>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let task = RecorderTask::new(source_component, sink, waiting, metrics.clone());
        let room = Arc::new(Semaphore::new(CAPACITY));
        (Self { queue, room, dropped: Arc::default(), metrics, clock }, task)
    }

    /// Records an Event `about` an object, within `context`: best that of the action which the Event tells of.
    ///
    /// Neither waits nor fails. Where too many Events wait already, or the task has ended, it is dropped and counted.
    pub fn record(&self, context: &Context, about: &Subject, event: Event) {
        debug!(
            object = %about, r#type = event.severity.as_str(), reason = event.reason, message = event.message,
            "Event occurred"
        );
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            self.metrics.count(Outcome::QueueFull);
            if let Some(number) = self.dropped.one_more() {
                warn!(
                    dropped = number, object = %about, reason = event.reason,
                    "too many Events wait to be sent, dropped some"
                );
            }
            return;
        };
        let occurrence = Occurrence { about: about.clone(), event, at: (self.clock)() };
        if self.queue.send(Waiting { context: context.detached(), occurrence, place }).is_err() {
            self.metrics.count(Outcome::Stopped);
            debug!(object = %about, "the recorder has stopped, dropped an Event");
        }
    }

    /// How its Events ended.
    pub fn metrics(&self) -> &RecorderMetrics {
        &self.metrics
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("waiting", &(CAPACITY - self.room.available_permits()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
