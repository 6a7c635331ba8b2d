//! What is known of the object that a write is about to change: from informers, from answers that passed by, or,
//! failing both, from one GET.

mod forbidden;
mod responses;

use bytes::Bytes;
use kontext_core::Fingerprint;

pub(crate) use forbidden::Forbidden;
pub(crate) use responses::{MAX_ANSWER, Responses};

/// Which version of which object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectQuery<'a> {
    /// API group; empty for core.
    pub group: &'a str,
    /// `deployments`.
    pub resource: &'a str,
    /// `None` for cluster-scoped objects.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Its uid, where the write names it.
    pub uid: Option<&'a str>,
    /// The version that the write was made from, where it names it.
    pub resource_version: Option<&'a str>,
}

impl ObjectQuery<'_> {
    /// Whether `found` is the version that is asked for.
    pub fn fits(&self, found: &Fingerprint) -> bool {
        let fits = |wanted: Option<&str>, found: Option<&str>| wanted.is_none() || wanted == found;
        fits(self.uid, found.uid.as_deref()) && fits(self.resource_version, found.resource_version.as_deref())
    }
}

/// Objects as they were read, for instance by informers. Asked in the path of requests: must not block.
pub trait KnownObjects: Send + Sync {
    /// The fingerprint of the object in exactly the version that is asked for, or, where the query names none, in
    /// the latest known one.
    fn as_read(&self, query: &ObjectQuery<'_>) -> Option<Fingerprint>;

    /// The whole object as JSON: patches are applied to it, and bodies made from scratch compared with it. Of custom
    /// resources with its `kind`, which items of lists lack. `None` where only parts are kept.
    fn json(&self, query: &ObjectQuery<'_>) -> Option<Bytes> {
        let _ = query;
        None
    }
}
