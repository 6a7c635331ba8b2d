//! Objects, stamps and a cluster in memory, for tests.

use std::{sync::Mutex, time::Duration};

use jiff::Timestamp;
use kontext_core::{
    EventKind, Keys, Name, ObjectRef, On, Origin, SpanId, Stamp, StampCause, TraceFlags, TraceId,
    Traceparent, Verb, Who,
};
use serde_json::{Value, json};

use crate::{Cluster, Key, KindName, Resource, TextOptions, WhyError, observe, render};

pub(crate) const NAMESPACE: &str = "default";

/// A time of the day of all these stories: `14:02:11.482`.
pub(crate) fn at(clock: &str) -> Timestamp {
    format!("2026-03-01T{clock}Z").parse().expect("a time of day")
}

pub(crate) fn trace(number: u8) -> TraceId {
    TraceId::from_bytes([number; 16]).expect("not zero")
}

/// A stamp and its trace.
#[derive(Clone)]
pub(crate) struct Mark {
    pub(crate) stamp: Stamp,
    trace: Traceparent,
}

/// `mark("Pod web-*", 3, "replicaset-controller replicaset.CreatePod", "14:02:11.482")`; a star stands for what the server adds to the name.
pub(crate) fn mark(on: &str, number: u8, who: &str, clock: &str) -> Mark {
    let (kind, name) = on.split_once(' ').expect("kind and name");
    let (controller, action) = who.split_once(' ').expect("controller and action");
    let name = match name.strip_suffix('*') {
        Some(prefix) => Name::Prefix(prefix.into()),
        None => Name::Exact(name.into()),
    };
    let stamp = Stamp {
        on: On { kind: kind.to_owned().into(), name, uid: None },
        controller: controller.into(),
        action: action.into(),
        subject: ObjectRef::new(kind.to_owned(), None, "nothing"),
        reason: "".into(),
        causes: Vec::new(),
        more_causes: 0,
        origin: None,
        hops: 0,
        generation: Some(1),
        content: None,
        time: at(clock),
        manager: Some("kontext".into()),
    };
    let span_id = SpanId::from_bytes([number; 8]).expect("not zero");
    Mark { stamp, trace: Traceparent { trace_id: trace(number), span_id, flags: TraceFlags::NONE } }
}

impl Mark {
    pub(crate) fn on_uid(mut self, uid: &str, generation: i64) -> Self {
        self.stamp.on.uid = Some(uid.into());
        self.stamp.generation = Some(generation);
        self
    }

    /// `("ReplicaSet web", "u-rs", 2)`
    pub(crate) fn subject(mut self, object: &str, uid: &str, generation: i64) -> Self {
        self.stamp.subject = reference(object).with_uid(uid).with_generation(generation);
        self
    }

    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.stamp.reason = reason.into();
        self
    }

    pub(crate) fn hops(mut self, hops: u16) -> Self {
        self.stamp.hops = hops;
        self
    }

    fn cause(mut self, event: EventKind, object: &str, clock: &str) -> Self {
        let object = reference(object);
        self.stamp.causes.push(StampCause {
            event,
            kind: object.kind.as_ref().into(),
            name: object.name,
            trace_id: None,
            action: None,
            manager: None,
            seen: at(clock),
            changes: Vec::new(),
        });
        self
    }

    /// A cause without a writer.
    pub(crate) fn after(self, event: EventKind, object: &str, clock: &str) -> Self {
        self.cause(event, object, clock)
    }

    /// A cause that was stamped.
    pub(crate) fn after_action(
        mut self,
        event: EventKind,
        object: &str,
        number: u8,
        action: &str,
        clock: &str,
    ) -> Self {
        self = self.cause(event, object, clock);
        let cause = self.stamp.causes.last_mut().expect("one was added");
        cause.trace_id = Some(trace(number));
        cause.action = Some(action.into());
        self
    }

    /// A cause that was not stamped.
    pub(crate) fn after_write(
        mut self,
        event: EventKind,
        object: &str,
        manager: &str,
        change: &str,
        clock: &str,
    ) -> Self {
        self = self.cause(event, object, clock);
        let cause = self.stamp.causes.last_mut().expect("one was added");
        cause.manager = Some(manager.into());
        cause.changes = vec![change.into()];
        self
    }

    pub(crate) fn origin(
        mut self,
        who: Who,
        verb: Verb,
        object: &str,
        generation: Option<i64>,
        clock: &str,
    ) -> Self {
        let mut object = reference(object);
        object.generation = generation;
        self.stamp.origin = Some(Origin { who, verb, object, time: Some(at(clock)), change: None });
        self
    }

    pub(crate) fn change(mut self, change: &str) -> Self {
        self.stamp.origin.as_mut().expect("an origin first").change = Some(change.into());
        self
    }

    pub(crate) fn text(&self) -> String {
        self.stamp.encode().expect("fits")
    }
}

fn reference(object: &str) -> ObjectRef {
    let (kind, name) = object.split_once(' ').expect("kind and name");
    ObjectRef::new(kind.to_owned(), None, name)
}

/// `object("Pod web-1", "u-1", "14:02:11")`
pub(crate) fn object(object: &str, uid: &str, created: &str) -> Value {
    let (kind, name) = object.split_once(' ').expect("kind and name");
    json!({"kind": kind, "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid, "generation": 1,
        "creationTimestamp": format!("2026-03-01T{created}Z"), "managedFields": []}})
}

/// What a test says of an object.
pub(crate) trait Facts: Sized {
    fn generation(self, generation: i64) -> Self;
    fn stamped(self, mark: &Mark) -> Self;
    fn annotated(self, key: &str, value: &str) -> Self;
    fn owned_by(self, owner: &str, uid: &str) -> Self;
    /// Owns the fields at these paths, `spec.replicas`, since this time of day (`-` for none).
    fn managed(self, manager: &str, clock: &str, fields: &[&str]) -> Self;
    fn with(self, field: &str, value: Value) -> Self;
}

impl Facts for Value {
    fn generation(mut self, generation: i64) -> Self {
        self["metadata"]["generation"] = generation.into();
        self
    }

    fn stamped(self, mark: &Mark) -> Self {
        let keys = Keys::default();
        self.annotated(&keys.cause, &mark.text()).annotated(&keys.traceparent, &mark.trace.to_string())
    }

    fn annotated(mut self, key: &str, value: &str) -> Self {
        self["metadata"]["annotations"][key] = value.into();
        self
    }

    fn owned_by(mut self, owner: &str, uid: &str) -> Self {
        let (kind, name) = owner.split_once(' ').expect("kind and name");
        self["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}]);
        self
    }

    fn managed(mut self, manager: &str, clock: &str, fields: &[&str]) -> Self {
        let mut set = json!({});
        for path in fields {
            let mut place = &mut set;
            for step in path.split('.') {
                let (field, item) = step.split_once('[').unwrap_or((step, ""));
                place = &mut place[format!("f:{field}")];
                if let Some(item) = item.strip_suffix(']') {
                    place = &mut place[json!({"name": item}).to_string().replacen("{", "k:{", 1)];
                }
            }
            *place = json!({});
        }
        let mut entry = json!({"manager": manager, "operation": "Update", "fieldsV1": set});
        match clock {
            "-" => entry["subresource"] = "scale".into(),
            clock => entry["time"] = format!("2026-03-01T{clock}Z").into(),
        }
        self["metadata"]["managedFields"].as_array_mut().expect("a list").push(entry);
        self
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self[field] = value;
        self
    }
}

/// An Event about an object.
pub(crate) fn event(name: &str, about: &str, reason: &str, message: &str, clock: &str) -> Value {
    let (kind, involved) = about.split_once(' ').expect("kind and name");
    object(&format!("Event {name}"), &format!("u-{name}"), clock)
        .with("involvedObject", json!({"kind": kind, "name": involved, "namespace": NAMESPACE}))
        .with("reason", reason.into())
        .with("message", message.into())
        .with("source", json!({"component": "tests"}))
}

/// A cluster of these objects.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) objects: Vec<Value>,
    /// Kinds that may not be read.
    pub(crate) forbidden: Vec<&'static str>,
    /// Whether it answers at all, once the first object is read.
    pub(crate) goes_away: bool,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Fake {
    pub(crate) fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        Self { objects: objects.into_iter().collect(), ..Self::default() }
    }

    fn refuse(&self, kind: &str) -> Result<(), WhyError> {
        let mut asked = self.asked.lock().expect("no panic while locked");
        asked.push(kind.into());
        if self.goes_away && asked.len() > 1 {
            let cause = format!("no answer within {:?}", Duration::from_secs(10));
            return Err(WhyError::ServerAway { server: "https://127.0.0.1:1".into(), cause });
        }
        if self.forbidden.contains(&kind) {
            return Err(WhyError::Forbidden {
                verb: "get",
                resource: format!("{}s", kind.to_lowercase()),
                namespace: Some(NAMESPACE.into()),
                message: "RBAC says no".into(),
            });
        }
        Ok(())
    }
}

impl Cluster for Fake {
    async fn resolve(&self, kind: &KindName) -> Result<Resource, WhyError> {
        let found = self.objects.iter().find_map(|object| {
            object["kind"].as_str().filter(|known| known.eq_ignore_ascii_case(&kind.word))
        });
        found
            .map(|kind| Resource {
                kind: kind.into(),
                version: "v1".into(),
                namespaced: true,
                ..Resource::default()
            })
            .ok_or_else(|| WhyError::UnknownKind { word: kind.to_string(), unanswered: Vec::new() })
    }

    async fn object(&self, key: &Key) -> Result<Value, WhyError> {
        self.refuse(key.kind())?;
        let found = self
            .objects
            .iter()
            .find(|object| object["kind"] == *key.kind() && object["metadata"]["name"] == *key.name());
        found.cloned().ok_or_else(|| WhyError::NotFound {
            what: key.to_string(),
            short: format!("{}/{}", key.kind().to_lowercase(), key.name()),
            namespace: key.namespace().map(Into::into),
        })
    }

    async fn events(&self, about: &Key) -> Result<Vec<Value>, WhyError> {
        self.refuse("Event")?;
        let is_about = |object: &&Value| {
            object["involvedObject"]["kind"] == *about.kind()
                && object["involvedObject"]["name"] == *about.name()
        };
        Ok(self.objects.iter().filter(is_about).cloned().collect())
    }
}

/// The text of the answer for `Pod web`.
pub(crate) async fn told(cluster: &Fake, object: &str) -> String {
    told_at(cluster, object, Some(110)).await
}

pub(crate) async fn told_at(cluster: &Fake, object: &str, width: Option<usize>) -> String {
    let chain = chain(cluster, object).await;
    render::text(&chain, &TextOptions { width, now: at("15:00:00"), ..TextOptions::default() })
}

pub(crate) async fn chain(cluster: &Fake, object: &str) -> crate::Chain {
    let (kind, name) = object.split_once(' ').expect("kind and name");
    let key = Key::new("", kind, Some(NAMESPACE), name).expect("a key");
    observe(cluster, &key, &Keys::default()).await.expect("an answer")
}
