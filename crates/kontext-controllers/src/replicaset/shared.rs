//! What the ReplicaSet loop and its handlers share.

use std::{sync::Arc, time::Duration};

use kontext::{informer::Store, queue::WorkQueue};
use parking_lot::Mutex;

use crate::{
    expectations::Expectations,
    model::{Pod, ReplicaSet, ReplicaSetStatus},
    own_status::OwnStatuses,
    stale::StaleGuard,
    watch::{Causes, Intents},
};

/// Stores, queue and the loop's memory of what it did.
pub(crate) struct Shared {
    pub(crate) sets: Arc<Store<ReplicaSet>>,
    pub(crate) pods: Arc<Store<Pod>>,
    pub(crate) queue: WorkQueue,
    pub(crate) causes: Causes,
    pub(crate) intents: Intents,
    pub(crate) expectations: Mutex<Expectations>,
    pub(crate) guard: Mutex<StaleGuard>,
    pub(crate) own_statuses: OwnStatuses<ReplicaSetStatus>,
    /// How long after a create of unknown outcome the server is asked.
    pub(crate) uncertain_recheck: Duration,
}

impl Shared {
    /// The ReplicaSet is gone, or the one with this uid is.
    pub(crate) fn forget(&self, key: &str, uid: Option<&str>) {
        self.guard.lock().forget(key, uid);
        self.expectations.lock().forget(key);
        self.own_statuses.forget(key);
    }
}
