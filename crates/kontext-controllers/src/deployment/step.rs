use std::{sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    Failure,
    events::Event,
    model::{
        Annotations, Deployment, DeploymentChange, DeploymentStatus, ReplicaSet, ReplicaSetChange, Text,
    },
};

/// Names of the loop's actions.
pub mod action {
    /// Creates the new ReplicaSet.
    pub const CREATE_REPLICA_SET: &str = "deployment.CreateReplicaSet";
    /// Changes a ReplicaSet's size, or only the annotations that remember the wanted size.
    pub const SCALE_REPLICA_SET: &str = "deployment.ScaleReplicaSet";
    /// Brings the new ReplicaSet's annotations and minReadySeconds up to date.
    pub const UPDATE_REPLICA_SET: &str = "deployment.UpdateReplicaSet";
    /// Deletes an old ReplicaSet beyond the history limit.
    pub const DELETE_REPLICA_SET: &str = "deployment.DeleteReplicaSet";
    /// Writes status, and the annotations that go with it.
    pub const UPDATE_STATUS: &str = "deployment.UpdateStatus";
    /// Writes the Deployment's own template back to that of an earlier revision, or drops the request to do so.
    pub const ROLLBACK: &str = "deployment.Rollback";
    /// Becomes the controller of an orphan.
    pub const ADOPT_REPLICA_SET: &str = "deployment.AdoptReplicaSet";
    /// Lets a ReplicaSet go.
    pub const RELEASE_REPLICA_SET: &str = "deployment.ReleaseReplicaSet";
    /// Reads the Deployment live before adopting.
    pub const GET_FRESH: &str = "deployment.GetFresh";
}

/// What [`next`](super::next) says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do this, then ask again with its result.
    Step(Step),
    /// The sync is over.
    Done(Done),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// POST a ReplicaSet. Answer with [`StepResult::ReplicaSet`].
    CreateReplicaSet {
        /// Its name.
        name: Text,
        /// The body.
        body: Value,
        /// Its size.
        replicas: i32,
        /// Why.
        reason: String,
    },
    /// PUT a ReplicaSet with another size. Answer with [`StepResult::ReplicaSet`].
    ScaleReplicaSet {
        /// As it is.
        replica_set: Arc<ReplicaSet>,
        /// Size now.
        from: i32,
        /// Size wanted; may be the same, then only annotations change.
        to: i32,
        /// The change.
        change: ReplicaSetChange,
        /// Why.
        reason: String,
    },
    /// PUT a ReplicaSet with other annotations or minReadySeconds. Answer with [`StepResult::ReplicaSet`].
    UpdateReplicaSet {
        /// As it is.
        replica_set: Arc<ReplicaSet>,
        /// The change.
        change: ReplicaSetChange,
        /// Why.
        reason: String,
    },
    /// DELETE a ReplicaSet. Answer with [`StepResult::Done`].
    DeleteReplicaSet {
        /// As it is.
        replica_set: Arc<ReplicaSet>,
        /// Why.
        reason: String,
    },
    /// PUT the whole Deployment to `/status`. Answer with [`StepResult::Deployment`].
    UpdateStatus {
        /// As it is.
        deployment: Arc<Deployment>,
        /// The new status.
        status: DeploymentStatus,
        /// Annotations to set; they are accepted by `/status` too.
        annotations: Annotations,
        /// What changes.
        reason: String,
    },
    /// PUT the whole Deployment. Answer with [`StepResult::Deployment`].
    Rollback {
        /// As it is.
        deployment: Arc<Deployment>,
        /// The change.
        change: DeploymentChange,
        /// Why.
        reason: String,
    },
    /// Look a ReplicaSet up in the cache. Answer with [`StepResult::ReplicaSet`], or with a failure `NotFound`.
    FindReplicaSet {
        /// Namespace.
        namespace: Text,
        /// Name.
        name: Text,
    },
    /// Send an Event about the Deployment; nobody waits for it. Answer with [`StepResult::Done`].
    Event(Event),
}

impl Step {
    /// The action's name; `None` for a look-up and for an Event.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        Some(match self {
            Self::CreateReplicaSet { .. } => action::CREATE_REPLICA_SET,
            Self::ScaleReplicaSet { .. } => action::SCALE_REPLICA_SET,
            Self::UpdateReplicaSet { .. } => action::UPDATE_REPLICA_SET,
            Self::DeleteReplicaSet { .. } => action::DELETE_REPLICA_SET,
            Self::UpdateStatus { .. } => action::UPDATE_STATUS,
            Self::Rollback { .. } => action::ROLLBACK,
            Self::FindReplicaSet { .. } | Self::Event(_) => return None,
        })
    }

    /// Why it is done; empty for a look-up and for an Event.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::CreateReplicaSet { reason, .. }
            | Self::ScaleReplicaSet { reason, .. }
            | Self::UpdateReplicaSet { reason, .. }
            | Self::DeleteReplicaSet { reason, .. }
            | Self::UpdateStatus { reason, .. }
            | Self::Rollback { reason, .. } => reason,
            Self::FindReplicaSet { .. } | Self::Event(_) => "",
        }
    }

    /// The request's body, for those that have one. It holds the resourceVersion that was read, so that a write in
    /// between is a conflict and never lost.
    #[must_use]
    pub fn body(&self) -> Option<Value> {
        match self {
            Self::CreateReplicaSet { body, .. } => Some(body.clone()),
            Self::ScaleReplicaSet { replica_set, change, .. }
            | Self::UpdateReplicaSet { replica_set, change, .. } => Some(replica_set.body(change)),
            Self::UpdateStatus { deployment, status, annotations, .. } => {
                Some(deployment.status_body(status, annotations))
            }
            Self::Rollback { deployment, change, .. } => Some(deployment.body(change)),
            Self::DeleteReplicaSet { .. } | Self::FindReplicaSet { .. } | Self::Event(_) => None,
        }
    }
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// The ReplicaSet as the server returned it.
    ReplicaSet(Arc<ReplicaSet>),
    /// The Deployment as the server returned it.
    Deployment(Arc<Deployment>),
    /// Done; there is nothing to return.
    Done,
    /// It failed.
    Failed(Failure),
}

/// How a sync ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// A failure goes back to the queue: upstream tries 15 times, and not at all if the namespace is being deleted.
    pub result: Result<(), Failure>,
    /// A failure that did not stop the sync. Log and count it; `requeue` covers the retry.
    pub swallowed: Option<Failure>,
    /// When to come again without an event.
    pub requeue: Requeue,
}

/// When to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// With the next event.
    Never,
    /// Through the rate limiter.
    RateLimited,
    /// After this time.
    After(Duration),
}
