//! The policy: the one place that decides, for a given write, what goes into headers, onto the object, or nowhere.

mod keys;
mod serialise;
mod target;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

pub use keys::Keys;
pub use serialise::{Annotations, Headers};
pub use target::{GenerationRule, Target, Unstamped, WriteKind};

/// How the span of a reconcile relates to the spans of the writes that caused it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relation {
    /// A new root with one link for each cause.
    #[default]
    Link,
    /// A child of the heaviest cause, and the same links.
    Parent,
}

/// What is propagated, where, and within which bounds. Build it once and share it.
#[derive(Debug)]
pub struct Policy {
    on: AtomicBool,
    pub(crate) keys: Keys,
    pub(crate) stamps: bool,
    pub(crate) audit_id: bool,
    pub(crate) relation: Relation,
    pub(crate) baggage_allowed: BTreeSet<Box<str>>,
    pub(crate) excluded_namespaces: BTreeSet<Box<str>>,
    pub(crate) excluded_kinds: BTreeSet<Box<str>>,
    pub(crate) max_hops: u16,
    pub(crate) call_timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on: AtomicBool::new(true),
            keys: Keys::default(),
            stamps: true,
            audit_id: true,
            relation: Relation::Link,
            baggage_allowed: BTreeSet::new(),
            excluded_namespaces: BTreeSet::new(),
            excluded_kinds: BTreeSet::new(),
            max_hops: 16,
            call_timeout: Duration::from_secs(60),
        }
    }
}

impl Policy {
    /// The defaults: everything on, no baggage, 16 hops, 60 seconds for a call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing is propagated: no keys, no headers.
    pub fn off() -> Self {
        Self { on: AtomicBool::new(false), ..Self::default() }
    }

    /// Whether anything is propagated.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Switches propagation on or off while the program runs; takes effect with the next request.
    pub fn switch(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// Writes the trace annotations under another prefix than `tracing.k8s.io/`.
    #[must_use]
    pub fn with_trace_prefix(mut self, prefix: &str) -> Self {
        self.keys = Keys::with_prefix(prefix);
        self
    }

    /// Whether writes leave stamps; headers go in either case.
    #[must_use]
    pub fn with_stamps(mut self, stamps: bool) -> Self {
        self.stamps = stamps;
        self
    }

    /// Whether requests carry an `Audit-ID` that names trace and span.
    #[must_use]
    pub fn with_audit_id(mut self, audit_id: bool) -> Self {
        self.audit_id = audit_id;
        self
    }

    /// How reconcile spans relate to their causes.
    #[must_use]
    pub fn with_relation(mut self, relation: Relation) -> Self {
        self.relation = relation;
        self
    }

    /// Lets the baggage member `key` pass, inwards and outwards.
    #[must_use]
    pub fn allow_baggage(mut self, key: &str) -> Self {
        self.baggage_allowed.insert(key.into());
        self
    }

    /// Puts no stamps on objects in `namespace`.
    #[must_use]
    pub fn exclude_namespace(mut self, namespace: &str) -> Self {
        self.excluded_namespaces.insert(namespace.into());
        self
    }

    /// Puts no stamps on objects of `kind`.
    #[must_use]
    pub fn exclude_kind(mut self, kind: &str) -> Self {
        self.excluded_kinds.insert(kind.into());
        self
    }

    /// Cuts chains after this many stamped actions.
    #[must_use]
    pub fn with_max_hops(mut self, max_hops: u16) -> Self {
        self.max_hops = max_hops;
        self
    }

    /// The longest that one API call may take with its retries and its wait for the client's rate limit.
    #[must_use]
    pub fn with_call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// The annotation keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How reconcile spans relate to their causes.
    pub fn relation(&self) -> Relation {
        self.relation
    }

    /// The longest that one API call may take.
    pub fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    /// The baggage members that may pass.
    pub fn baggage_allowed(&self) -> &BTreeSet<Box<str>> {
        &self.baggage_allowed
    }
}
