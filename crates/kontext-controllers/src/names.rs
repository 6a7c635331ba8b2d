//! Names of the loops, as upstream has them: in `--controllers`, logs, stamps, Events and managed fields.

/// The ReplicaSet loop.
pub(crate) const REPLICA_SET_CONTROLLER: &str = "replicaset-controller";
/// The Deployment loop.
pub(crate) const DEPLOYMENT_CONTROLLER: &str = "deployment-controller";
