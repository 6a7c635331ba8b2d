//! The cause that an event is.

use std::sync::Arc;

use kontext::{
    Attribution, Bearer, Cause, Change, Changes, EventKind, FieldPath, ObjectRef, Observer, Weight,
    informer::{Resource, Seen},
};
use serde_json::Value;

use crate::model::{Meta, Pod};

/// Makes causes of events, or none where propagation is off.
#[derive(Clone)]
pub(crate) struct Causes {
    observer: Observer,
}

/// The reference of an object.
pub(crate) fn reference(resource: Resource, meta: &Meta) -> ObjectRef {
    let object = ObjectRef::new(resource.kind, Some(&meta.namespace), &meta.name)
        .with_api_version(resource.api_version())
        .with_uid(&meta.uid);
    if meta.generation > 0 { object.with_generation(meta.generation) } else { object }
}

impl Causes {
    pub(crate) fn new(observer: Observer) -> Self {
        Self { observer }
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// An object with its JSON was created or changed: by which write, and in which fields. `old` is the JSON and the
    /// generation of the object before. `None` where propagation is off, or the event brought nothing to read.
    pub(crate) fn written(
        &self,
        resource: Resource,
        old: Option<(&str, i64)>,
        new: &Meta,
        seen: Seen<'_>,
    ) -> Option<Cause> {
        let json = old.map(|(json, _)| json);
        let cause = self.observer.cause(json, seen.raw, &reference(resource, new), Weight::Progress)?;
        // A list tells the last of several writes; which of them changed what, nobody saw.
        let several = seen.relisted && old.is_some_and(|(_, generation)| generation + 1 < new.generation);
        let event = if several { EventKind::Resync } else { cause.event };
        Some(Cause { event, seen: seen.at, ..cause })
    }

    /// An object was there when watching began: what is undone of it was found so, by nobody's write that we saw.
    pub(crate) fn found(&self, resource: Resource, meta: &Meta, seen: Seen<'_>) -> Option<Cause> {
        self.observer.is_on().then(|| Cause {
            event: EventKind::Resync,
            object: Arc::new(reference(resource, meta)),
            attribution: Attribution::NoWrite,
            changes: Changes::default(),
            seen: seen.at,
            weight: Weight::Found,
        })
    }

    /// A pod appeared.
    pub(crate) fn pod_created(&self, pod: &Pod, seen: Seen<'_>) -> Option<Cause> {
        if pod.meta.controller.is_none() {
            // Somebody's own pod, perhaps made of the manifest of another, with its stamp: only the managed fields tell.
            return self.written(crate::informers::PODS, None, &pod.meta, seen);
        }
        let stamped = self.observer.is_on().then(|| self.pod_stamp(pod))?;
        let attribution = stamped.map_or(Attribution::Unattributed(None), Attribution::Stamped);
        Some(self.pod(EventKind::Created, pod, attribution, Changes::default(), seen))
    }

    /// A pod changed, as far as the loops look at it. Who it was is looked up where it matters: of labels and owners. All
    /// else is the kubelet's and the scheduler's.
    pub(crate) fn pod_changed(&self, old: &Pod, new: &Pod, seen: Seen<'_>) -> Option<Cause> {
        self.observer.is_on().then(|| {
            let changes = pod_changes(old, new);
            let matters = changes.shown.iter().any(|change| change.path.is_metadata());
            let raw: Option<Value> =
                seen.raw.filter(|_| matters).and_then(|raw| serde_json::from_str(raw).ok());
            let writer = raw.and_then(|pod| kontext::writer_of(&pod["metadata"]["managedFields"], &changes));
            self.pod(EventKind::Modified, new, Attribution::Unattributed(writer), changes, seen)
        })
    }

    /// A pod was deleted, or began to be.
    pub(crate) fn pod_deleted(&self, pod: &Pod, seen: Seen<'_>) -> Option<Cause> {
        let stamped = self.observer.is_on().then(|| self.pod_stamp(pod))?;
        let attribution = stamped.map_or(Attribution::Unattributed(None), Attribution::LastKnown);
        Some(self.pod(EventKind::Deleted, pod, attribution, Changes::default(), seen))
    }

    fn pod_stamp(&self, pod: &Pod) -> Option<Arc<kontext::Stamped>> {
        let bearer = Bearer {
            kind: "Pod",
            name: &pod.meta.name,
            uid: Some(&pod.meta.uid),
            generation: (pod.meta.generation > 0).then_some(pod.meta.generation),
            created: pod.meta.created,
            deleting: pod.meta.is_deleting(),
            ..Bearer::default()
        };
        let annotation = |key: &str| {
            pod.trace_annotations.iter().find(|(known, _)| **known == *key).map(|(_, value)| &**value)
        };
        self.observer.read_stamp(annotation, &bearer).map(Arc::new)
    }

    fn pod(
        &self,
        event: EventKind,
        pod: &Pod,
        attribution: Attribution,
        changes: Changes,
        seen: Seen<'_>,
    ) -> Cause {
        let object = Arc::new(reference(crate::informers::PODS, &pod.meta));
        Cause { event, object, attribution, changes, seen: seen.at, weight: Weight::Progress }
    }

    /// An owned object is gone; its last stamp is linked.
    pub(crate) fn deleted(&self, resource: Resource, meta: &Meta, seen: Seen<'_>) -> Option<Cause> {
        if !self.observer.is_on() {
            return None;
        }
        let object = reference(resource, meta);
        let value: Option<Value> = seen.raw.and_then(|raw| serde_json::from_str(raw).ok());
        let stamped = value.and_then(|value| self.observer.stamp(&value, &object));
        let attribution = stamped
            .map_or(Attribution::Unattributed(None), |stamped| Attribution::LastKnown(Arc::new(stamped)));
        let (event, changes, weight) = (EventKind::Deleted, Changes::default(), Weight::Progress);
        Some(Cause { event, object: Arc::new(object), attribution, changes, seen: seen.at, weight })
    }
}

fn pod_changes(old: &Pod, new: &Pod) -> Changes {
    let mut changes = Changes::default();
    if old.meta.labels != new.meta.labels {
        changes.push(Change::of(FieldPath::of(["metadata", "labels"])));
    }
    if old.meta.controller != new.meta.controller {
        changes.push(Change::of(FieldPath::of(["metadata", "ownerReferences"])));
    }
    if old.node != new.node {
        let name = |node: &Option<crate::model::Text>| node.as_deref().unwrap_or("unset").to_owned();
        changes.push(Change::from_to(FieldPath::of(["spec", "nodeName"]), name(&old.node), name(&new.node)));
    }
    if old.phase != new.phase {
        let phase = |pod: &Pod| format!("{:?}", pod.phase);
        changes.push(Change::from_to(FieldPath::of(["status", "phase"]), phase(old), phase(new)));
    }
    if old.ready != new.ready {
        let ready = |pod: &Pod| if pod.ready { "True" } else { "False" };
        let path = FieldPath::of(["status", "conditions"])
            .then(kontext::Segment::Item { key: "type".into(), value: "Ready".into() });
        changes.push(Change::from_to(path, ready(old), ready(new)));
    }
    changes
}

/// How a change of a child counts for its owner: what the owner's own loop wrote, and mere status, is progress;
/// what anybody else changed is a disturbance.
pub(crate) fn owned_change(cause: &mut Cause, controller: &str) {
    let own = matches!(&cause.attribution, Attribution::Stamped(stamped) if *stamped.stamp.controller == *controller);
    let writer_is_own = matches!(&cause.attribution, Attribution::Unattributed(Some(writer)) if *writer.manager == *controller);
    let content = cause.event != EventKind::Modified || !cause.changes.is_status_only();
    cause.weight = if own || writer_is_own || !content { Weight::Progress } else { Weight::Disturbance };
}
