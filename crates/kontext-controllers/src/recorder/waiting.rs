//! What waits to be sent, and the count of what found no room to wait.

use jiff::Timestamp;
use kontext::Context;
use parking_lot::Mutex;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Duration, Instant},
};

use super::Subject;
use crate::events::Event;

/// How often dropped Events are told of in the log.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    pub(super) about: Subject,
    pub(super) event: Event,
    pub(super) at: Timestamp,
}

/// An occurrence with the context in which it is to be sent.
pub(super) struct Waiting {
    pub(super) context: Context,
    pub(super) occurrence: Occurrence,
    /// Its place among those that wait, held until it is sent or given up.
    pub(super) place: OwnedSemaphorePermit,
}

/// Counts what is dropped, and says when to tell of it.
#[derive(Debug, Default)]
pub(super) struct Dropped(Mutex<(Option<Instant>, u64)>);

impl Dropped {
    /// One more was dropped; the number since it was told of last, where it is time to tell again.
    pub(super) fn one_more(&self) -> Option<u64> {
        let (told, number) = &mut *self.0.lock();
        *number += 1;
        let now = Instant::now();
        if told.is_some_and(|told| now < told + TELL_EVERY) {
            return None;
        }
        *told = Some(now);
        Some(std::mem::take(number))
    }
}
