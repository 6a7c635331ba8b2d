//! The life of one watch.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::event::{self, Encoder};
use super::options::{Options, Start};
use super::view::view;
use crate::body::Reset;
use crate::error::ApiError;
use crate::kinds::{Resource, TableId};
use crate::server::Shared;
use crate::service::Call;
use crate::service::read::Selection;
use crate::store::{Change, ChangeKind, Expired, SnapshotError, Stored};

/// How many changes are read at once.
const BATCH: usize = 256;

/// How often a quiet watch hears where it stands.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// How long before its end a watch hears once more where it stands.
const LAST_BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);

/// Which watches shall not go on.
#[derive(Clone, Debug)]
pub(crate) enum DropSignal {
    /// Those of one resource (group and plural), or all, are cut where they are.
    Cut(Option<(String, String)>),
    /// Those of one resource end after what they have still to tell.
    End(String, String),
}

impl DropSignal {
    fn hits(&self, resource: &Resource) -> bool {
        let is = |group: &String, plural: &String| *group == resource.group && *plural == resource.plural;
        match self {
            Self::Cut(None) => true,
            Self::Cut(Some((group, plural))) | Self::End(group, plural) => is(group, plural),
        }
    }
}

/// What is to be sent next. Objects are written out when their turn comes, so that a slow client holds no bodies.
enum Ready {
    /// The object, and the version that it is shown at.
    Event(ChangeKind, Arc<Stored>, u64),
    Line(Bytes),
}

/// A watch between two events.
pub(super) struct Watcher {
    shared: Arc<Shared>,
    resource: Arc<Resource>,
    table: TableId,
    selection: Selection,
    encoder: Encoder,
    bookmarks: bool,
    /// Everything up to here was read.
    cursor: u64,
    ready: VecDeque<Ready>,
    changed: watch::Receiver<u64>,
    drops: broadcast::Receiver<DropSignal>,
    shutdown: CancellationToken,
    deadline: Instant,
    timeout: Pin<Box<Sleep>>,
    next_bookmark: Pin<Box<Sleep>>,
    /// The time for a bookmark has come; it is sent once everything before it is.
    bookmark_due: bool,
    ending: bool,
}

impl Watcher {
    pub(super) fn start(
        shared: Arc<Shared>,
        call: &Call<'_>,
        options: Options,
        selection: Selection,
        encoder: Encoder,
    ) -> Result<Self, ApiError> {
        let resource = call.target.resource.clone();
        let table = resource.table;
        let now = Instant::now();
        let deadline = now + options.timeout;
        let mut watcher = Self {
            changed: shared.store.subscribe(table),
            drops: shared.drops.subscribe(),
            shutdown: shared.shutdown.clone(),
            cursor: 0,
            ready: VecDeque::new(),
            bookmarks: options.bookmarks,
            deadline,
            timeout: Box::pin(sleep_until(deadline)),
            next_bookmark: Box::pin(sleep_until(next_bookmark(now, deadline))),
            bookmark_due: false,
            ending: false,
            shared,
            resource,
            table,
            selection,
            encoder,
        };
        match options.start {
            Start::Now => watcher.cursor = watcher.shared.store.revision(),
            Start::After(version) => {
                watcher.cursor = version;
                if let Err(expired) = watcher.shared.store.reaches(table, version) {
                    watcher.end_expired(&expired);
                }
            }
            Start::State { announce_end, at_least } => watcher.read_state(announce_end, at_least)?,
        }
        Ok(watcher)
    }

    fn read_state(&mut self, announce_end: bool, at_least: u64) -> Result<(), ApiError> {
        let current = self.shared.store.revision();
        if at_least > current {
            return Err(ApiError::too_large_resource_version(at_least, current));
        }
        let snapshot =
            self.shared.store.snapshot(self.table, self.selection.namespace(), None, None).map_err(
                |error| match error {
                    SnapshotError::Expired | SnapshotError::Future(_) => {
                        ApiError::internal("the current state is always there")
                    }
                },
            )?;
        for (key, stored) in &snapshot.objects {
            if self.selection.matches(key, stored) {
                self.ready.push_back(Ready::Event(ChangeKind::Added, stored.clone(), stored.revision()));
            }
        }
        if announce_end {
            self.ready.push_back(Ready::Line(self.encoder.bookmark(snapshot.revision, true)));
        }
        self.cursor = snapshot.revision;
        Ok(())
    }

    /// The events as they come.
    pub(super) fn events(self) -> impl Stream<Item = Result<Bytes, Reset>> + Send {
        futures::stream::unfold(Some(self), |watcher| async move {
            let mut watcher = watcher?;
            match watcher.next().await {
                Some(Ok(line)) => Some((Ok(line), Some(watcher))),
                // A reset is the last thing that a client sees.
                Some(Err(reset)) => Some((Err(reset), None)),
                None => None,
            }
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, Reset>> {
        loop {
            match self.ready.pop_front() {
                Some(Ready::Line(line)) => return Some(Ok(line)),
                Some(Ready::Event(kind, stored, revision)) => {
                    return Some(Ok(self.encoder.event(kind, &stored, revision)));
                }
                None => {}
            }
            if self.ending {
                return None;
            }
            // Seen before reading, so that a change in between wakes us again.
            self.changed.borrow_and_update();
            match self.shared.store.changes(self.table, self.cursor, BATCH) {
                Err(expired) => self.end_expired(&expired),
                Ok((changes, seen)) => {
                    self.cursor = seen;
                    for change in &changes {
                        self.push(change);
                    }
                    if !changes.is_empty() {
                        continue;
                    }
                    if std::mem::take(&mut self.bookmark_due) {
                        self.push_bookmark();
                    } else if let Some(reset) = self.wait().await {
                        return Some(Err(reset));
                    }
                }
            }
        }
    }

    /// Waits for something to do; a reset ends the stream at once.
    async fn wait(&mut self) -> Option<Reset> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => self.ending = true,
            signal = self.drops.recv() => match signal {
                Ok(signal @ DropSignal::Cut(_)) if signal.hits(&self.resource) => return Some(Reset),
                Ok(signal) if signal.hits(&self.resource) => self.tell_the_rest(),
                // Too many signals to remember: one of them may have been ours.
                Err(broadcast::error::RecvError::Lagged(_)) => return Some(Reset),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => self.ending = true,
            },
            changed = self.changed.changed() => {
                if changed.is_err() {
                    self.ending = true;
                }
            }
            () = self.timeout.as_mut() => self.ending = true,
            () = self.next_bookmark.as_mut() => {
                self.next_bookmark.as_mut().reset(next_bookmark(Instant::now(), self.deadline));
                self.bookmark_due = true;
            }
        }
        None
    }

    /// Queues what happened up to now, and ends.
    fn tell_the_rest(&mut self) {
        while let Ok((changes, seen)) = self.shared.store.changes(self.table, self.cursor, BATCH)
            && seen > self.cursor
        {
            self.cursor = seen;
            changes.iter().for_each(|change| self.push(change));
        }
        self.ending = true;
    }

    fn push_bookmark(&mut self) {
        if self.bookmarks {
            self.ready.push_back(Ready::Line(self.encoder.bookmark(self.cursor, false)));
        }
    }

    fn end_expired(&mut self, expired: &Expired) {
        let error =
            ApiError::expired(format!("too old resource version: {} ({})", self.cursor, expired.compacted));
        self.ready.push_back(Ready::Line(event::error(&error)));
        self.ending = true;
    }

    /// Queues what a change is to this watcher.
    fn push(&mut self, change: &Change) {
        if let Some((kind, object)) = view(change, |key, stored| self.selection.matches(key, stored)) {
            self.ready.push_back(Ready::Event(kind, object.clone(), change.revision()));
        }
    }
}

/// When the next bookmark is due: after a minute, or shortly before the end, whichever comes first.
fn next_bookmark(now: Instant, deadline: Instant) -> Instant {
    let regular = now + BOOKMARK_EVERY;
    match deadline.checked_sub(LAST_BOOKMARK_BEFORE_END) {
        Some(last) if last > now => regular.min(last),
        _ => regular,
    }
}
