//! What the Deployment loop and its handlers share.

use std::{collections::HashSet, sync::Arc};

use kontext::{informer::Store, queue::WorkQueue};
use parking_lot::Mutex;

use crate::{
    model::{Deployment, DeploymentStatus, Pod, ReplicaSet, Text},
    own_status::OwnStatuses,
    watch::{Causes, Intents},
};

/// Stores, queue and the loop's memory of what it did.
pub(crate) struct Shared {
    pub(crate) deployments: Arc<Store<Deployment>>,
    pub(crate) sets: Arc<Store<ReplicaSet>>,
    pub(crate) pods: Arc<Store<Pod>>,
    pub(crate) queue: WorkQueue,
    pub(crate) causes: Causes,
    pub(crate) intents: Intents,
    pub(crate) own_statuses: OwnStatuses<DeploymentStatus>,
    /// ReplicaSets, by uid, that the loop is deleting: their end is its own doing.
    pub(crate) deleting: Mutex<HashSet<Text>>,
}
