//! The task that sends what was recorded: in order for each object, side by side for different ones.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
};

use futures::{StreamExt, stream::FuturesUnordered};
use kontext::Context;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Duration, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    correlator::{Correlator, Post},
    metrics::{Outcome, RecorderMetrics},
    posting::Poster,
    sink::{EventSink, KubeEventSink},
    subject::Identity,
    waiting::Waiting,
};

/// Requests under way at a time.
const REQUESTS: usize = 8;
/// How long Events are still sent after a stop.
const FLUSH: Duration = Duration::from_secs(5);

/// Sends what a [`Recorder`](super::Recorder) records.
#[must_use = "nothing is sent unless it runs"]
pub struct RecorderTask<S = KubeEventSink> {
    waiting: mpsc::UnboundedReceiver<Waiting>,
    correlator: Correlator,
    lanes: Lanes,
    poster: Arc<Poster<S>>,
    metrics: RecorderMetrics,
}

/// An Event on its way, with the place that it holds in the recorder's queue until it is done.
struct Parcel {
    context: Context,
    post: Post,
    _place: OwnedSemaphorePermit,
}

/// What waits behind an Event of the same object; an object without any under way has no entry.
type Lanes = HashMap<Arc<Identity>, VecDeque<Parcel>>;

impl<S: EventSink> RecorderTask<S> {
    pub(super) fn new(
        source: &str,
        sink: S,
        waiting: mpsc::UnboundedReceiver<Waiting>,
        metrics: RecorderMetrics,
    ) -> Self {
        Self {
            waiting,
            correlator: Correlator::new(source),
            lanes: Lanes::new(),
            poster: Arc::new(Poster {
                sink,
                requests: Semaphore::new(REQUESTS),
                stopping: CancellationToken::new(),
            }),
            metrics,
        }
    }

    /// Sends Events until `stop`, or until all recorders are dropped and all is sent.
    ///
    /// After `stop`, what was recorded so far is still sent, for at most 5 s and without pausing before another try.
    /// Stop it after the loops that record.
    pub async fn run(mut self, stop: CancellationToken) {
        let poster = self.poster.clone();
        let send = |(object, parcel)| send(poster.clone(), object, parcel);
        let mut under_way = FuturesUnordered::new();
        let mut open = true;
        while open || !under_way.is_empty() {
            tokio::select! {
                Some((object, outcome)) = under_way.next() => {
                    under_way.extend(self.done(object, outcome).map(&send));
                }
                waiting = self.waiting.recv(), if open => match waiting {
                    Some(waiting) => under_way.extend(self.accept(waiting).map(&send)),
                    None => open = false,
                },
                () = stop.cancelled() => break,
            }
        }
        self.poster.stopping.cancel();
        self.waiting.close();
        while let Ok(waiting) = self.waiting.try_recv() {
            under_way.extend(self.accept(waiting).map(&send));
        }
        let flushed = timeout(FLUSH, async {
            while let Some((object, outcome)) = under_way.next().await {
                under_way.extend(self.done(object, outcome).map(&send));
            }
        });
        if flushed.await.is_err() {
            let left = under_way.len() + self.lanes.values().map(VecDeque::len).sum::<usize>();
            self.metrics.add(Outcome::Stopped, left as u64);
            warn!(dropped = left, within = ?FLUSH, "Events could not be sent before the stop, dropped");
        }
    }

    /// What to send at once of something recorded.
    fn accept(&mut self, waiting: Waiting) -> Option<(Arc<Identity>, Parcel)> {
        let Waiting { context, occurrence, place } = waiting;
        let object = occurrence.about.identity();
        let Some(post) = self.correlator.observe(&object, &occurrence) else {
            self.metrics.count(Outcome::Suppressed);
            return None;
        };
        let parcel = Parcel { context, post, _place: place };
        match self.lanes.entry(object.clone()) {
            Entry::Occupied(lane) => {
                lane.into_mut().push_back(parcel);
                None
            }
            Entry::Vacant(lane) => {
                lane.insert(VecDeque::new());
                Some((object, parcel))
            }
        }
    }

    /// What to send after an Event of `object` is done.
    fn done(&mut self, object: Arc<Identity>, outcome: Outcome) -> Option<(Arc<Identity>, Parcel)> {
        self.metrics.count(outcome);
        match self.lanes.get_mut(&object).and_then(VecDeque::pop_front) {
            Some(parcel) => Some((object, parcel)),
            None => {
                self.lanes.remove(&object);
                None
            }
        }
    }
}

async fn send<S: EventSink>(
    poster: Arc<Poster<S>>,
    object: Arc<Identity>,
    parcel: Parcel,
) -> (Arc<Identity>, Outcome) {
    let outcome = poster.post(&parcel.context, &parcel.post).await;
    (object, outcome)
}
