//! From what a stamp holds to what the chain tells.

use kontext_core::{StampCause, text::harmless};

use super::Walk;
use crate::{
    model::{ActionTold, At, CauseTold, Certainty, Deed, Object, Source, Step},
    observe::Key,
    read::{Read, WRITE_TAKES},
};

/// When the object was created: the create's stamp is more exact than `creationTimestamp`, where the two agree.
pub(super) fn precise_creation(read: &Read, created: Option<At>) -> Option<At> {
    let is_create = read.stamp.on.uid.is_none();
    match created {
        Some(at) if is_create && at.time.duration_since(read.stamp.time).abs() <= WRITE_TAKES => {
            Some(At::millisecond(read.stamp.time))
        }
        other => other,
    }
}

/// The namespace and name of a cause; stamps write both only where the namespace is another one.
fn cause_name<'c>(cause: &'c StampCause, namespace: Option<&'c str>) -> (Option<&'c str>, &'c str) {
    match cause.name.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (namespace, &cause.name),
    }
}

/// Where to read the object of a cause.
pub(super) fn cause_key(cause: &StampCause, namespace: Option<&str>) -> Option<Key> {
    let (namespace, name) = cause_name(cause, namespace);
    Key::new("", &cause.kind, namespace, name)
}

/// The object of a cause, as told.
pub(super) fn cause_object(cause: &StampCause, namespace: Option<&str>) -> Object {
    let (namespace, name) = cause_name(cause, namespace);
    Object {
        kind: cause.kind.to_string(),
        namespace: namespace.map(Into::into),
        name: name.into(),
        ..Object::default()
    }
}

impl Walk<'_> {
    /// Tells an action from its stamp.
    pub(super) fn push_action(&mut self, read: &Read, certainty: Certainty, object: Object) -> usize {
        let stamp = &read.stamp;
        let namespace = read.about.namespace();
        let subject = Object::told(&stamp.subject, namespace);
        let causes = stamp.causes.iter().map(|cause| CauseTold {
            event: cause.event.as_str().into(),
            object: cause_object(cause, namespace),
            action: cause.action.as_deref().map(Into::into),
            manager: cause.manager.as_deref().map(Into::into),
            trace_id: cause.trace_id.map(|id| id.to_string()),
            seen: cause.seen,
            changes: cause.changes.iter().map(|change| harmless(change).into_owned()).collect(),
            followed: false,
        });
        let action = ActionTold {
            controller: Some(stamp.controller.to_string()),
            name: stamp.action.to_string(),
            reason: (!stamp.reason.is_empty()).then(|| stamp.reason.to_string()),
            subject: Some(subject),
            causes: causes.collect(),
            more_causes: stamp.more_causes,
            hops: Some(stamp.hops),
        };
        self.push(Step {
            certainty,
            source: read.source,
            older: false,
            object,
            at: Some(At::millisecond(stamp.time)),
            trace_id: read.trace.map(|trace| trace.trace_id.to_string()),
            traceparent: read.trace.map(|trace| trace.to_string()),
            deed: Deed::Action(action),
            notes: Vec::new(),
        })
    }

    /// Tells an action of which only a later stamp speaks.
    pub(super) fn push_claimed(&mut self, cause: &StampCause, namespace: Option<&str>) {
        let name = cause.action.as_deref().unwrap_or("an action without a name");
        self.push(Step {
            certainty: Certainty::Claimed,
            source: Source::LaterStamp,
            older: false,
            object: cause_object(cause, namespace),
            at: Some(At::millisecond(cause.seen)),
            trace_id: cause.trace_id.map(|id| id.to_string()),
            traceparent: None,
            deed: Deed::Action(ActionTold { name: name.into(), ..ActionTold::default() }),
            notes: Vec::new(),
        });
    }

    /// The action of a step.
    pub(super) fn action_mut(&mut self, at: usize) -> Option<&mut ActionTold> {
        match self.steps.get_mut(at).map(|step| &mut step.deed) {
            Some(Deed::Action(action)) => Some(action),
            _ => None,
        }
    }

    /// Marks the first cause of a step as the one that is told next.
    pub(super) fn mark_followed(&mut self, at: usize) {
        if let Some(cause) = self.action_mut(at).and_then(|action| action.causes.first_mut()) {
            cause.followed = true;
        }
    }
}
