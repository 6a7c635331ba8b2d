//! The record inside a `Lease`: who holds it, since when, for how long.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;

use super::{lease::LeaseName, timing::Timing};

/// Who holds the lease; nobody where the holder is missing or empty.
pub(super) fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// A lease that nobody has had before.
pub(super) fn first(name: &LeaseName, identity: &str, timing: &Timing, now: Timestamp) -> Lease {
    Lease {
        metadata: ObjectMeta {
            namespace: Some(name.namespace.clone()),
            name: Some(name.name.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(identity.to_owned()),
            lease_duration_seconds: Some(timing.lease_seconds()),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(0),
            ..LeaseSpec::default()
        }),
    }
}

/// The lease as `identity` renews it, or takes it over. Everything else about the object stays, its resourceVersion among it.
pub(super) fn held(lease: &Lease, identity: &str, timing: &Timing, now: Timestamp) -> Lease {
    let renewed = holder(lease) == Some(identity);
    let mut lease = lease.clone();
    let spec = lease.spec.get_or_insert_default();
    if !renewed {
        spec.acquire_time = Some(MicroTime(now));
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
    }
    spec.holder_identity = Some(identity.to_owned());
    spec.lease_duration_seconds = Some(timing.lease_seconds());
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// The lease as its holder gives it back. The duration becomes a second, as client-go does it, for candidates
/// that look at the times only.
pub(super) fn released(lease: &Lease, now: Timestamp) -> Lease {
    let mut lease = lease.clone();
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    spec.acquire_time = Some(MicroTime(now));
    spec.renew_time = Some(MicroTime(now));
    lease
}
