//! Puts the stamp that was decided on into the body of a write.

mod create;
mod patch;
mod update;

pub(crate) use create::created;
pub(crate) use patch::patched;
pub(crate) use update::{Replaced, updated};

use bytes::Bytes;
use kontext_core::{
    Annotations, Context, Counted, Fingerprint, Keys, Name, Policy, Target, Unstamped, WriteKind,
};

use super::{
    request::ResourceRequest,
    splice::{Edit, Scanned, SpliceError},
};

/// Bytes of all annotations that the API server takes, keys and values together.
const MAX_ANNOTATIONS: usize = 262_144;
/// Longer bodies are left alone: etcd refuses requests of 1.5 MiB, and a stamp must not be what crosses that line.
pub(crate) const MAX_BODY: usize = 1 << 20;

/// The body to send, and what to count.
#[derive(Debug)]
pub(crate) struct Stamping {
    pub(crate) body: Bytes,
    pub(crate) counted: Counted,
}

/// What every step needs.
#[derive(Clone, Copy)]
pub(crate) struct Writing<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) context: &'a Context,
    pub(crate) request: &'a ResourceRequest<'a>,
}

impl From<SpliceError> for Unstamped {
    fn from(_: SpliceError) -> Self {
        Self::Body
    }
}

impl<'a> Writing<'a> {
    /// Whether this request may bear a stamp, as far as its head tells.
    pub(crate) fn may_stamp(&self, write: WriteKind) -> Result<(), Unstamped> {
        self.policy.may_stamp(&self.target("", Name::Exact("".into()), None, write))?;
        if self.context.action().is_none() { Err(Unstamped::NoAction) } else { Ok(()) }
    }

    fn target(&self, kind: &'a str, name: Name, uid: Option<&'a str>, write: WriteKind) -> Target<'a> {
        let request = self.request;
        Target {
            group: request.group,
            kind,
            subresource: request.subresource,
            namespace: request.namespace.as_deref(),
            name,
            uid,
            write,
            dry_run: request.dry_run,
            manager: request.manager.as_deref(),
        }
    }

    /// The new annotations, if they fit beside the `others` bytes that the object has without ours.
    fn annotations(
        &self,
        target: &Target<'_>,
        generation: Option<i64>,
        content: Option<u64>,
        others: usize,
    ) -> Result<Annotations, Unstamped> {
        let annotations = self.policy.annotations(self.context, target, generation, content)?;
        let ours: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
        if others + ours > MAX_ANNOTATIONS { Err(Unstamped::TooLarge) } else { Ok(annotations) }
    }
}

/// Bytes of the annotations that are not ours.
fn bytes_of_others(fingerprint: &Fingerprint, keys: &Keys) -> usize {
    let ours = fingerprint.context.iter().filter(|(key, _)| keys.contains(key));
    fingerprint.annotation_bytes - ours.map(|(key, value)| key.len() + value.len()).sum::<usize>()
}

/// All four keys of ours: set where `annotations` has them, otherwise `absent`.
fn edits<'a>(
    keys: &'a Keys,
    annotations: &'a [(Box<str>, impl AsRef<str>)],
    absent: Edit<'a>,
) -> Vec<(&'a str, Edit<'a>)> {
    let edit = |key: &'a str| {
        let set = annotations.iter().find(|(set, _)| **set == *key);
        (key, set.map_or(absent, |(_, value)| Edit::Set(value.as_ref())))
    };
    keys.all().into_iter().map(edit).collect()
}

/// What the body says of its kind and name.
fn kind_of<'a>(scanned: &'a Scanned<'_>) -> Result<&'a str, Unstamped> {
    scanned.kind.as_deref().ok_or(Unstamped::Body)
}
