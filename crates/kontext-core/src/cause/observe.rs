//! From an event to a cause: which write made it, and what that write changed.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{Attribution, Cause, EventKind, Weight};
use crate::{
    change::{Changes, DiffOptions, between},
    content::Fingerprint,
    context::Intent,
    object::{ObjectRef, Subject},
    origin::{Origin, Verb, Who},
    policy::{GenerationRule, Policy},
    stamp::{Bearer, Stamp, Stamped, Standing},
    telemetry::{Counted, Telemetry},
    writer::{annotation_owners, writer_of},
};

/// What an event says of the write behind it.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Which write.
    pub attribution: Attribution,
    /// What it changed; nothing where the previous object is not known.
    pub changes: Changes,
}

/// Reads events under a policy, and counts what it reads.
#[derive(Clone)]
pub struct Observer {
    policy: Arc<Policy>,
    telemetry: Arc<dyn Telemetry>,
}

impl Observer {
    /// An observer that believes what `policy` lets it believe.
    pub fn new(policy: Arc<Policy>, telemetry: Arc<dyn Telemetry>) -> Self {
        Self { policy, telemetry }
    }

    /// Whether anything is propagated; where not, nothing needs to be observed.
    pub fn is_on(&self) -> bool {
        self.policy.is_on()
    }

    /// The policy.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The write that turned `old` into `new`; without `old`, the one that created it. Both as the API gave them,
    /// `new` with its `managedFields`.
    ///
    /// The stamp is believed only where it came with this write: it is another than before, and it stands on this
    /// object in this generation. Otherwise the writer was not instrumented, and `managedFields` may know it.
    pub fn write(&self, old: Option<&Value>, new: &Value, object: &ObjectRef) -> Observation {
        let keys = self.policy.keys().all();
        let changes =
            old.map(|old| between(old, new, DiffOptions { ignored_annotations: &keys })).unwrap_or_default();
        if changes.is_status_only() {
            let writer = writer_of(&new["metadata"]["managedFields"], &changes);
            return Observation { attribution: Attribution::Unattributed(writer), changes };
        }
        let cause = |value: Option<&Value>| {
            value.map(|value| value["metadata"]["annotations"][&*self.policy.keys().cause].clone())
        };
        let came_with_this_write = cause(old) != cause(Some(new));
        let stamped = came_with_this_write.then(|| self.stamp(new, object)).flatten();
        let attribution = stamped.map_or_else(
            || {
                self.telemetry.count(Counted::Unattributed, 1);
                Attribution::Unattributed(writer_of(&new["metadata"]["managedFields"], &changes))
            },
            |stamped| Attribution::Stamped(Arc::new(stamped)),
        );
        Observation { attribution, changes }
    }

    /// The cause that an event is: `object` was created, or changed from `old` to `new`, both as JSON. `None` where
    /// propagation is off, or there is no JSON to read (a resync).
    pub fn cause(
        &self,
        old: Option<&str>,
        new: Option<&str>,
        object: &impl Subject,
        weight: Weight,
    ) -> Option<Cause> {
        let new: Value = serde_json::from_str(new.filter(|_| self.is_on())?).ok()?;
        let old: Option<Value> = old.and_then(|old| serde_json::from_str(old).ok());
        let object = object.reference();
        let Observation { attribution, changes } = self.write(old.as_ref(), &new, &object);
        let event = if old.is_some() { EventKind::Modified } else { EventKind::Created };
        Some(Cause { event, object: Arc::new(object), attribution, changes, seen: Timestamp::now(), weight })
    }

    /// Who wrote the spec of `object` as it is: its stamp where that holds, else the latest manager of its spec.
    pub fn standing_intent(&self, object: &Value, reference: &ObjectRef) -> Intent {
        if let Some(stamped) = self.stamp(object, reference) {
            let origin = stamped.stamp.origin.clone().unwrap_or_else(|| Origin::action(&stamped.stamp));
            return Intent { origin, stamped: Some(Arc::new(stamped)) };
        }
        let writer = writer_of(&object["metadata"]["managedFields"], &Changes::default());
        let created: Option<Timestamp> =
            object["metadata"]["creationTimestamp"].as_str().and_then(|t| t.parse().ok());
        let is_first = reference.generation.is_none_or(|generation| generation <= 1);
        let origin = Origin {
            time: writer.as_ref().and_then(|writer| writer.time).or(created.filter(|_| is_first)),
            who: writer.map_or(Who::Unknown, |writer| Who::Manager(writer.manager)),
            verb: if is_first { Verb::Created } else { Verb::Changed },
            object: reference.clone(),
            change: None,
        };
        Intent { origin, stamped: None }
    }

    /// The stamp of `object`, where it has one that holds.
    pub fn stamp(&self, object: &Value, reference: &ObjectRef) -> Option<Stamped> {
        let meta = &object["metadata"];
        let owners = annotation_owners(&meta["managedFields"], &self.policy.keys().cause);
        let bearer = Bearer {
            kind: &reference.kind,
            name: &reference.name,
            uid: reference.uid.as_deref(),
            generation: reference.generation,
            created: meta["creationTimestamp"].as_str().and_then(|text| text.parse().ok()),
            deleting: meta["deletionTimestamp"].is_string(),
            content: content_of(object, reference),
            annotation_owners: meta["managedFields"].is_array().then_some(&*owners),
        };
        self.read_stamp(|key| meta["annotations"][key].as_str(), &bearer)
    }

    /// The stamp among some annotations, where there is one that holds on `bearer`. What is not of the form or
    /// another object's is counted and passed over.
    pub fn read_stamp<'a>(
        &self,
        annotation: impl Fn(&str) -> Option<&'a str>,
        bearer: &Bearer<'_>,
    ) -> Option<Stamped> {
        let keys = self.policy.keys();
        let (cause, traceparent) = (annotation(&keys.cause), annotation(&keys.traceparent));
        let (Some(cause), Some(traceparent)) = (cause, traceparent) else {
            // A trace annotation alone is another tool's; a cause alone is broken.
            if cause.is_some() {
                self.telemetry.count(Counted::Malformed, 1);
            }
            return None;
        };
        let (Ok(stamp), Ok(traceparent)) = (Stamp::decode(cause), traceparent.parse()) else {
            self.telemetry.count(Counted::Malformed, 1);
            return None;
        };
        match stamp.standing(bearer) {
            Standing::Fresh => {
                self.telemetry.count(Counted::Extracted, 1);
                Some(Stamped { traceparent, stamp })
            }
            Standing::Stale => None,
            Standing::Copied(_) => {
                self.telemetry.count(Counted::Copied, 1);
                None
            }
        }
    }
}

/// What tells a stale stamp on kinds without generation.
fn content_of(object: &Value, reference: &ObjectRef) -> Option<u64> {
    let group = reference.api_version.split_once('/').map_or("", |(group, _)| group);
    let counts = GenerationRule::of(group, &reference.kind) != GenerationRule::None;
    if counts { None } else { Fingerprint::of_value(object).ok().map(|fingerprint| fingerprint.content()) }
}

#[cfg(test)]
mod tests;
